"""The life of a delivery: one table, (state, event) to state.

What it promises: nothing in the house moves a delivery in another way. Storage does compare-and-set on
``move``: it writes the new state only where the old one still stands.

    QUEUED ──claim──► ACTIVE ──deliver──► DELIVERED
      ▲  ▲               │ ├────fail────► BOUNCED
      │  └────defer──────┤ └───expire───► EXPIRED
      │                  └──hold──► HELD ──release──► QUEUED

A drop ends what is QUEUED or HELD at once. What is ACTIVE becomes DOOMED: it may be on the wire, and what the
hop says to that stands, for it may have the copy; but whatever else would let it try again is its end.
"""

from dataclasses import replace
from enum import StrEnum

from gateway.model.address import Address
from gateway.model.splice import Splice
from gateway.model.values import dataclass


class DeliveryState(StrEnum):
    """Where a delivery stands. QUEUED waits for its time; ACTIVE and DOOMED are in a worker's hands."""

    QUEUED = "queued"
    ACTIVE = "active"
    DOOMED = "doomed"
    HELD = "held"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    DROPPED = "dropped"


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    CLAIM = "claim"  # a worker takes it
    UNCLAIM = "unclaim"  # a worker gives it back untried, or is gone
    DEFER = "defer"  # the next hop said 4xx, or could not be reached
    DELIVER = "deliver"  # the next hop said 250
    FAIL = "fail"  # the next hop said 5xx
    EXPIRE = "expire"  # max_age has passed
    HOLD = "hold"  # an operator or a release rule stops it
    RELEASE = "release"  # and lets it go on
    RETRY = "retry"  # an operator wants it tried now
    DROP = "drop"  # an operator throws it away


_S, _E = DeliveryState, DeliveryEvent

TRANSITIONS: dict[tuple[DeliveryState, DeliveryEvent], DeliveryState] = {
    (_S.QUEUED, _E.CLAIM): _S.ACTIVE,
    (_S.QUEUED, _E.RETRY): _S.QUEUED,
    (_S.QUEUED, _E.HOLD): _S.HELD,
    (_S.QUEUED, _E.EXPIRE): _S.EXPIRED,
    (_S.QUEUED, _E.DROP): _S.DROPPED,
    (_S.ACTIVE, _E.UNCLAIM): _S.QUEUED,
    (_S.ACTIVE, _E.DEFER): _S.QUEUED,
    (_S.ACTIVE, _E.DELIVER): _S.DELIVERED,
    (_S.ACTIVE, _E.FAIL): _S.BOUNCED,
    (_S.ACTIVE, _E.EXPIRE): _S.EXPIRED,
    (_S.ACTIVE, _E.HOLD): _S.HELD,
    (_S.ACTIVE, _E.DROP): _S.DOOMED,
    (_S.DOOMED, _E.DELIVER): _S.DELIVERED,
    (_S.DOOMED, _E.FAIL): _S.BOUNCED,
    (_S.DOOMED, _E.EXPIRE): _S.EXPIRED,
    (_S.DOOMED, _E.DEFER): _S.DROPPED,
    (_S.DOOMED, _E.UNCLAIM): _S.DROPPED,
    (_S.DOOMED, _E.HOLD): _S.DROPPED,
    (_S.HELD, _E.RELEASE): _S.QUEUED,
    (_S.HELD, _E.RETRY): _S.QUEUED,
    (_S.HELD, _E.DROP): _S.DROPPED,
}

PROVIDER = 0
"""The account number of the provider itself."""
UNDELIVERED = "undelivered"
"""Why a letter that was entrusted to the house is held: nobody took it."""

SETTLED = frozenset({_S.DELIVERED, _S.BOUNCED, _S.EXPIRED, _S.DROPPED})


class IllegalMove(Exception):
    """An event that the delivery's state does not know."""


def move(state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """Return the state that follows, or raise IllegalMove."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalMove(f"a delivery that is {state} cannot {event}") from None


def sources(event: DeliveryEvent) -> frozenset[DeliveryState]:
    """Return the states in which the event is legal: the 'compare' of compare-and-set."""
    return frozenset(state for state, known in TRANSITIONS if known is event)


class Notify(StrEnum):
    """RFC 3461 section 4.1: when the sender wants to hear of a recipient."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT: the address, and RFC 3461's wishes. ``orcpt`` keeps the case and xtext it came with."""

    address: Address
    notify: frozenset[Notify] = frozenset()  # empty: the sender did not say
    orcpt: str = ""

    def joined(self, again: "Recipient") -> "Recipient":
        """Return this recipient, named once more in the same transaction with other wishes.

        It gets one copy, in the form in which it was named first. A report that either of the two wants is
        made: NEVER gives way to any other wish, and none said is FAILURE (RFC 3461 section 4.1).
        """
        if self.notify == again.notify:
            return replace(self, orcpt=self.orcpt or again.orcpt)
        default = frozenset({Notify.FAILURE})
        wishes = ((self.notify or default) | (again.notify or default)) - {Notify.NEVER}
        return Recipient(self.address, wishes, self.orcpt or again.orcpt)


@dataclass(frozen=True, slots=True)
class Sender:
    """MAIL FROM: the return path (None is the null sender, ``<>``) and its parameters."""

    address: Address | None
    size: int = 0  # octets, RFC 1870; 0: not said
    body_8bit: bool = False  # BODY=8BITMIME, RFC 6152
    smtputf8: bool = False
    ret: str = ""  # FULL or HDRS, RFC 3461 section 4.3
    envid: str = ""  # xtext as it came


@dataclass(frozen=True, slots=True)
class Submission:
    """What a tenant handed in, once: stored once, however many recipients it has."""

    id: str  # see gateway.model.identity
    account_id: int
    received_at: float  # seconds since the epoch, UTC
    sender: Sender
    size: int  # octets of the content
    list_id: int | None  # None: our own mail, such as a DSN
    signing_domain: str  # the domain of From:, in A-labels; "" when there is none


@dataclass(frozen=True, slots=True)
class Delivery:
    """One copy to one recipient: the unit that is rewritten, signed, sent, retried and settled."""

    submission: Submission
    number: int  # counts from 0 within the submission
    recipient: Recipient
    splices: tuple[Splice, ...]
    state: DeliveryState = DeliveryState.QUEUED
    attempts: int = 0
    due_at: float = 0.0  # seconds since the epoch
    last_reply: str = ""  # what the next hop said last, for people
    hold_reason: str = ""

    @property
    def weight(self) -> int:
        """Octets of the splices: what a copy takes in memory beside the content that it shares."""
        return sum([len(splice.new) for splice in self.splices])

    @property
    def is_entrusted(self) -> bool:
        """Whether it is a letter that somebody has left with us, to be handed on to the operator.

        We have answered 250 for it and it goes on with the null sender: when it fails, nobody can be told
        (RFC 5321 section 6.1), so it is kept. Mail that the house writes itself says NOTIFY=NEVER.
        """
        if self.submission.account_id != PROVIDER or self.submission.sender.address is not None:
            return False
        return Notify.NEVER not in self.recipient.notify

    @property
    def id(self) -> str:
        """The submission's id, a dot and the number: what operators type."""
        return f"{self.submission.id}.{self.number}"
