"""What the pipeline and the relay need of the world, in words of the domain.

Each port has an in-memory twin beside its real implementation, and one contract suite in ``tests/contract``
over all of them. A port that cannot serve raises ``StoreAway`` or ``SpoolFull`` (gateway.model.reply): the
client hears a transient reply, and nothing of the cause.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from gateway.model.api_key import Grant
from gateway.model.delivery import Delivery, DeliveryEvent, Sender, Submission
from gateway.model.events import Event, SealedEvent
from gateway.model.facts import Account, Bonds, QuotaFact
from gateway.model.notice import Notice, NoticeType
from gateway.model.rate import Rate
from gateway.model.values import dataclass


class Clock(Protocol):
    """The time, injected."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


class Entropy(Protocol):
    """Randomness, injected."""

    def octets(self, count: int) -> bytes:
        """Return that many random octets, fit for names that must not be guessed."""
        ...

    def fraction(self) -> float:
        """Return a number from 0 up to 1, for jitter."""
        ...


class Meter(Protocol):
    """Counts and times; the names and their labels stand in gateway.observe.metrics."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        ...

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put a value (seconds, octets) into a histogram."""
        ...

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set this process's share of a gauge."""
        ...


class KeyGone(KeyError):
    """An account's key was destroyed: the account is erased, or about to be."""


