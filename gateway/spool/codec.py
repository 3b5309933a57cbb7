"""Values to rows and back: everything with an address or content in it is sealed for its account.

What it promises: a ciphertext is bound to its row by its context, so that rows cannot be swapped; what
cannot be opened raises ``Spoiled`` and nothing else. Layouts are msgpack maps by field name, so that a
field added later with a default reads old rows.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import msgspec

from gateway.model.delivery import (
    SETTLED,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Recipient,
    Sender,
    Submission,
    move,
)
from gateway.model.events import Event, EventType, Scalar, SealedEvent, seal_event
from gateway.model.splice import Splice
from gateway.model.values import dataclass
from gateway.ports import Keyring, Parcel, Settlement

Row = tuple[Any, ...]

KEY_GONE = "key-gone"  # the account was deleted: nobody can read its mail any more
UNREADABLE = "unreadable"  # tampered with, or damaged


class Spoiled(Exception):
    """A row that cannot be opened; ``reason`` is the hold reason that it earns."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Payload:
    recipient: Recipient
    splices: tuple[Splice, ...]


@dataclass(slots=True)
class Rows:
    """What an operation, or a whole batch, writes. ``moves`` and ``closes`` end with the state to compare."""

    submissions: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    closes: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    def extend(self, other: "Rows") -> None:
        """Add another's rows after these."""
        self.submissions += other.submissions
        self.deliveries += other.deliveries
        self.moves += other.moves
        self.closes += other.closes
        self.events += other.events


_encode = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode
PAYLOAD = 6  # where it stands in a row
_decode_payload = msgspec.msgpack.Decoder(_Payload).decode
_decode_sender = msgspec.msgpack.Decoder(Sender).decode

_EVENT_TYPES = {kind.value: kind for kind in EventType}
_STATES = {state.value: state for state in DeliveryState}


class Codec:
    """Seals and opens rows with the accounts' keys. Holds no state; any thread may use it."""

    def __init__(self, keyring: Keyring) -> None:
        self._seal = keyring.seal
        self._open = keyring.open

    def parcel_rows(self, parcel: Parcel) -> Rows:
        """Return the rows of a parcel; raise KeyError when the account's key is gone."""
        rows = Rows()
        self._add_parcel(parcel, rows)
        return rows

    def settlement_rows(self, settlements: Sequence[Settlement]) -> Rows:
        """Return the rows of moves from the state each delivery stood in; raise IllegalMove."""
        rows = Rows()
        for one in settlements:
            self._add_settlement(one, rows)
        return rows

    def event_rows(self, events: Sequence[Event]) -> list[Row]:
        """Return events as rows, in order; where the account's key is gone, without what it would seal."""
        return [event_row(self.sealed_event(event)) for event in events]

    def sealed_event(self, event: Event) -> SealedEvent:
        """Return the event as it rests."""
        try:
            return seal_event(event, self._seal, _to_json)
        except KeyError:
            return seal_event(replace(event, data={}), self._seal, _to_json)

    def open_delivery(self, row: Row) -> Delivery:
        """Return the delivery of a row of both tables; raise Spoiled."""
        (submission_id, number, account_id, state, attempts, due_at, payload, last_reply, hold_reason) = row[
            :9
        ]
        (list_id, signing_domain, envelope) = row[14:17]
        key = _key(submission_id, number)
        try:
            sender = _decode_sender(self._open(account_id, envelope, b"envelope:" + submission_id.encode()))
            opened = _decode_payload(self._open(account_id, payload, b"delivery:" + key))
            reply = self._open(account_id, last_reply, b"reply:" + key).decode() if last_reply else ""
        except KeyError as error:
            raise Spoiled(KEY_GONE) from error
        except (ValueError, msgspec.MsgspecError) as error:
            raise Spoiled(UNREADABLE) from error
        submission = Submission(submission_id, account_id, row[12], sender, row[13], list_id, signing_domain)
        return Delivery(
            submission,
            number,
            opened.recipient,
            opened.splices,
            _STATES[state],
            attempts,
            due_at,
            reply,
            hold_reason,
        )

    def open_content(self, submission_id: str, account_id: int, sealed: bytes) -> bytes:
        """Return a content; raise Spoiled."""
        try:
            return self._open(account_id, sealed, b"content:" + submission_id.encode())
        except KeyError as error:
            raise Spoiled(KEY_GONE) from error
        except ValueError as error:
            raise Spoiled(UNREADABLE) from error

    def _add_parcel(self, parcel: Parcel, rows: Rows) -> None:
        one = parcel.submission
        name = one.id.encode()
        if parcel.deliveries:
            envelope = self._seal(one.account_id, _encode(one.sender), b"envelope:" + name)
            content = self._seal(one.account_id, parcel.content, b"content:" + name)
            rows.submissions.append(
                (
                    one.id,
                    one.account_id,
                    one.received_at,
                    len(parcel.content),
                    one.list_id,
                    one.signing_domain,
                    envelope,
                    content,
                )
            )
            rows.deliveries += [self._delivery_row(one, delivery) for delivery in parcel.deliveries]
        rows.events += self.event_rows(parcel.events)

    def _delivery_row(self, submission: Submission, delivery: Delivery) -> Row:
        if delivery.state in SETTLED:
            raise ValueError(f"a delivery cannot enter the spool {delivery.state}")
        account_id, key = submission.account_id, _key(submission.id, delivery.number)
        payload = _encode(_Payload(delivery.recipient, delivery.splices))
        return (
            submission.id,
            delivery.number,
            account_id,
            delivery.state.value,
            delivery.attempts,
            delivery.due_at,
            self._seal(account_id, payload, b"delivery:" + key),
            self._sealed_reply(account_id, key, delivery.last_reply) or b"",
            delivery.hold_reason,
            submission.received_at,
        )

    def _add_settlement(self, one: Settlement, rows: Rows) -> None:
        was = one.delivery.state
        becomes = move(was, one.event)
        submission, number = one.delivery.submission, one.delivery.number
        if becomes in SETTLED:
            rows.closes.append((submission.id, number, was.value))
        else:
            key = _key(submission.id, number)
            reply = self._sealed_reply(submission.account_id, key, one.reply)
            tried, due = terms(one)
            why = reason(one, becomes)
            rows.moves.append((becomes.value, tried, due, reply, why, submission.id, number, was.value))
        rows.events += self.event_rows(one.events)
        for report in one.reports:
            with contextlib.suppress(KeyError):  # the account was deleted: nobody is left to report to
                self._add_parcel(report, rows)

    def _sealed_reply(self, account_id: int, key: bytes, reply: str) -> bytes | None:
        if not reply:
            return None
        try:
            return self._seal(account_id, reply.encode(), b"reply:" + key)
        except KeyError:  # the outcome of a deleted account's delivery counts; the words may go
            return None


