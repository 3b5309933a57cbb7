"""How a subscription may change: one place that says it. Pure.

The rule that matters: a person who left, bounced or complained comes back by their own confirmation only; no
statement of a tenant and no import brings them back. And nothing weakens a bond: an assertion does not
replace a double opt-in, a pending sign-up does not take a confirmed one back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from gateway.model.facts import Basis, SubscriptionState

_S = SubscriptionState

OF_THEIR_OWN_WILL = frozenset({_S.UNSUBSCRIBED, _S.COMPLAINED})
LEFT = OF_THEIR_OWN_WILL | {_S.BOUNCED}

_STRENGTH = {Basis.RECOMMENDED: 0, Basis.ACCOUNT: 1, Basis.ASSERTED: 1, Basis.DOUBLE_OPT_IN: 2}


class Change(StrEnum):
    """What became of a wish to subscribe."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription as it stands; ``since``: when its state was entered."""

    state: SubscriptionState
    basis: Basis
    since: float


@dataclass(frozen=True, slots=True)
class Left:
    """No: they have left, and only their own confirmation brings them back."""

    standing: Standing


def subscribe(now: Standing | None, state: SubscriptionState, basis: Basis) -> Change | Left:
    """Say what a wish to enter ``state`` on ``basis`` does to a subscription as it stands."""
    if now is None:
        return Change.ADDED
    if now.state in LEFT:
        return Change.CHANGED if basis is Basis.DOUBLE_OPT_IN else Left(now)
    if now.state is _S.PENDING and state is _S.CONFIRMED:
        return Change.CHANGED
    if now.state is state and _STRENGTH[basis] > _STRENGTH[now.basis]:
        return Change.CHANGED
    return Change.UNCHANGED


def why_left(left: Left) -> str:
    """Return the refusal in words."""
    day = datetime.fromtimestamp(left.standing.since, UTC).date().isoformat()
    return (
        f"the address is {left.standing.state} since {day}; only its owner's own confirmation can change that"
    )
