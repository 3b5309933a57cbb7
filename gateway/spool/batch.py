"""Operations on a shard, and how a batch of them becomes one transaction.

What it promises: a batch is tried as a whole, by a few statements over all its rows. Where that fails, each
operation gets a transaction of its own, so that only the culprit fails. An operation is done wholly or not
at all, but for ``Settle``, whose moves stand for themselves: those that lost are named, the others are done.
It runs on a connection in autocommit mode, which one thread uses at a time.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any

import structlog

from gateway.model.delivery import DeliveryState, IllegalMove
from gateway.model.values import dataclass
from gateway.ports import LostMove, Settlement
from gateway.spool import statements
from gateway.spool.codec import Codec, Row, Rows
from gateway.spool.errors import SpoolAway, public

_log = structlog.get_logger(__name__)
_MOST_BODIES = 64  # in one statement
_A_ROW = 4096  # octets of content that take as long as a row


@dataclass(slots=True)
class Change:
    """What a transaction did to the stock; it counts once the transaction is committed."""

    states: Counter[str] = field(default_factory=Counter)
    octets: int = 0

    def add(self, other: "Change") -> None:
        """Take over what another transaction did."""
        self.states.update(other.states)
        self.octets += other.octets


@dataclass(frozen=True, slots=True)
class Put:
    """Keep a parcel's rows."""

    rows: Rows


@dataclass(frozen=True, slots=True)
class Settle:
    """Make moves. ``rows`` is None where a delivery did not stand where such a move begins."""

    rows: Rows | None
    settlements: Sequence[Settlement]


@dataclass(frozen=True, slots=True)
class Ask:
    """Anything else that writes; it may be run again when its transaction was rolled back."""

    work: Callable[[sqlite3.Connection, Change], Any]


Operation = Put | Settle | Ask
Outcome = Any  # the operation's answer, or the exception for it


class _Raced(Exception):
    """A move of the batch did not find its delivery as it stood."""


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in an open transaction: it counts once that is committed."""

    outcomes: list[Outcome]
    change: Change


@dataclass(frozen=True, slots=True)
class Committed:
    """One outcome for each operation, what that did to the stock, and the events that found no way in."""

    outcomes: list[Outcome]
    change: Change
    unwritten: list[Row]


def commit_batch(
    connection: sqlite3.Connection, codec: Codec, operations: Sequence[Operation], events: list[Row]
) -> Committed:
    """Commit operations and recorded events, together or one by one. Never raises for one of them."""
    if not any(isinstance(one, Settle) and one.rows is None for one in operations):
        try:
            done = commit_written(connection, write_batch(connection, operations, events))
        except Exception as error:  # noqa: BLE001 - the culprit is found below, and gets its exception
            _log.debug("a batch is taken apart", error=str(error), operations=len(operations))
        else:
            if done is not None:
                return done
    return _one_by_one(connection, codec, operations, events)


def weight(operation: Operation) -> float:
    """Return how many rows an operation writes, at about; infinite where nobody can say beforehand."""
    if isinstance(operation, Ask) or operation.rows is None:
        return math.inf
    rows = operation.rows
    octets = sum([len(row[-1]) for row in rows.submissions])
    return len(rows.deliveries) + len(rows.moves) + 2 * len(rows.closes) + len(rows.events) + octets // _A_ROW


def write_batch(
    connection: sqlite3.Connection, operations: Sequence[Operation], events: list[Row]
) -> Written:
    """Write a batch in a transaction that is left open; raise, and write nothing, where one of them fails."""
    change, rows = Change(), Rows(events=list(events))
    for one in operations:
        if not isinstance(one, Ask) and one.rows is not None:
            rows.extend(one.rows)
    connection.execute("BEGIN IMMEDIATE")
    try:
        write_rows(connection, rows, change)
        outcomes = [one.work(connection, change) if isinstance(one, Ask) else None for one in operations]
    except BaseException:
        _roll_back(connection)
        raise
    return Written(outcomes, change)


def commit_written(connection: sqlite3.Connection, written: Written) -> Committed | None:
    """Commit what ``write_batch`` wrote; None where that failed, and nothing is written."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _log.debug("a batch could not be committed", error=str(error), operations=len(written.outcomes))
        _roll_back(connection)
        return None
    return Committed(written.outcomes, written.change, [])


