"""The writer of a shard: one thread that commits whatever has queued up since its last commit.

What it promises: the future of an operation is resolved after COMMIT has returned, that is after the fsync,
and all futures of a commit by one call into the event loop. A failed commit fails its operations with named
errors; the thread goes on, with a new connection after an I/O error, so that nothing needs a restart when
the disk has room again. It also looks, twice a second, whether another process has changed the shard.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog

from gateway.spool.batch import Change, Committed, Operation, Outcome, commit_batch
from gateway.spool.codec import Codec
from gateway.spool.errors import SpoolAway, public
from gateway.spool.recorder import Recorder

POLL = 0.5  # seconds between two looks for changes by another process

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """An operation and the future that waits for it."""

    operation: Operation
    future: asyncio.Future[Outcome]


@dataclass(frozen=True, slots=True)
class _Flush:
    """Only write what was recorded."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """Write what has come before this, and end."""


Answer = Callable[[Sequence[tuple[Job, Outcome]], Change], None]


class Writer:
    """Owns the shard's writing connection. ``submit``, ``flush`` and ``stop`` are called on the loop."""

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
        self._batch = batch
        self._answer = answer
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Job | _Flush | _Stop] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._version = 0
        self._looked_at = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def submit(self, operation: Operation) -> asyncio.Future[Outcome]:
        """Queue an operation; raise SpoolAway when the writer has been told to stop."""
        if self._stopping:
            raise SpoolAway("the spool is closed")
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._queue.put(Job(operation, future))
        return future

    def flush(self) -> None:
        """Have the recorded events written even if nothing else comes."""
        if not self._stopping:
            self._queue.put(_Flush())

    async def stop(self) -> None:
        """Write all that was queued, close the connection and end the thread."""
        if not self._stopping:
            self._stopping = True
            self._queue.put(_Stop())
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        running = True
        while running:
            jobs, running = self._take()
            self._commit(jobs)
            self._look()
        self._disconnect()

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for the first operation, then take all that are there, up to a batch."""
        jobs: list[Job] = []
        try:
            item = self._queue.get(timeout=POLL)
            while True:
                if isinstance(item, Job):
                    jobs.append(item)
                elif isinstance(item, _Stop):
                    return jobs, False
                if len(jobs) >= self._batch:
                    break
                item = self._queue.get_nowait()
        except Empty:
            pass
        return jobs, True

    def _commit(self, jobs: Sequence[Job]) -> None:
        events = self._recorder.take()
        if not (jobs or events):
            return
        try:
            if self._connection is None:
                self._connection = self._connect()
            operations = [job.operation for job in jobs]
            done = commit_batch(self._connection, self._codec, operations, events)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            named = public(error) if isinstance(error, sqlite3.Error) else SpoolAway(str(error))
            done = Committed([named] * len(jobs), Change(), events)
        self._after(done)
        self._tell(list(zip(jobs, done.outcomes, strict=True)), done.change)

    def _after(self, done: Committed) -> None:
        """Keep what could not be written; leave a connection that is of no more use."""
        if done.unwritten:
            self._recorder.give_back(done.unwritten)
        away = next((one for one in done.outcomes if isinstance(one, SpoolAway)), None)
        if away is not None:
            _log.warning("the spool's file cannot be used", error=str(away), operations=len(done.outcomes))
            self._disconnect()

    def _tell(self, results: Sequence[tuple[Job, Outcome]], change: Change) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed under us: nobody waits any more
            self._loop.call_soon_threadsafe(self._answer, results, change)

    def _look(self) -> None:
        """Notice commits of other processes; our own do not change this connection's data_version."""
        now = time.monotonic()
        if now - self._looked_at < POLL or self._connection is None:
            return
        self._looked_at = now
        try:
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._version = version
                self._changed(self._connection)
        except (sqlite3.Error, RuntimeError) as error:  # RuntimeError: the loop was closed under us
            _log.warning("spool look failed", error=str(error))

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
