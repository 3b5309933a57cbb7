"""Judging: the first rule that does not pass decides. Pure."""

from gateway.model.facts import DeliveryFacts, MessageFacts, RecipientFacts, SenderFacts
from gateway.model.message import Message
from gateway.model.values import dataclass
from gateway.model.verdict import PASS, Pass, Verdict
from gateway.pipeline.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and the policy that gave it; the policy is "" where all passed."""

    verdict: Verdict
    policy: str = ""


PASSED = Judgement(PASS)


def judge_sender(shelf: Shelf, facts: SenderFacts) -> Judgement:
    """Ask the sender rules in order."""
    for name, rule in shelf.sender:
        verdict = rule(facts)
        if not isinstance(verdict, Pass):
            return Judgement(verdict, name)
    return PASSED


def judge_recipient(shelf: Shelf, facts: RecipientFacts) -> Judgement:
    """Ask the recipient rules in order."""
    for name, rule in shelf.recipient:
        verdict = rule(facts)
        if not isinstance(verdict, Pass):
            return Judgement(verdict, name)
    return PASSED


def judge_message(shelf: Shelf, message: Message, facts: MessageFacts) -> Judgement:
    """Ask the message rules in order."""
    for name, rule in shelf.message:
        verdict = rule(message, facts)
        if not isinstance(verdict, Pass):
            return Judgement(verdict, name)
    return PASSED


def judge_release(shelf: Shelf, facts: DeliveryFacts) -> Judgement:
    """Ask the release rules in order."""
    for name, rule in shelf.release:
        verdict = rule(facts)
        if not isinstance(verdict, Pass):
            return Judgement(verdict, name)
    return PASSED