def _one_by_one(
    connection: sqlite3.Connection, codec: Codec, operations: Sequence[Operation], events: list[Row]
) -> Committed:
    total, outcomes = Change(), list[Outcome]()
    for one in operations:
        outcome, change = _single(connection, codec, one)
        outcomes.append(outcome)
        total.add(change)
        if isinstance(outcome, SpoolAway):
            break  # the file cannot be used: let nobody wait for the same answer again
    outcomes += outcomes[-1:] * (len(operations) - len(outcomes))
    failed, _ = _single(connection, codec, Put(Rows(events=events)))
    return Committed(outcomes, total, events if failed else [])


def _single(connection: sqlite3.Connection, codec: Codec, operation: Operation) -> tuple[Outcome, Change]:
    change = Change()
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcome = _apply(connection, codec, operation, change)
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
    except sqlite3.Error as error:
        return public(error), Change()
    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
        return error, Change()
    return outcome, change


def _apply(connection: sqlite3.Connection, codec: Codec, operation: Operation, change: Change) -> Outcome:
    match operation:
        case Put(rows):
            write_rows(connection, rows, change)
            return None
        case Ask(work):
            return work(connection, change)
        case Settle(_, settlements):
            return _settle_each(connection, codec, settlements, change)


def _settle_each(
    connection: sqlite3.Connection, codec: Codec, settlements: Sequence[Settlement], change: Change
) -> LostMove | None:
    """Compare each delivery with what stands in the table now: the transaction has the write lock."""
    lost = []
    for one in settlements:
        key = (one.delivery.submission.id, one.delivery.number)
        found = connection.execute(statements.STATE, key).fetchone()
        try:
            if found is None:
                raise IllegalMove("it is gone")  # noqa: TRY301 - the same end as a state that does not know it
            as_it_stands = replace(one.delivery, state=DeliveryState(found[0]))
            rows = codec.settlement_rows([replace(one, delivery=as_it_stands)])
        except IllegalMove:
            lost.append(one.delivery.id)
        else:
            write_rows(connection, rows, change)
    return LostMove(lost) if lost else None


def write_rows(connection: sqlite3.Connection, rows: Rows, change: Change) -> None:
    """Write rows within the open transaction; raise _Raced where a compare-and-set found another state.

    What goes comes first: its pages are filled again by what comes, and go to the disk once.
    """
    if rows.moves:
        _compare_and_set(connection, statements.MOVE, rows.moves)
        change.states.update([row[0] for row in rows.moves])
        change.states.subtract([row[-1] for row in rows.moves])
    if rows.closes:
        _compare_and_set(connection, statements.CLOSE, rows.closes)
        change.states.subtract([row[-1] for row in rows.closes])
        drop_bodies(connection, {row[0]: None for row in rows.closes}, change)
    if rows.submissions:
        connection.executemany(statements.INSERT_SUBMISSION, rows.submissions)
        change.octets += sum([row[3] for row in rows.submissions])
    if rows.deliveries:
        connection.executemany(statements.INSERT_DELIVERY, rows.deliveries)
        change.states.update([row[3] for row in rows.deliveries])
    if rows.events:
        connection.executemany(statements.INSERT_EVENT, rows.events)


def _compare_and_set(connection: sqlite3.Connection, statement: str, rows: list[Row]) -> None:
    if connection.executemany(statement, rows).rowcount != len(rows):
        raise _Raced


def drop_bodies(connection: sqlite3.Connection, submissions: dict[str, None], change: Change) -> None:
    """Delete those of the submissions that have no open delivery left."""
    left = list(submissions)
    while left:
        count = min(_MOST_BODIES, 1 << (len(left).bit_length() - 1))  # few statements, all of them cached
        change.octets -= sum(
            [row[0] for row in connection.execute(statements.drop_bodies(count), left[:count])]
        )
        del left[:count]


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # SQLite has done it itself after a full disk or an I/O error
        connection.execute("ROLLBACK")