class Keyring(Protocol):
    """Seals what is confidential with a key of its account; the account's key wrapped by the master key.

    Each call raises KeyGone where the account's key is no more.
    """

    def address_hash(self, account_id: int, identity: str) -> bytes:
        """Return the 16-octet keyed hash under which an address identity is looked up."""
        ...

    def seal(self, account_id: int, plain: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate; ``context`` says what it is and where it belongs."""
        ...

    def open(self, account_id: int, sealed: bytes, context: bytes) -> bytes:
        """Decrypt; raise ValueError when it was tampered with."""
        ...


class Accounts(Protocol):
    """The tenants, as they stand: a change made anywhere is seen within a second."""

    async def authenticate(self, name: str, password: str) -> Account | None:
        """Return the account when name and password are right; the same time for either mistake."""
        ...

    async def by_id(self, account_id: int) -> Account | None:
        """Return the account, or None when it is gone."""
        ...

    async def by_name(self, name: str) -> Account | None:
        """Return the account of that name, or None."""
        ...


class ConsentBook(Protocol):
    """Who may be written to."""

    async def bonds(self, keys: Sequence[tuple[int, bytes]]) -> Sequence[Bonds]:
        """Return what is known for each (account id, address hash), in order, in one round trip."""
        ...


class Quota(Protocol):
    """Tokens, right across all workers of a machine. The calls take microseconds and never wait."""

    def reserve(self, key: bytes, rates: Sequence[Rate], burst: int, now: float, count: int = 1) -> QuotaFact:
        """Take ``count`` tokens of every rate, or none and say how long until there would be."""
        ...

    def give_back(self, key: bytes, rates: Sequence[Rate], count: int = 1) -> None:
        """Return tokens that were reserved for what was then refused."""
        ...

    def check(self, key: bytes, rates: Sequence[Rate], burst: int, now: float) -> QuotaFact:
        """Say what ``reserve`` would say, and take nothing."""
        ...


class Presence(Protocol):
    """How many sessions there are under a key, across all workers; those of a dead worker do not count."""

    def enter(self, key: bytes, limit: int) -> bool:
        """Count one more, unless there are ``limit`` already."""
        ...

    def leave(self, key: bytes) -> None:
        """Count one less."""
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """A submission with its content and all its copies: what the spool takes in one piece."""

    submission: Submission
    content: bytes
    deliveries: tuple[Delivery, ...]
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """One move of one delivery, with all that must become true in the same transaction."""

    delivery: Delivery  # as it stood before
    event: DeliveryEvent
    due_at: float = 0.0  # for DEFER and UNCLAIM
    reply: str = ""
    hold_reason: str = ""
    counts_attempt: bool = True
    events: tuple[Event, ...] = ()
    reports: tuple[Parcel, ...] = ()  # a DSN enters with the outcome that it reports


class LostMove(Exception):
    """Moves that found the delivery gone, or in a state that does not know the event; the others are done.

    ``ids`` are the deliveries' ids. Their events and reports were not kept.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"lost the race for {', '.join(ids)}")
        self.ids = tuple(ids)


class Spool(Protocol):
    """The durable queue: one per worker. ``put`` and ``settle`` return after an fsync."""

    async def put(self, parcel: Parcel) -> None:
        """Keep it, whatever happens next. Deliveries enter QUEUED or ACTIVE, as their ``state`` says."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Apply moves by compare-and-set; the body goes with the submission's last open delivery.

        Raise LostMove for those that lost, when the others are done.
        """
        ...

    def record(self, events: Sequence[Event]) -> None:
        """Keep events of what was not accepted; they are written with the next commit."""
        ...

    def check_room(self) -> None:
        """Raise SpoolFull when the next ``put`` would find no room (limit, disk)."""
        ...

    async def accounts_due(self, now: float) -> Sequence[int]:
        """Return the accounts that have a QUEUED delivery due."""
        ...

    async def claim_due(
        self, account_id: int, now: float, limit: int, octets: int = sys.maxsize
    ) -> Sequence[Delivery]:
        """Move up to ``limit`` due deliveries of an account to ACTIVE, oldest due first, and return them.

        Not more than hold about so many ``octets`` of splices together, but one at least.
        """
        ...

    async def next_due(self, now: float) -> float | None:
        """Return when the next QUEUED delivery falls due after ``now``, or None."""
        ...

    async def bring_forward(self, now: float, longest: float) -> int:
        """Make due now what is QUEUED for later than ``longest`` seconds ahead; return how many.

        Ages that have not begun yet begin now. Both are times that only another clock can have given.
        """
        ...

    async def release_held(self, account_id: int, hold_reason: str) -> int:
        """Move an account's HELD deliveries of that reason to QUEUED, due now; return how many."""
        ...

    async def held_accounts(self, hold_reason: str) -> Sequence[int]:
        """Return the accounts with deliveries HELD for that reason."""
        ...

    def doomed(self) -> Collection[tuple[str, int]]:
        """Return submission and number of what another process has doomed, and some that are gone since."""
        ...

    async def content(self, submission_id: str) -> bytes:
        """Return a submission's content; raise KeyError when it is settled."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Return the number of deliveries by state."""
        ...


class Dispatch(Protocol):
    """The relay, as the pipeline sees it: where a parcel goes right after its commit."""

    def has_room(self, account_id: int, copies: int, octets: int) -> bool:
        """Whether the copies may enter ACTIVE and be sent from memory; else they wait in the spool."""
        ...

    def offer(self, parcel: Parcel) -> None:
        """Take over deliveries that entered ACTIVE."""
        ...

    def nudge(self) -> None:
        """Say that the spool has something new that is due."""
        ...


class Signer(Protocol):
    """DKIM."""

    async def sign(self, account_id: int, domain: str, content: bytes) -> bytes:
        """Return the DKIM-Signature fields to put before the content: none, one or several."""
        ...


@dataclass(frozen=True, slots=True)
class Copy:
    """What goes over the wire to the next hop: final octets, signed, not yet dot-stuffed."""

    sender: Sender
    delivery: Delivery
    content: bytes


@dataclass(frozen=True, slots=True)
class HopReply:
    """What a next hop said to one copy. ``command`` is where: MAIL, RCPT, DATA, end of data."""

    code: int
    enhanced: str  # "" when it gave none
    text: str
    command: str
    host: str
    dsn: bool = False  # the hop has promised to report as the sender wished (RFC 3461)


class HopUnreachable(Exception):
    """No next hop could be talked to; the copy was not sent. The message says why, for the operator.

    ``until``: when it makes sense to ask again, seconds since the epoch; 0.0: not known.
    """

    def __init__(self, why: str = "", until: float = 0.0) -> None:
        super().__init__(why)
        self.until = until


class HopBroken(Exception):
    """The connection was lost, or made no sense, while a copy was on the wire."""


class NextHop(Protocol):
    """Where mail goes next."""

    async def send(self, copy: Copy) -> HopReply:
        """Hand one copy over; raise HopUnreachable or HopBroken where there was no answer."""
        ...


class Outbox(Protocol):
    """The events of a spool, on their way to the store: at least once, in order."""

    async def outbox(self, limit: int) -> Sequence[tuple[int, SealedEvent]]:
        """Return the oldest events with their places in the line."""
        ...

    async def forget(self, places: Sequence[int]) -> None:
        """Drop events that the store has."""
        ...


class EventStore(Protocol):
    """Where events end up; applied once, by their unique id."""

    async def append(self, events: Sequence[SealedEvent]) -> None:
        """Keep them; those that are known already change nothing."""
        ...


class BadCursor(Exception):
    """A cursor that was not given out, or not to this account."""


@dataclass(frozen=True, slots=True)
class Page:
    """What came after a place. ``place``: where to go on; ``more``: there may be something now."""

    notices: tuple[Notice, ...]
    place: int
    more: bool


class EventFeed(Protocol):
    """What happened to an account, in the order in which it came to the store. The calls block."""

    def page(self, account_id: int, after: int, wanted: Collection[NoticeType], limit: int) -> Page:
        """Return what came after a place (0: from the beginning), oldest first."""
        ...

    def cursor(self, account_id: int, place: int) -> str:
        """Return a place as the account's own programs keep it."""
        ...

    def place(self, account_id: int, cursor: str) -> int:
        """Return the place of a cursor; raise BadCursor."""
        ...


class Tide(Protocol):
    """Tells when there is something new in the store."""

    async def rise(self, account_id: int, beyond: int, patience: float) -> bool:
        """Return True when the account has an event beyond a place, False when the seconds are over."""
        ...


class ApiKeys(Protocol):
    """The keys by which programs of accounts use the API; a revoked one is good for nothing in a second."""

    async def grant(self, text: str, now: float) -> Grant | None:
        """Return what the bearer of a key may do, or None: the same time for whatever is wrong with it."""
        ...
