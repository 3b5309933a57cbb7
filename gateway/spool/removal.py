"""Queued mail that must go for good: an account's or a person's; from any process, on the same files.

What it promises: what waits goes at once, rows and bodies; what a worker has in its hands is doomed
(gateway.model.delivery): it ends with this try, so that a copy on the wire settles and none is tried again.
A shard that nobody owns is worked on under its own lock, and what its dead worker had in its hands goes
too. A pass can be repeated, and says what it left. Each move is compare-and-set, in short transactions: a
worker waits for none of them longer than for another's commit. It fails with sqlite3.Error or ForeignShard.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.model.address import Address
from gateway.model.delivery import DeliveryEvent, DeliveryState
from gateway.model.events import open_event
from gateway.ports import Keyring
from gateway.spool import statements
from gateway.spool.batch import Change, write_rows
from gateway.spool.codec import Codec, Row, Rows, Spoiled, add_move, event_of
from gateway.spool.errors import ShardTaken
from gateway.spool.shard import ShardLock, lock_shard, looked_into, shards, transaction

_BATCH = 200  # deliveries or events in one transaction
_PATIENCE = 500  # milliseconds that a file may be in use, before it has to be looked at again
_IN_HANDS = frozenset({DeliveryState.ACTIVE, DeliveryState.DOOMED})

Key = tuple[str, int]
Names = Callable[[Address], bool]
"""Whether an address is the one that is looked for."""
Says = Callable[[dict[str, object]], bool]
"""Whether what is sealed in an event names them."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What a pass did: copies that went or are doomed now; ``waiting`` are still in a worker's hands."""

    copies: int = 0
    events: int = 0
    waiting: int = 0

    @property
    def nothing(self) -> bool:
        """Whether there was nothing (more) to do."""
        return self == Removed()

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(
            self.copies + other.copies,
            self.events + other.events,
            self.waiting + other.waiting,
        )


class Removal:
    """Works on all the shards of a folder, whoever owns them."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self._folder = folder
        self._keyring = keyring
        self._codec = Codec(keyring)

    def of_account(self, account_id: int) -> Removed:
        """Take away an account's copies, bodies and events; one pass."""
        total = Removed()
        for shard in self._shards():
            found = shard.connection.execute(statements.KEYS_OF_ACCOUNT, (account_id,))
            keys = [(row[0], row[1]) for row in found]
            total += shard.remove(keys)
            total += shard.forget(statements.EVENTS_OF_ACCOUNT, account_id)
        return total

    def of_person(self, is_them: Names, are_named: Says, account_id: int | None = None) -> Removed:
        """Take away a person's copies, and what events on their way to the store say of them; one pass."""
        total = Removed()
        for shard in self._shards():
            total += shard.remove(list(self._copies(shard.connection, is_them, account_id)))
            total += Removed(events=self._silence(shard.connection, are_named, account_id))
        return total

    def truncate(self, vacuum_below: int) -> bool:
        """Let no file keep the shape of what was deleted; say whether all were free for it."""
        done = True
        for _, path in shards(self._folder):
            with looked_into(path) as connection:
                if connection is not None:
                    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
                    done &= compact(connection, path, vacuum_below)
        return done

    def _copies(
        self, connection: sqlite3.Connection, is_them: Names, account_id: int | None
    ) -> Iterator[Key]:
        terms = (account_id, account_id, None, None, -1)
        for row in connection.execute(statements.LISTED, terms):
            if self._is_for(row, is_them):
                yield row[0], row[1]

    def _is_for(self, row: Row, is_them: Names) -> bool:
        try:
            return is_them(self._codec.open_delivery(row).recipient.address)
        except Spoiled:
            return False  # nobody can read it

    def _silence(self, connection: sqlite3.Connection, are_named: Says, account_id: int | None) -> int:
        """Empty what is sealed in the events that name them; they go on to the store without it."""
        places = []
        for row in connection.execute(statements.OUTBOX, (-1,)):
            place, event = event_of(row)
            if account_id in {None, event.account_id} and event.data:
                try:
                    if are_named(dict(open_event(event, self._keyring.open).data)):
                        places.append((place,))
                except (KeyError, ValueError):
                    continue  # nobody can read it
        for start in range(0, len(places), _BATCH):
            with transaction(connection):
                connection.executemany(statements.SILENCE, places[start : start + _BATCH])
        return len(places)

    def _shards(self) -> Iterator["_Shard"]:
        for number, path in shards(self._folder):
            lock = _lock_of_nobody(self._folder, number)
            try:
                with looked_into(path) as connection:
                    if connection is not None:
                        yield _Shard(number, connection, lock is not None)
            finally:
                if lock is not None:
                    lock.release()


@dataclass(frozen=True, slots=True)
class _Shard:
    """One file. ``ours``: nobody else has its mail in hands."""

    number: int
    connection: sqlite3.Connection
    ours: bool

    def remove(self, keys: Sequence[Key]) -> Removed:
        total = Removed()
        for start in range(0, len(keys), _BATCH):
            with transaction(self.connection):
                total += self._remove(keys[start : start + _BATCH])
        return total

    def _remove(self, keys: Iterable[Key]) -> Removed:
        rows, new, waiting = Rows(), 0, 0
        for key in keys:
            found = self.connection.execute(statements.STATE, key).fetchone()
            if found is None:
                continue  # it was settled meanwhile
            state = DeliveryState(found[0])
            new += state is not DeliveryState.DOOMED
            if state in _IN_HANDS and not self.ours:
                waiting += 1
                if state is DeliveryState.ACTIVE:
                    add_move(rows, key, state, DeliveryEvent.DROP)
            elif state is DeliveryState.ACTIVE:
                rows.closes.append((*key, state.value))  # as UNCLAIM and DROP in one step
            else:
                end = DeliveryEvent.UNCLAIM if state is DeliveryState.DOOMED else DeliveryEvent.DROP
                add_move(rows, key, state, end)
        write_rows(self.connection, rows, Change())
        return Removed(copies=new, waiting=waiting)

    def forget(self, statement: str, account_id: int) -> Removed:
        """Delete an account's events, which are on their way to the store."""
        total = 0
        while True:
            with transaction(self.connection):
                count = self.connection.execute(statement, (account_id, _BATCH)).rowcount
            total += count
            if count < _BATCH:
                return Removed(events=total)


def compact(connection: sqlite3.Connection, path: Path, vacuum_below: int) -> bool:
    """Write a small file anew, and put its log into it; say whether nobody was in the way."""
    try:
        if path.stat().st_size <= vacuum_below:
            connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) and "busy" not in str(error):
            raise
        return False
    return not busy


def _lock_of_nobody(folder: Path, number: int) -> ShardLock | None:
    try:
        return lock_shard(folder, number)
    except ShardTaken:
        return None
