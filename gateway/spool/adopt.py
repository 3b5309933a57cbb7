"""Adoption: the mail of a shard whose worker is gone moves into the shard of a living one.

What it promises: a submission is in one shard or, after a crash between two commits, in two; then the note
in the adopter's ``adopted`` table says which one counts (see opening.py). So nothing is lost and nothing is
sent twice. Events may be handed on twice; the store applies them once. While a batch moves, the orphan's
write lock is held, so that an operator's change is either moved along or finds nothing any more.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from gateway.model.delivery import DeliveryEvent, DeliveryState, move
from gateway.model.reply import PublicError
from gateway.spool import statements
from gateway.spool.batch import Change, drop_bodies
from gateway.spool.codec import Row
from gateway.spool.errors import ForeignShard, ShardTaken
from gateway.spool.opening import adopted_from
from gateway.spool.shard import connect, create, lock_shard, remove_logs, shard_path, shards, sync_folder
from gateway.spool.sqlite import SqliteSpool

_SUBMISSIONS = 200  # in one move
_OCTETS = 8 << 20  # of content in one move, at about
_EVENTS = 1000  # in one move

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Batch:
    submissions: Sequence[Row]
    deliveries: Sequence[Row]
    events: Sequence[Row]

    @property
    def names(self) -> list[tuple[str]]:
        return [(row[0],) for row in self.submissions]


async def adopt_orphans(spool: SqliteSpool, now: float) -> int:
    """Move every shard beside the spool's own that nobody owns into it; return how many submissions came.

    To be called now and then, and not in the first half minute: the other workers may still be starting.
    An orphan that cannot be read, or finds no room, stays where it is and is logged.
    """
    moved = 0
    for number, path in shards(spool.path.parent):
        if path == spool.path:
            continue
        try:
            lock = lock_shard(path.parent, number)
        except ShardTaken:
            continue
        try:
            moved += await _adopt(spool, number, path, now)
        except (sqlite3.Error, ForeignShard, PublicError) as error:
            _log.error("a shard cannot be adopted", shard=number, error=str(error))
        finally:
            lock.release()
    if moved:
        spool.announce_change()
    return moved


async def _adopt(spool: SqliteSpool, number: int, path: Path, now: float) -> int:
    if not path.exists():  # noqa: ASYNC240 - a stat of a local file, between two look-ups in threads
        return 0  # another worker was faster
    await asyncio.to_thread(create, path)  # its worker may have died before there were tables
    done = await asyncio.to_thread(adopted_from, path.parent, number)
    moved, before = 0, list[tuple[str]]()
    with closing(await asyncio.to_thread(connect, path)) as orphan:
        while True:
            batch = await asyncio.to_thread(_next_batch, orphan)
            fresh = [row for row in batch.submissions if row[0] not in done]
            work = partial(_take_in, batch=batch, skip=done, number=number, before=before, now=now)
            await spool.transact(work)
            await asyncio.to_thread(_delete_batch, orphan, batch)
            moved, before = moved + len(fresh), batch.names
            if not (batch.submissions or batch.events):
                break
        notes = orphan.execute(statements.ADOPTED_IDS).fetchall()
        await spool.transact(partial(_take_notes, notes=notes))
        orphan.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    await asyncio.to_thread(_remove, path)
    await spool.transact(partial(_drop_stale_notes, folder=path.parent))
    _log.info("a shard was adopted", shard=number, submissions=moved)
    return moved


def _next_batch(orphan: sqlite3.Connection) -> _Batch:
    """Take the orphan's write lock, which ``_delete_batch`` gives back, and read what is to move next."""
    orphan.execute("BEGIN IMMEDIATE")
    submissions, octets = [], 0
    for row in orphan.execute(statements.FIRST_SUBMISSIONS, (_SUBMISSIONS,)):
        submissions.append(row)
        octets += row[3]
        if octets >= _OCTETS:
            break
    deliveries: list[Row] = []
    for row in submissions:
        deliveries += orphan.execute(statements.DELIVERIES_OF, (row[0],)).fetchall()
    events = orphan.execute(statements.OUTBOX, (_EVENTS,)).fetchall()
    return _Batch(submissions, deliveries, events)


def _take_in(
    connection: sqlite3.Connection,
    change: Change,
    *,
    batch: _Batch,
    skip: set[str],
    number: int,
    before: Sequence[tuple[str]],
    now: float,
) -> None:
    """Write a batch into the own shard, with its notes; those of the batch before it have done their duty."""
    submissions = [row for row in batch.submissions if row[0] not in skip]
    deliveries = [
        _abandoned(row, now) for row in batch.deliveries if row[0] not in skip and not _is_doomed(row)
    ]
    connection.executemany(statements.ADOPT_SUBMISSION, submissions)
    connection.executemany(statements.ADOPT_DELIVERY, deliveries)
    connection.executemany(statements.INSERT_EVENT, [row[1:] for row in batch.events])
    connection.executemany(statements.NOTE_ADOPTED, [(row[0], number) for row in submissions])
    connection.executemany(statements.FORGET_ADOPTED, before)
    change.states.update([row[3] for row in deliveries])
    change.octets += sum([row[3] for row in submissions])
    drop_bodies(connection, dict.fromkeys(row[0] for row in batch.deliveries if _is_doomed(row)), change)


def _is_doomed(row: Row) -> bool:
    """Whether a delivery ends with the worker that had it in its hands."""
    return bool(row[3] == DeliveryState.DOOMED)


def _abandoned(row: Row, now: float) -> Row:
    """Queue again, due now, what the dead worker had in its hands."""
    if row[3] != DeliveryState.ACTIVE:
        return row
    return (*row[:3], move(DeliveryState.ACTIVE, DeliveryEvent.UNCLAIM).value, row[4], now, *row[6:])


def _delete_batch(orphan: sqlite3.Connection, batch: _Batch) -> None:
    orphan.executemany(statements.DELETE_DELIVERIES, batch.names)
    orphan.executemany(statements.DELETE_SUBMISSION, batch.names)
    orphan.executemany(statements.FORGET, [(row[0],) for row in batch.events])
    orphan.execute("COMMIT")


def _take_notes(connection: sqlite3.Connection, _: Change, notes: Sequence[Row]) -> None:
    """Inherit the notes of an adopter that died: the shards that they speak of may still stand."""
    connection.executemany(statements.NOTE_ADOPTED, notes)


def _remove(path: Path) -> None:
    """Delete the empty shard. The file goes first and for good: without its WAL it could show old rows."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
    remove_logs(path)


def _drop_stale_notes(connection: sqlite3.Connection, _: Change, folder: Path) -> None:
    notes = connection.execute(statements.ADOPTED_IDS).fetchall()
    stale = [(name,) for name, shard in notes if not shard_path(folder, shard).exists()]
    connection.executemany(statements.FORGET_ADOPTED, stale)
