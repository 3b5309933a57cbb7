"""A wish to be on a list, and what becomes of it before its owner has said yes. Pure.

The rule that matters: nothing that somebody types into a form brings more than one letter, and one reminder,
to whoever owns the address; and whoever types it never hears what became of it.
"""

from enum import StrEnum

from gateway.model.address import Address
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.values import dataclass

HOUR, DAY = 3600.0, 86_400.0
ASK_AGAIN = HOUR  # seconds after the letter, when asking again brings the reminder


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wants an address to be on a list. ``language``: a tag, of the letter; "": the list's own."""

    account_id: int
    list_id: int
    address: Address
    language: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Terms:
    """What a sign-up is held to. Durations in seconds."""

    expires: float  # after which a sign-up that nobody confirmed is erased
    reminder: float  # 0: only who asks again gets one
    person_hour: int  # letters to one person, whatever the lists and accounts
    person_day: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-up that waits for its owner's answer, with all that a letter or a page says of it."""

    account_id: int
    list_id: int
    address_hash: bytes
    id: bytes  # 16 octets
    address: Address
    language: str
    source: str
    ip: str
    asked_at: float
    expires_at: float
    account: str  # its name
    mail_list: str  # its name, or its List-Id where it has none
    list_identifier: str  # its List-Id
    description: str
    frequency: str


class Fate(StrEnum):
    """What becomes of a wish."""

    LETTER = "letter"  # the question goes out
    REMINDER = "reminder"  # once more, for the last time
    WAITING = "waiting"  # it has gone out
    SUBSCRIBED = "subscribed"  # they have confirmed before
    SUPPRESSED = "suppressed"  # they, or the operator, want no mail of this account
    BOMBING = "bombing"  # too many for one person: nothing more goes out


@dataclass(frozen=True, slots=True)
class Known:
    """All that decides about a wish. ``hour`` and ``day``: letters to the person in that time, everywhere."""

    state: SubscriptionState | None
    basis: Basis | None
    suppressed: bool
    asked_at: float | None  # of a sign-up that still waits
    reminded: bool
    hour: int
    day: int


def fate(known: Known, terms: Terms, now: float) -> Fate:
    """Say what becomes of a wish."""
    if known.suppressed:
        return Fate.SUPPRESSED
    if known.state is SubscriptionState.CONFIRMED and known.basis is Basis.DOUBLE_OPT_IN:
        return Fate.SUBSCRIBED
    if known.asked_at is not None:
        again = not known.reminded and now - known.asked_at >= ASK_AGAIN
        return Fate.REMINDER if again else Fate.WAITING
    if known.hour >= terms.person_hour or known.day >= terms.person_day:
        return Fate.BOMBING
    return Fate.LETTER
