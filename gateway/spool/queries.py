"""What a shard is asked, and the moves that are no settlements: functions over a connection.

Those that take a ``Change`` run in the writer's transaction and may run twice; the others only read.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from gateway.model.delivery import Delivery, DeliveryEvent, DeliveryState, sources
from gateway.model.events import SealedEvent
from gateway.spool import statements
from gateway.spool.batch import Change, write_rows
from gateway.spool.codec import PAYLOAD, Codec, Row, Rows, Spoiled, add_move, event_of, move_row
from gateway.spool.shard import connect

Key = tuple[str, int]  # a submission's id and a delivery's number

_QUEUED, _ACTIVE, _HELD = DeliveryState.QUEUED, DeliveryState.ACTIVE, DeliveryState.HELD


def recover(path: Path, now: float) -> int:
    """Queue again, due now, what a dead worker had in its hands, or let it end; return how many."""
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        found, rows = connection.execute(statements.ABANDONED).fetchall(), Rows()
        for *key, state in found:
            add_move(rows, (key[0], key[1]), DeliveryState(state), DeliveryEvent.UNCLAIM, due_at=now)
        write_rows(connection, rows, Change())
        connection.execute("COMMIT")
    return len(found)


def counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return the number of deliveries by state, by reading all; for the start only."""
    return dict(connection.execute(statements.COUNTS).fetchall())


def counts_of_waiting(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return the numbers of QUEUED and HELD from their indexes: operators cannot change the others."""
    queued = connection.execute(statements.COUNT_QUEUED).fetchone()[0]
    held = connection.execute(statements.COUNT_HELD).fetchone()[0]
    return {_QUEUED.value: queued, _HELD.value: held}


def doomed(connection: sqlite3.Connection) -> frozenset[Key]:
    """Return the keys of what is DOOMED, by reading all; for when another process has changed something."""
    return frozenset(connection.execute(statements.DOOMED_KEYS).fetchall())


def octets(connection: sqlite3.Connection) -> int:
    """Return the octets of content."""
    return int(connection.execute(statements.OCTETS).fetchone()[0])


def accounts_due(connection: sqlite3.Connection, now: float) -> list[int]:
    """Return the accounts that have a QUEUED delivery due."""
    return [row[0] for row in connection.execute(statements.ACCOUNTS_DUE, (now,))]


def held_accounts(connection: sqlite3.Connection, reason: str) -> list[int]:
    """Return the accounts with deliveries HELD for the reason."""
    return [row[0] for row in connection.execute(statements.HELD_ACCOUNTS, (reason, reason))]


def next_due(connection: sqlite3.Connection, now: float) -> float | None:
    """Return the first time after ``now`` at which something falls due."""
    due: float | None = connection.execute(statements.NEXT_DUE, (now,)).fetchone()[0]
    return due


def content(codec: Codec, submission_id: str, connection: sqlite3.Connection) -> bytes:
    """Return a content; raise KeyError or Spoiled."""
    row = connection.execute(statements.CONTENT, (submission_id,)).fetchone()
    if row is None:
        raise KeyError(submission_id)
    return codec.open_content(submission_id, *row)


def outbox(connection: sqlite3.Connection, limit: int) -> list[tuple[int, SealedEvent]]:
    """Return the oldest events with their places."""
    return [event_of(row) for row in connection.execute(statements.OUTBOX, (limit,))]


def forget(connection: sqlite3.Connection, _: Change, places: Sequence[int]) -> None:
    """Drop events; the places are sorted and distinct."""
    if places[-1] - places[0] == len(places) - 1:
        connection.execute(statements.FORGET_RANGE, (places[0], places[-1]))
    else:
        connection.executemany(statements.FORGET, [(place,) for place in places])


def claim(
    connection: sqlite3.Connection, change: Change, *, account_id: int, now: float, limit: int, octets: int
) -> list[Row]:
    """Move due deliveries to ACTIVE; return their rows. The write lock is held: nobody comes between.

    The payloads are counted as they lie there, sealed: a little more than the splices in them.
    """
    rows: list[Row] = []
    with closing(connection.execute(statements.CLAIMABLE, (account_id, now, limit))) as found:
        for row in found:
            octets -= len(row[PAYLOAD])
            if octets < 0 and rows:
                break
            rows.append(row)
    moves = [move_row(row[:2], _QUEUED, DeliveryEvent.CLAIM) for row in rows]
    write_rows(connection, Rows(moves=moves), change)
    return [(*row[:3], _ACTIVE.value, *row[4:]) for row in rows]


def unclaim(connection: sqlite3.Connection, change: Change, keys: Sequence[Key]) -> int:
    """Move deliveries that are still ACTIVE back to QUEUED, due as they were; return how many."""
    return _move_if_possible(connection, change, keys, DeliveryEvent.UNCLAIM)


def opened(codec: Codec, rows: Sequence[Row]) -> tuple[list[Delivery], dict[str, list[Key]]]:
    """Return what could be opened, and the keys of the others by the reason why not."""
    deliveries, spoiled = [], defaultdict[str, list[Key]](list)
    for row in rows:
        try:
            deliveries.append(codec.open_delivery(row))
        except Spoiled as error:
            spoiled[error.reason].append(row[:2])
    return deliveries, spoiled


def hold(connection: sqlite3.Connection, change: Change, keys: Sequence[Key], reason: str) -> int:
    """Move deliveries to HELD, whichever of them still can be; return how many."""
    return _move_if_possible(connection, change, keys, DeliveryEvent.HOLD, reason)


def _move_if_possible(
    connection: sqlite3.Connection, change: Change, keys: Sequence[Key], event: DeliveryEvent, why: str = ""
) -> int:
    rows = Rows()
    for key in keys:
        found = connection.execute(statements.STATE, key).fetchone()
        if found and found[0] in sources(event):
            add_move(rows, key, DeliveryState(found[0]), event, why=why)
    write_rows(connection, rows, change)
    return len(rows.moves) + len(rows.closes)


def hold_all(connection: sqlite3.Connection, change: Change, submission_id: str, reason: str) -> int:
    """Move all open deliveries of a submission to HELD; return how many."""
    numbers = connection.execute(statements.OPEN_KEYS, (submission_id,)).fetchall()
    return hold(connection, change, [(submission_id, number) for number, _ in numbers], reason)


def bring_forward(connection: sqlite3.Connection, change: Change, *, now: float, longest: float) -> int:
    """Make due now what is due later than ``longest`` ahead; let no age begin in the future."""
    keys = connection.execute(statements.FAR_KEYS, (now + longest,)).fetchall()
    moves = [move_row(key, _QUEUED, DeliveryEvent.RETRY, due_at=now) for key in keys]
    write_rows(connection, Rows(moves=moves), change)
    connection.execute(statements.BEGIN_AGES, (now, now))
    return len(keys)


def release(
    connection: sqlite3.Connection, change: Change, *, account_id: int, reason: str, now: float, limit: int
) -> int:
    """Move up to ``limit`` HELD deliveries to QUEUED, due now; return how many."""
    keys = connection.execute(statements.HELD_KEYS, (reason, account_id, limit)).fetchall()
    moves = [move_row(key, _HELD, DeliveryEvent.RELEASE, due_at=now) for key in keys]
    write_rows(connection, Rows(moves=moves), change)
    return len(keys)
