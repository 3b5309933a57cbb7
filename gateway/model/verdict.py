"""What a policy says: Pass, Refuse or Hold."""

from gateway.model.reply import Reply
from gateway.model.values import dataclass


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing against it."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """No: the client gets the reply; ``reason`` is a short slug for counters and logs."""

    reply: Reply
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now. ``wait`` in seconds when time alone frees it, else None: until someone releases it."""

    reason: str
    wait: float | None = None


Verdict = Pass | Refuse | Hold
PASS = Pass()

ACCOUNT_STATE_HOLD = "account-state"
"""The Hold reason of mail whose account may not send now; what it is released by."""
