"""The writer of a shard: whatever has queued up since the last commit is committed at once.

The rows of a batch are written where its operations were handed in, on the event loop; only the COMMIT, with
its fsync, runs in a thread. A thread that ran every statement would take the interpreter lock from the loop a
dozen times for each commit, and give it back as often. What may take long or has to wait (an operator's
lock, large contents, adoptions, claims, a batch that failed) runs in the thread from its beginning.

A commit costs as much as ten messages in it, so a transaction waits for company as long as company comes: it
begins when four turns of the event loop have brought nothing more, which on a quiet machine is at once. What
nobody waits for (outcomes) goes with the next transaction of somebody who waits, or after ``_LEISURE``.

What it promises: the future of an operation is resolved after COMMIT has returned, that is after the fsync,
and all futures of a commit by one call into the event loop. A failed commit fails its operations with named
errors; the writer goes on, with a new connection after an I/O error, so that nothing needs a restart when
the disk has room again. It also looks, twice a second and however busy it is, whether another process has
changed the shard.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

import structlog

from gateway.model.values import dataclass
from gateway.spool.batch import (
    Change,
    Committed,
    Operation,
    Outcome,
    Written,
    commit_batch,
    commit_written,
    weight,
    write_batch,
)
from gateway.spool.codec import Codec, Row
from gateway.spool.errors import SpoolAway, public
from gateway.spool.recorder import Recorder
from gateway.spool.shard import never_wait, wait_for_locks

POLL = 0.5  # seconds between two looks for changes by another process
_HERE = 300  # rows, at some 10 us each; more than this is written by the thread
_QUIET_TURNS = 4  # of the event loop, without a new operation: then a transaction begins
_COMPANY = 0.01  # seconds that it waits at most while operations keep coming
_NEVER_LOOKED = 0  # no connection's data_version: what happened before it was opened is a change
_LEISURE = 0.02  # seconds that an operation nobody waits for has until it makes a transaction of its own

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """An operation and the future that waits for it."""

    operation: Operation
    future: asyncio.Future[Outcome]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What becomes one transaction; ``written`` where only the COMMIT is missing."""

    jobs: Sequence[Job]
    events: list[Row]
    written: Written | None


@dataclass(frozen=True, slots=True)
class _Look:
    """See whether another process has changed the shard."""


Answer = Callable[[Sequence[tuple[Job, Outcome]], Change], None]


