"""Only people who asked: a recipient has a subscription whose basis is enough for this account.

At RCPT the list is not known yet, so a subscription on any list of the account will do; after the content it
must be the list that the message names. A refusal says the most telling thing about the recipient: that they
left, and when; else until when they want a pause; else that they have not confirmed yet; else that nobody
knows of an opt-in. A pause ends by itself.

A copy that has waited in the queue is judged once more before it goes out: who left meanwhile does not get
it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.model import reply
from gateway.model.facts import (
    Basis,
    ConsentLevel,
    DeliveryFacts,
    RecipientFacts,
    Subscription,
    SubscriptionState,
)
from gateway.model.policy import Policy
from gateway.model.verdict import PASS, Refuse, Verdict
from policies.table import Table

_ENOUGH = {
    # An account's own users are its own to write to; a recommendation is one invitation, never a newsletter.
    ConsentLevel.CONFIRMED: frozenset({Basis.DOUBLE_OPT_IN, Basis.ACCOUNT}),
    ConsentLevel.ASSERTED: frozenset({Basis.DOUBLE_OPT_IN, Basis.ACCOUNT, Basis.ASSERTED}),
}


class Settings(Table):
    """``[consent]`` has no settings: what is enough stands with each account."""


def recipient(facts: RecipientFacts) -> Verdict:
    """Refuse a recipient who never opted in, or who has left since."""
    bonds = facts.bonds.subscriptions
    if facts.mail_list is not None:
        bonds = _of_list(bonds, facts.mail_list.id)
    return _judge(bonds, facts.account.consent, facts.now)


def release(facts: DeliveryFacts) -> Verdict:
    """Refuse a copy whose recipient has left, or wants a pause, since it came in."""
    list_id = facts.delivery.submission.list_id
    if facts.bonds is None or list_id is None:
        return PASS
    return _judge(_of_list(facts.bonds.subscriptions, list_id), facts.account.consent, facts.now)


def _of_list(bonds: tuple[Subscription, ...], list_id: int) -> tuple[Subscription, ...]:
    return tuple(bond for bond in bonds if bond.list_id == list_id)


def _judge(bonds: tuple[Subscription, ...], level: ConsentLevel, now: float) -> Verdict:
    enough = _ENOUGH[level]
    good = [bond for bond in bonds if bond.state is SubscriptionState.CONFIRMED and bond.basis in enough]
    if any(bond.paused_until <= now for bond in good):
        return PASS
    if good:
        until = min(bond.paused_until for bond in good)
        return Refuse(reply.PAUSED.fill(date=_day(until)), "paused")
    return _why_not(bonds)


def _why_not(bonds: tuple[Subscription, ...]) -> Verdict:
    for state, answer, reason in (
        (SubscriptionState.COMPLAINED, reply.COMPLAINED, "complained"),
        (SubscriptionState.UNSUBSCRIBED, reply.UNSUBSCRIBED, "unsubscribed"),
        (SubscriptionState.BOUNCED, reply.BOUNCED, "bounced"),
    ):
        dates = [bond.changed_at for bond in bonds if bond.state is state]
        if dates:
            return Refuse(answer.fill(date=_day(max(dates))), reason)
    if any(bond.state is SubscriptionState.PENDING for bond in bonds):
        return Refuse(reply.CONSENT_PENDING, "pending")
    if any(bond.state is SubscriptionState.CONFIRMED for bond in bonds):
        return Refuse(reply.CONSENT_TOO_WEAK, "basis-too-weak")
    return Refuse(reply.NO_CONSENT, "no-opt-in")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[consent]`` of policy.toml."""
    Settings.model_validate(settings)
    return Policy("consent", recipient=recipient, release=release)
