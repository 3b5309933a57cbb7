"""Opening a worker's shard: its own number, or a fresh one when that is still in other hands.

What it promises: nobody else works on the shard while the spool is open, and nothing that was adopted by
another worker in the meantime is sent a second time.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import structlog

from gateway.ports import Clock, Keyring, Meter
from gateway.settings.schema import SpoolSection
from gateway.spool import statements
from gateway.spool.errors import ForeignShard, ShardTaken
from gateway.spool.shard import ShardLock, connect, create, lock_shard, shard_path, shards
from gateway.spool.sqlite import SqliteSpool

_log = structlog.get_logger(__name__)

_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_FRESH = 1000  # shards that stand in for one that is taken are numbered from here
_TRY_AGAIN = 0.05  # seconds


async def open_shard(
    folder: Path,
    own: int,
    *,
    keyring: Keyring,
    clock: Clock,
    meter: Meter,
    settings: SpoolSection,
    patience: float = 5.0,
    free: Callable[[], int] | None = None,
) -> SqliteSpool:
    """Open, and make where there is none, the shard of worker ``own``.

    While somebody is adopting it (or the former worker is still ending) this waits ``patience`` seconds, then
    takes a fresh number, whose shard is adopted in its turn one day. Raises ForeignShard or sqlite3.Error.
    """
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    number, lock = await _lock(folder, own, patience)
    try:
        path = shard_path(folder, number)
        await asyncio.to_thread(create, path)
        await asyncio.to_thread(disown, path, number)
        spool = SqliteSpool(
            path, lock, keyring=keyring, clock=clock, meter=meter, settings=settings, free=free
        )
        await spool.start()
    except BaseException:
        lock.release()
        raise
    return spool


async def _lock(folder: Path, own: int, patience: float) -> tuple[int, ShardLock]:
    loop = asyncio.get_running_loop()
    give_up = loop.time() + patience
    while True:
        try:
            return own, lock_shard(folder, own)
        except ShardTaken:
            if loop.time() >= give_up:
                break
        await asyncio.sleep(_TRY_AGAIN)
    number = max([_FRESH - 1, *(number for number, _ in shards(folder))]) + 1
    while True:
        try:
            return number, lock_shard(folder, number)
        except ShardTaken:
            number += 1


def adopted_from(folder: Path, number: int) -> set[str]:
    """Return the submissions of a shard that stand in another one already.

    The caller holds the lock of ``number``: no adoption of it goes on. The notes of an adopter that is
    itself being adopted stand in one of two files at any moment; a file that went meanwhile means: anew.
    """
    while True:
        try:
            found = set()
            for other, path in shards(folder):
                if other != number:
                    found |= _noted(path, number)
        except FileNotFoundError:
            continue
        return found


def _noted(path: Path, number: int) -> set[str]:
    try:
        with closing(connect(path)) as connection:
            return {name for name, shard in connection.execute(statements.ADOPTED_IDS) if shard == number}
    except ForeignShard:
        return set()
    except sqlite3.DatabaseError as error:
        if not path.exists():
            raise FileNotFoundError(path) from None
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
            raise
        _log.error("a damaged shard cannot tell what it has adopted", path=str(path), error=str(error))
        return set()  # better one copy too many than no worker at all


def disown(path: Path, number: int) -> int:
    """Delete from a shard what another worker has adopted; return how many submissions."""
    names = [(name,) for name in adopted_from(path.parent, number)]
    if names:
        with closing(connect(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statements.DELETE_DELIVERIES, names)
            connection.executemany(statements.DELETE_SUBMISSION, names)
            connection.execute("COMMIT")
    return len(names)