def move_row(
    key: tuple[str, int], was: DeliveryState, event: DeliveryEvent, due_at: float | None = None, why: str = ""
) -> Row:
    """Return the row of a move that is no settlement of the relay's; raise IllegalMove."""
    return (move(was, event).value, 0, due_at, None, why, *key, was.value)


def add_move(rows: Rows, key: tuple[str, int], was: DeliveryState, event: DeliveryEvent, **what: Any) -> None:
    """Add a move that may be the delivery's end; ``what`` is ``move_row``'s. Raise IllegalMove."""
    if move(was, event) in SETTLED:
        rows.closes.append((*key, was.value))
    else:
        rows.moves.append(move_row(key, was, event, **what))


def terms(one: Settlement) -> tuple[int, float | None]:
    """Return what a move adds to the attempts, and when the delivery is due (None: as it was).

    Only DEFER is an attempt that leaves the delivery open; a HOLD keeps the time for the release.
    """
    tried = int(one.event is DeliveryEvent.DEFER and one.counts_attempt)
    return tried, None if one.event is DeliveryEvent.HOLD else one.due_at


def reason(one: Settlement, becomes: DeliveryState) -> str:
    """Return the hold reason after the move: none unless it is HELD."""
    return one.hold_reason if becomes is DeliveryState.HELD else ""


def event_row(event: SealedEvent) -> Row:
    """Return an event's row, without its place."""
    return (
        event.id,
        event.type.value,
        event.at,
        event.account_id,
        event.submission_id,
        event.delivery_number,
        event.list_id,
        event.facts,
        event.data,
    )


def event_of(row: Row) -> tuple[int, SealedEvent]:
    """Return the place and the event of a row of the outbox."""
    return row[0], SealedEvent(row[1], _EVENT_TYPES[row[2]], *row[3:])


def _to_json(values: Mapping[str, Scalar]) -> str:
    """Return JSON in an eighth of the standard library's time."""
    return _encode_json(dict(values)).decode()


def _key(submission_id: str, number: int) -> bytes:
    return f"{submission_id}.{number}".encode()