class Writer:
    """Owns the shard's writing connection, which is the thread's while ``_busy`` and the loop's else."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        codec: Codec,
        recorder: Recorder,
        *,
        batch: int,
        answer: Answer,
        changed: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._connect = connect
        self._codec = codec
        self._recorder = recorder
        self._largest = batch
        self._answer = answer
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._work: SimpleQueue[_Batch | _Look | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._version = _NEVER_LOOKED
        self._busy = False
        self._begin_is_due = False
        self._seen = 0  # operations that waited when the loop last came by
        self._quiet_turns = 0
        self._latest = 0.0  # by the loop's clock: when a transaction begins, whatever may come
        self._somebody_waits = False
        self._leisure: asyncio.TimerHandle | None = None
        self._look_is_due = False
        self._stopping = False
        self._poll: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)

    def open(self) -> None:
        """Open the file, before ``start``: from here on a change by another process is noticed."""
        self._version = self._data_version(self._connected())

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._want_look()

    def submit(self, operation: Operation) -> asyncio.Future[Outcome]:
        """Queue an operation that somebody waits for; raise SpoolAway when the writer was told to stop."""
        future = self._queue(operation)
        self._hurry()
        return future

    def submit_at_leisure(self, operation: Operation) -> asyncio.Future[Outcome]:
        """Queue an operation that can wait for another's commit; raise SpoolAway as ``submit`` does."""
        future = self._queue(operation)
        if self._leisure is None:
            self._leisure = self._loop.call_later(_LEISURE, self._hurry)
        return future

    def flush(self) -> None:
        """Have the recorded events written even if nothing else comes."""
        self._hurry()

    async def stop(self) -> None:
        """Write all that was queued, close the connection and end the thread."""
        if not self._stopping:
            self._stopping = True
            if self._poll is not None:
                self._poll.cancel()
            self._hurry()
        await asyncio.to_thread(self._thread.join)

    # On the event loop

    def _queue(self, operation: Operation) -> asyncio.Future[Outcome]:
        if self._stopping:
            raise SpoolAway("the spool is closed")
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting.append(Job(operation, future))
        return future

    def _hurry(self) -> None:
        """Begin a transaction as soon as nothing more comes for it."""
        self._somebody_waits = True
        if not (self._busy or self._begin_is_due):
            self._begin_is_due = True
            self._latest = self._loop.time() + _COMPANY
            self._quiet_turns = self._seen = 0
            self._loop.call_soon(self._look_around)

    def _look_around(self) -> None:
        """Count the turns of the event loop that bring nothing: the next one may have more for us."""
        waiting = len(self._waiting)
        self._quiet_turns = 0 if waiting > self._seen else self._quiet_turns + 1
        self._seen = waiting
        if self._quiet_turns < _QUIET_TURNS and waiting < self._largest and self._loop.time() < self._latest:
            self._loop.call_soon(self._look_around)
        else:
            self._begin()

    def _begin(self) -> None:
        self._begin_is_due = False
        if self._sees_change():  # before anything else: a busy writer would never come to it
            self._busy = True
            self._work.put(_Look())
            return
        jobs = [self._waiting.popleft() for _ in range(min(self._largest, len(self._waiting)))]
        self._somebody_waits = bool(self._waiting)
        if self._leisure is not None and not self._waiting:
            self._leisure.cancel()
            self._leisure = None
        events = self._recorder.take()
        if jobs or events:
            self._busy = True
            self._work.put(_Batch(jobs, events, self._written_here(jobs, events)))
        elif self._stopping:
            self._work.put(None)

    def _sees_change(self) -> bool:
        """Whether the thread should look: another process has changed the shard, or nobody can tell here."""
        due, self._look_is_due = self._look_is_due, False
        if not due:
            return False
        try:
            return self._connection is None or self._data_version(self._connection) != self._version
        except sqlite3.Error:
            return True

    def _written_here(self, jobs: Sequence[Job], events: list[Row]) -> Written | None:
        """Write a batch that takes no time worth mentioning; None: the thread does all of it."""
        operations = [job.operation for job in jobs]
        if self._connection is None or len(events) + sum(map(weight, operations)) > _HERE:
            return None
        try:
            return write_batch(self._connection, operations, events)
        except Exception as error:  # noqa: BLE001 - the thread tries again, with patience, and finds the culprit
            _log.debug("a batch goes to the thread", error=str(error), operations=len(jobs))
            return None

    def _finish(self, results: Sequence[tuple[Job, Outcome]], change: Change) -> None:
        """Take the connection back, and say what came of a commit."""
        self._busy = False
        self._answer(results, change)
        if self._somebody_waits or self._look_is_due or self._stopping:
            self._hurry()

    def _want_look(self) -> None:
        self._look_is_due = True
        self._poll = self._loop.call_later(POLL, self._want_look)
        self._hurry()

    # In the thread

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if isinstance(work, _Batch):
                self._commit(work)
            else:
                self._look()
                self._tell([], Change())
        self.disconnect()

    def _commit(self, batch: _Batch) -> None:
        try:
            done = self._end(self._connected(), batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            named = public(error) if isinstance(error, sqlite3.Error) else SpoolAway(str(error))
            done = Committed([named] * len(batch.jobs), Change(), batch.events)
        self._after(done)
        self._tell(list(zip(batch.jobs, done.outcomes, strict=True)), done.change)

    def _end(self, connection: sqlite3.Connection, batch: _Batch) -> Committed:
        """Commit what is written, or write and commit with patience."""
        if batch.written is not None and (done := commit_written(connection, batch.written)) is not None:
            return done
        wait_for_locks(connection)
        try:
            operations = [job.operation for job in batch.jobs]
            return commit_batch(connection, self._codec, operations, batch.events)
        finally:
            never_wait(connection)

    def _after(self, done: Committed) -> None:
        """Keep what could not be written; leave a connection that is of no more use."""
        if done.unwritten:
            self._recorder.give_back(done.unwritten)
        away = next((one for one in done.outcomes if isinstance(one, SpoolAway)), None)
        if away is not None:
            _log.warning("the spool's file cannot be used", error=str(away), operations=len(done.outcomes))
            self.disconnect()

    def _tell(self, results: Sequence[tuple[Job, Outcome]], change: Change) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed under us: nobody waits any more
            self._loop.call_soon_threadsafe(self._finish, results, change)

    def _look(self) -> None:
        """Notice commits of other processes; our own do not change this connection's data_version."""
        try:
            connection = self._connected()
            version = self._data_version(connection)
            if version != self._version:
                self._changed(connection)
                self._version = version
        except Exception as error:  # noqa: BLE001 - the thread outlives it: the next look is in half a second
            _log.warning("spool look failed", error=str(error))

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
            never_wait(self._connection)
            self._version = _NEVER_LOOKED
        return self._connection

    @staticmethod
    def _data_version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def disconnect(self) -> None:
        """Close the connection; of a writer that was started, only its thread may."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
