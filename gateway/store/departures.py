"""Those who leave by one click, many at a time: what has come in since the last commit is committed at once.

A mailing to a million people brings its unsubscribes in a rush, and a transaction with an fsync for each of
them costs more than all the rest. The rows are written where the requests come in, on the event loop, where
that waits for nobody; only the COMMIT runs in a thread, as in the spool (docs/decisions/0006-spool.md). And a
transaction waits for company as long as company comes, which on a quiet machine is not at all. What has to
wait, for another process's lock or for a database server, is written by the thread too.

What it promises: ``leave`` returns after COMMIT has returned, so that it is on the disk and counts for the
very next RCPT; a change and its event are one transaction; leaving twice is leaving once, however many say so
at once. How it fails: with StoreAway, for all of a batch that the store does not take; any other error goes
to the departure that caused it. Nothing is tried again in silence: whoever hears of it posts again.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue

import structlog

from gateway.model.reply import StoreAway
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.departure_book import Answer, Book, Departure
from gateway.store.subscription_rows import Scribe
from gateway.store.subscriptions import Unknown

_LARGEST = 200  # departures in one transaction
_QUIET_TURNS = 2  # of the event loop, without another departure: then a transaction begins
_COMPANY = 0.01  # seconds that it waits at most while they keep coming
_MOST_WAITING = 10_000  # a store that is so far behind is as good as away

_log = structlog.get_logger(__name__)

Outcome = Answer | Exception


@dataclass(frozen=True, slots=True)
class _Job:
    """A departure and the future that waits for it."""

    departure: Departure
    answer: "asyncio.Future[Answer]"


@dataclass(frozen=True, slots=True)
class _Batch:
    """What becomes one transaction; ``written``: what came of it, where only the COMMIT is missing."""

    jobs: Sequence[_Job]
    written: Sequence[Answer] | None


class Departures:
    """Takes people off lists; lives on one event loop. Both books are the thread's while ``_busy``."""

    def __init__(self, store: Store, scribe: Scribe) -> None:
        self._loop = asyncio.get_running_loop()
        self._patient = Book(store, scribe)
        self._quick = Book(store, scribe, dialect.never_wait)
        self._answers_at_once = dialect.answers_at_once(store.engine)
        self._waiting: deque[_Job] = deque()
        self._work: SimpleQueue[_Batch | None] = SimpleQueue()
        self._busy = False
        self._begin_is_due = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="departures", daemon=True)
        self._thread.start()

    async def leave(self, departure: Departure) -> Answer:
        """Take an address off a list; durable when it returns. Raise StoreAway."""
        if self._stopping or len(self._waiting) >= _MOST_WAITING:
            raise StoreAway("no more departures are taken")
        job = _Job(departure, self._loop.create_future())
        self._waiting.append(job)
        self._begin_soon()
        return await job.answer

    async def close(self) -> None:
        """Commit what was taken, and end the thread."""
        self._stopping = True
        self._begin_soon()
        await asyncio.to_thread(self._thread.join)

    # On the event loop

    def _begin_soon(self) -> None:
        """Begin a transaction as soon as nothing more comes for it."""
        if not (self._busy or self._begin_is_due):
            self._begin_is_due = True
            self._loop.call_soon(self._look_around, 0, 0, self._loop.time() + _COMPANY)

    def _look_around(self, seen: int, quiet: int, latest: float) -> None:
        """Count the turns of the event loop that bring nothing: the next one may have more for us."""
        waiting = len(self._waiting)
        quiet = 0 if waiting > seen else quiet + 1
        if quiet < _QUIET_TURNS and waiting < _LARGEST and self._loop.time() < latest:
            self._loop.call_soon(self._look_around, waiting, quiet, latest)
        else:
            self._begin()

    def _begin(self) -> None:
        self._begin_is_due = False
        jobs = [self._waiting.popleft() for _ in range(min(_LARGEST, len(self._waiting)))]
        if jobs:
            self._busy = True
            self._work.put(_Batch(jobs, self._written_here(jobs)))
        elif self._stopping:
            self._busy = True
            self._work.put(None)

    def _written_here(self, jobs: Sequence[_Job]) -> Sequence[Answer] | None:
        """Write the batch now where nothing needs waiting for; None: the thread does all of it."""
        if not self._quick.is_open:
            return None
        try:
            return self._quick.write([job.departure for job in jobs])
        except Exception as error:  # noqa: BLE001 - the thread tries again, with patience, and finds the culprit
            _log.debug("departures go to the thread", error=str(error), departures=len(jobs))
            return None

    def _finish(self, jobs: Sequence[_Job], outcomes: Sequence[Outcome]) -> None:
        """Take the books back, and say what came of each departure."""
        self._busy = False
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.answer.done():
                continue  # whoever asked has gone; they have left all the same
            if isinstance(outcome, Exception):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(outcome)
        if self._waiting or self._stopping:
            self._begin_soon()

    # In the thread

    def _run(self) -> None:
        while (batch := self._work.get()) is not None:
            outcomes = self._commit(batch)
            with contextlib.suppress(RuntimeError):  # the loop was closed under us: nobody waits any more
                self._loop.call_soon_threadsafe(self._finish, batch.jobs, outcomes)
        self._quick.close()
        self._patient.close()

    def _commit(self, batch: _Batch) -> Sequence[Outcome]:
        """Commit what is written, or write and commit with patience."""
        if batch.written is not None:
            try:
                self._quick.commit()
            except Exception as error:  # noqa: BLE001 - nothing is written then, and patience may help
                _log.warning(
                    "departures could not be committed", error=str(error), departures=len(batch.jobs)
                )
            else:
                return batch.written
        outcomes = self._with_patience([job.departure for job in batch.jobs])
        self._open_quick()
        return outcomes

    def _with_patience(self, departures: Sequence[Departure]) -> Sequence[Outcome]:
        """Write and commit, all together or else one by one, so that only the culprit fails."""
        try:
            written = self._patient.write(departures)
            self._patient.commit()
        except StoreAway as error:
            return [error] * len(departures)  # let nobody wait for the same answer again
        except KeyError:
            # The account is being erased, and its key is gone: as unknown as who never was on a list.
            return [Unknown()] if len(departures) == 1 else self._one_by_one(departures)
        except Exception as error:  # noqa: BLE001 - it belongs to one of them
            return [error] if len(departures) == 1 else self._one_by_one(departures)
        return written

    def _one_by_one(self, departures: Sequence[Departure]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for departure in departures:
            outcomes += self._with_patience([departure])
            if isinstance(outcomes[-1], StoreAway):
                break
        return outcomes + outcomes[-1:] * (len(departures) - len(outcomes))

    def _open_quick(self) -> None:
        """Connect for the event loop too, here: opening may have to wait. Without it the thread does all."""
        if not self._answers_at_once or self._quick.is_open:
            return
        try:
            self._quick.open()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread
            _log.debug("departures stay with the thread", error=str(error))
