"""The operators' side of the queue: looking, and moving deliveries, from another process on the same files.

What it promises: each move is compare-and-set on gateway.model.delivery, in one transaction with its event;
the worker that owns the shard sees it within a second. A delivery that is being sent is not touched, and the
answer says so; but a drop dooms it: it ends with this try, however long that hangs. It fails with
sqlite3.Error or ForeignShard. The calls block; they are for a command line.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.model.address import Address
from gateway.model.delivery import Delivery, DeliveryEvent, DeliveryState, IllegalMove
from gateway.model.events import Event, EventType
from gateway.model.identity import new_id
from gateway.ports import Clock, Entropy, Keyring
from gateway.spool import statements
from gateway.spool.batch import Change, write_rows
from gateway.spool.codec import Codec, Row, Rows, Spoiled, add_move, move_row
from gateway.spool.shard import looked_into, shards, transaction

OPERATOR_HOLD = "operator"  # the hold reason of ``hold``
_EVERY_ROW = (None, None, None, None, -1)

_WHY_DROPPED = {DeliveryState.ACTIVE: "dropped by an operator while it was being sent"}


class Answer(StrEnum):
    """What became of an operator's wish."""

    DONE = "done"
    BEING_SENT = "is being sent"
    DOOMED = "is being sent: it is thrown away unless the next hop takes it in this try"
    NOT_SO = "is not in a state for this"
    NOT_FOUND = "is not in the queue"


@dataclass(frozen=True, slots=True)
class Wish:
    """The answer for one delivery, or for an id that names none."""

    id: str
    account_id: int | None
    answer: Answer

    @property
    def is_granted(self) -> bool:
        """Whether anything comes of the wish, now or when the try is over."""
        return self.answer in {Answer.DONE, Answer.DOOMED}


@dataclass(frozen=True, slots=True)
class Listed:
    """A delivery as operators see it. ``delivery`` is None where the row cannot be opened."""

    id: str
    account_id: int
    state: DeliveryState
    attempts: int
    due_at: float
    received_at: float
    age: float  # seconds
    size: int  # octets
    hold_reason: str
    recipient: str
    last_reply: str
    shard: int
    delivery: Delivery | None
    spoiled: str  # why it cannot be opened; "": it can


