"""A shard: one SQLite file that belongs to one living process.

What it promises: whoever has the lock is the file's only gateway worker (operators may look in and make
moves); a file is opened only with the schema that it was made with. It fails with ``ShardTaken``,
``ForeignShard`` or sqlite3.Error. Lock files stay for ever: were one removed, two processes could hold "the"
lock.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.spool import tables
from gateway.spool.errors import ForeignShard, ShardTaken

_BUSY = 5.0  # seconds that a statement waits for an operator's short transaction
_CHECKPOINT = 4000  # pages of WAL, 16 MiB: pages that come and go are written back once, not each time
_WAL_KEPT = 64 << 20  # octets


def shard_path(folder: Path, number: int) -> Path:
    """Return the file of a shard."""
    return folder / f"shard-{number}.sqlite"


def shards(folder: Path) -> Iterator[tuple[int, Path]]:
    """Give the number and file of every shard in the folder, in order."""
    found = []
    for path in folder.glob("shard-*.sqlite"):
        number = path.stem.removeprefix("shard-")
        if number.isdigit():
            found.append((int(number), path))
    yield from sorted(found)


@dataclass(frozen=True, slots=True)
class ShardLock:
    """The proof of ownership, for as long as it is not released or the process lives."""

    descriptor: int

    def release(self) -> None:
        """Give the shard back."""
        os.close(self.descriptor)


def lock_shard(folder: Path, number: int) -> ShardLock:
    """Take the lock, or raise ShardTaken; never waits."""
    descriptor = os.open(folder / f"shard-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ShardTaken(f"shard {number} in {folder} has an owner") from error
    return ShardLock(descriptor)


def create(path: Path) -> None:
    """Make the file and its tables where there are none; raise ForeignShard on another schema."""
    if not path.exists():
        remove_logs(path)  # of a shard of that number that was removed: they are not this file's
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite's own mode is wider
        sync_folder(path.parent)
    connection = _open(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.execute("BEGIN IMMEDIATE")
            for statement in tables.definitions():
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {tables.SCHEMA}")
            connection.execute("COMMIT")
    finally:
        connection.close()


def remove_logs(path: Path) -> None:
    """Delete the WAL and its index of a shard that is no more."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put the folder's entries on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing shard for reading and writing, in autocommit mode, for use by one thread at a time."""
    connection = _open(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != tables.SCHEMA:
            raise ForeignShard(f"{path} has schema {version}; this program knows {tables.SCHEMA}")  # noqa: TRY301 - closed below
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open an existing shard for reading only."""
    connection = connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def wait_for_locks(connection: sqlite3.Connection) -> None:
    """Let statements wait for an operator's short transaction, as they do on a new connection."""
    connection.execute(f"PRAGMA busy_timeout = {round(_BUSY * 1000)}")


def never_wait(connection: sqlite3.Connection) -> None:
    """Let statements fail at once where another connection has the lock."""
    connection.execute("PRAGMA busy_timeout = 0")


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY,
        cached_statements=128,
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
        connection.execute("PRAGMA secure_delete = ON")  # what is settled is overwritten
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def looked_into(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Open a shard beside its worker; None for one that was adopted, or not yet made, while we looked."""
    try:
        connection = connect(path)
    except (sqlite3.OperationalError, ForeignShard):
        if path.exists() and path.stat().st_size:
            raise
        yield None
        return
    with closing(connection):
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block writes, or nothing of it; from its begin on nobody else moves anything here."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
