"""The shape of a policy: facts in, verdict or splices out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.model.facts import DeliveryFacts, MessageFacts, RecipientFacts, RewriteFacts, SenderFacts
from gateway.model.message import Message
from gateway.model.splice import Splice
from gateway.model.verdict import Verdict

SenderRule = Callable[[SenderFacts], Verdict]
RecipientRule = Callable[[RecipientFacts], Verdict]
MessageRule = Callable[[Message, MessageFacts], Verdict]
Rewrite = Callable[[Message, RewriteFacts], Sequence[Splice]]
ReleaseRule = Callable[[DeliveryFacts], Verdict]


@dataclass(frozen=True, slots=True)
class Policy:
    """One compliance rule: its name, and what it does at each step; None where it does nothing.

    The recipient rule runs at RCPT, where the list is not known yet, and again after the content, when it is.
    """

    name: str
    sender: SenderRule | None = None
    recipient: RecipientRule | None = None
    message: MessageRule | None = None
    rewrite: Rewrite | None = None
    release: ReleaseRule | None = None