class QueueDesk:
    """Works on all the shards of a folder, whoever owns them."""

    def __init__(self, folder: Path, *, keyring: Keyring, clock: Clock, entropy: Entropy) -> None:
        self._folder = folder
        self._codec = Codec(keyring)
        self._clock = clock
        self._entropy = entropy

    def listing(
        self, *, account_id: int | None = None, state: DeliveryState | None = None, limit: int = 100
    ) -> Sequence[Listed]:
        """Return up to ``limit`` deliveries, oldest submission first."""
        terms = (account_id, account_id, state, state, limit)
        found = [one for _, rows in self._ask(statements.LISTED, terms) for one in rows]
        found.sort(key=lambda one: (one.received_at, one.id))
        return found[:limit]

    def listing_of(self, is_them: Callable[[Address], bool]) -> Sequence[Listed]:
        """Return one person's deliveries, of whatever account: each row is opened, so it takes its time."""
        found = []
        for number, path in shards(self._folder):
            with looked_into(path) as connection:
                rows = connection.execute(statements.LISTED, _EVERY_ROW) if connection else ()
                found += [one for row in rows if _is_for(one := self._listed(number, row), is_them)]
        return found

    def show(self, submission_id: str, number: int | None = None) -> Sequence[Listed]:
        """Return a submission's open deliveries, or the one of that number."""
        found = [one for _, rows in self._ask(statements.SHOWN, (submission_id,)) for one in rows]
        return [one for one in found if number is None or one.id == f"{submission_id}.{number}"]

    def retry(self, submission_id: str, number: int | None = None) -> Sequence[Wish]:
        """Have deliveries tried now, HELD ones too."""
        return self._change(submission_id, number, DeliveryEvent.RETRY)

    def hold(self, submission_id: str, number: int | None = None) -> Sequence[Wish]:
        """Stop deliveries until they are released."""
        return self._change(submission_id, number, DeliveryEvent.HOLD)

    def release(self, submission_id: str, number: int | None = None) -> Sequence[Wish]:
        """Let HELD deliveries go on, due now."""
        return self._change(submission_id, number, DeliveryEvent.RELEASE)

    def drop(self, submission_id: str, number: int | None = None) -> Sequence[Wish]:
        """Throw deliveries away, each with an AdminBounce event."""
        return self._change(submission_id, number, DeliveryEvent.DROP)

    def _ask(self, statement: str, values: Sequence[object]) -> Iterator[tuple[int, Sequence[Listed]]]:
        for number, path in shards(self._folder):
            with looked_into(path) as connection:
                rows = connection.execute(statement, values).fetchall() if connection else []
            yield number, [self._listed(number, row) for row in rows]

    def _listed(self, shard: int, row: Row) -> Listed:
        delivery, spoiled = None, ""
        try:
            delivery = self._codec.open_delivery(row)
        except Spoiled as error:
            spoiled = error.reason
        return Listed(
            id=f"{row[0]}.{row[1]}",
            account_id=row[2],
            state=DeliveryState(row[3]),
            attempts=row[4],
            due_at=row[5],
            received_at=row[12],
            age=self._clock.now() - row[12],
            size=row[13],
            hold_reason=row[8],
            recipient=str(delivery.recipient.address) if delivery else "",
            last_reply=delivery.last_reply if delivery else "",
            shard=shard,
            delivery=delivery,
            spoiled=spoiled,
        )

    def _change(self, submission_id: str, number: int | None, event: DeliveryEvent) -> Sequence[Wish]:
        wishes: list[Wish] = []
        for shard, path in shards(self._folder):
            with looked_into(path) as connection:
                if connection:
                    wishes += self._change_in(connection, shard, (submission_id, number), event)
        name = submission_id if number is None else f"{submission_id}.{number}"
        return wishes or [Wish(name, None, Answer.NOT_FOUND)]

    def _change_in(
        self, connection: sqlite3.Connection, shard: int, which: tuple[str, int | None], event: DeliveryEvent
    ) -> list[Wish]:
        submission_id, number = which
        rows = Rows()
        with transaction(connection):
            found = connection.execute(statements.SHOWN, (submission_id,)).fetchall()
            chosen = [self._listed(shard, row) for row in found if number is None or row[1] == number]
            wishes = [Wish(one.id, one.account_id, self._wish(one, event, rows)) for one in chosen]
            write_rows(connection, rows, Change())
        return wishes

    def _wish(self, one: Listed, event: DeliveryEvent, rows: Rows) -> Answer:
        drops = event is DeliveryEvent.DROP
        if one.state is DeliveryState.DOOMED:
            return Answer.DOOMED if drops else Answer.BEING_SENT
        if one.state is DeliveryState.ACTIVE and not drops:
            return Answer.BEING_SENT
        submission_id, _, number = one.id.partition(".")
        key = (submission_id, int(number))
        try:
            if drops:
                add_move(rows, key, one.state, event)
                rows.events += self._codec.event_rows([self._admin_bounce(one, key)])
            else:
                due = None if event is DeliveryEvent.HOLD else self._clock.now()
                why = OPERATOR_HOLD if event is DeliveryEvent.HOLD else ""
                rows.moves.append(move_row(key, one.state, event, due_at=due, why=why))
        except IllegalMove:
            return Answer.NOT_SO
        return Answer.DOOMED if one.state is DeliveryState.ACTIVE else Answer.DONE

    def _admin_bounce(self, one: Listed, key: tuple[str, int]) -> Event:
        now = self._clock.now()
        return Event(
            id=new_id(now, self._entropy.octets(10)),
            type=EventType.ADMIN_BOUNCE,
            at=now,
            account_id=one.account_id,
            submission_id=key[0],
            delivery_number=key[1],
            list_id=one.delivery.submission.list_id if one.delivery else None,
            facts={"reason": _WHY_DROPPED.get(one.state, "dropped by an operator"), "attempts": one.attempts},
            data={"recipient": one.recipient} if one.recipient else {},
        )


def _is_for(one: Listed, is_them: Callable[[Address], bool]) -> bool:
    return one.delivery is not None and is_them(one.delivery.recipient.address)
