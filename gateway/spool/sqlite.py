"""The durable queue on SQLite: one shard for each worker (docs/decisions/0006-spool.md).

What it promises: ``put`` and ``settle`` return after an fsync; a delivery moves only by compare-and-set on
gateway.model.delivery; what a dead process had ACTIVE is QUEUED again when its shard is opened. A row that
cannot be opened is HELD and blocks nobody. It fails with ``SpoolFull``, ``SpoolAway``, ``AlreadyKept`` and
``LostMove``, and recovers without a restart.
"""

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway.model.delivery import Delivery, DeliveryState, IllegalMove
from gateway.model.events import Event, SealedEvent
from gateway.model.reply import PublicError, SpoolFull
from gateway.ports import Clock, Keyring, Meter, Parcel, Settlement
from gateway.settings.schema import SpoolSection
from gateway.spool import queries
from gateway.spool.batch import Ask, Change, Operation, Outcome, Put, Settle
from gateway.spool.codec import Codec, Row, Rows, Spoiled
from gateway.spool.errors import Unreadable
from gateway.spool.reader import Reader
from gateway.spool.recorder import Recorder
from gateway.spool.shard import ShardLock, connect, connect_reader
from gateway.spool.stock import Stock, free_octets
from gateway.spool.writer import Job, Writer

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_LARGE = 256 << 10  # octets; sealing more than this would hold up the event loop
_COPY = 1 << 10  # octets; sealing a delivery takes as long as these
_GAUGE_PAUSE = 1.0  # seconds
_TRUST = 10.0  # seconds that the numbers in memory are believed where they say that there is nothing
_RECORD_DELAY = 0.05  # seconds that an event waits for somebody else's commit
_RELEASED_AT_ONCE = 1000  # deliveries, so that a long release lets others in between


class SqliteSpool:
    """A worker's own shard: ports.Spool and ports.Outbox. Made by ``gateway.spool.opening.open_shard``."""

    def __init__(
        self,
        path: Path,
        lock: ShardLock,
        *,
        keyring: Keyring,
        clock: Clock,
        meter: Meter,
        settings: SpoolSection,
        free: Callable[[], int] | None = None,
    ) -> None:
        self.path = path
        self._lock: ShardLock | None = lock
        self._clock = clock
        self._meter = meter
        self._codec = Codec(keyring)
        self._stock = Stock(settings, clock, free or partial(free_octets, path.parent))
        self._recorder = Recorder()
        self._flush_is_due = False
        self._events_may_wait = True
        self._looked_at: dict[DeliveryState, float] = {}
        self._gauged_at = float("-inf")
        self._gauge_timer: asyncio.TimerHandle | None = None
        self._doomed: Collection[queries.Key] = frozenset()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(partial(connect_reader, path))
        self._writer = Writer(
            partial(connect, path),
            self._codec,
            self._recorder,
            batch=settings.commit_batch,
            answer=self._answer,
            changed=self._recount,
        )

    async def start(self) -> None:
        """Take back what a dead worker had, count what is there, and begin to write."""
        try:
            await asyncio.to_thread(queries.recover, self.path, self._clock.now())
            await asyncio.to_thread(self._writer.open)
            self._stock.set_states(await self._reader.run(queries.counts))
            self._stock.set_octets(await self._reader.run(queries.octets))
        except BaseException:
            self._writer.disconnect()
            await self._reader.close()
            raise
        self._writer.start()

    async def close(self) -> None:
        """Write everything that was handed in, and give the shard back."""
        await self._writer.stop()
        await self._reader.close()
        if self._gauge_timer is not None:
            self._gauge_timer.cancel()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # ports.Spool

    async def put(self, parcel: Parcel) -> None:
        """Keep a parcel: on the disk when this returns."""
        began = self._clock.now()
        octets = len(parcel.content) + _COPY * len(parcel.deliveries)
        rows = await self._sealed(octets, self._codec.parcel_rows, parcel)
        await self._submit(Put(rows))
        self._meter.observe("message_save_latency_seconds", self._clock.now() - began)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Make moves by compare-and-set; raise LostMove for those that lost, when the others are done."""
        octets = sum([len(report.content) for one in settlements for report in one.reports])
        try:
            rows = await self._sealed(octets, self._codec.settlement_rows, settlements)
        except IllegalMove:  # as far as the caller knew; what stands in the table decides
            rows = None
        await self._writer.submit_at_leisure(Settle(rows, settlements))

    def record(self, events: Sequence[Event]) -> None:
        """Keep events with the next commit, or within 50 ms."""
        dropped = self._recorder.add(self._codec.event_rows(events))
        if dropped:
            self._meter.count("spool_events_dropped_total", dropped)
        if not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_later(_RECORD_DELAY, self._flush)

    def check_room(self) -> None:
        """Raise SpoolFull when the next ``put`` would find no room."""
        self._stock.check_room()

    async def accounts_due(self, now: float) -> Sequence[int]:
        """Return the accounts with a QUEUED delivery due: an index seek for each, not a scan."""
        if not self._may_have(DeliveryState.QUEUED):
            return ()
        return await self._reader.run(partial(queries.accounts_due, now=now))

    async def claim_due(
        self, account_id: int, now: float, limit: int, octets: int = sys.maxsize
    ) -> Sequence[Delivery]:
        """Move due deliveries of an account to ACTIVE, oldest due first, and return them."""
        work = partial(queries.claim, account_id=account_id, now=now, limit=limit, octets=octets)
        rows = await self.transact(work)
        if not rows:
            return ()
        try:
            deliveries, spoiled = await asyncio.to_thread(queries.opened, self._codec, rows)
        except BaseException:  # the accounts' keys cannot be asked for now
            self._give_back(rows)
            raise
        for reason, keys in spoiled.items():
            await self._hold_spoiled(partial(queries.hold, keys=keys, reason=reason), reason)
        return deliveries

    async def next_due(self, now: float) -> float | None:
        """Return when the next QUEUED delivery falls due after ``now``, or None."""
        if not self._may_have(DeliveryState.QUEUED):
            return None
        return await self._reader.run(partial(queries.next_due, now=now))

    async def bring_forward(self, now: float, longest: float) -> int:
        """Make due now what is due later than ``longest`` ahead; let no age begin in the future."""
        return await self.transact(partial(queries.bring_forward, now=now, longest=longest))

    async def release_held(self, account_id: int, hold_reason: str) -> int:
        """Move an account's HELD deliveries of that reason to QUEUED, due now; return how many."""
        total = 0
        while True:
            work = partial(
                queries.release,
                account_id=account_id,
                reason=hold_reason,
                now=self._clock.now(),
                limit=_RELEASED_AT_ONCE,
            )
            released = await self.transact(work)
            total += released
            if released < _RELEASED_AT_ONCE:
                return total

    async def held_accounts(self, hold_reason: str) -> Sequence[int]:
        """Return the accounts with deliveries HELD for that reason."""
        if not self._may_have(DeliveryState.HELD):
            return ()
        return await self._reader.run(partial(queries.held_accounts, reason=hold_reason))

    def doomed(self) -> Collection[tuple[str, int]]:
        """Return submission and number of what an operator has doomed, as of the last change seen."""
        return self._doomed

    async def content(self, submission_id: str) -> bytes:
        """Return a content; raise KeyError when it is settled, Unreadable when it cannot be opened."""
        try:
            return await self._reader.run(partial(queries.content, self._codec, submission_id))
        except Spoiled as error:
            work = partial(queries.hold_all, submission_id=submission_id, reason=error.reason)
            await self._hold_spoiled(work, error.reason)
            raise Unreadable(submission_id) from error

    async def counts(self) -> Mapping[str, int]:
        """Return the number of deliveries by state, from memory."""
        return self._stock.counts()

    # ports.Outbox

    async def outbox(self, limit: int) -> Sequence[tuple[int, SealedEvent]]:
        """Return the oldest events with their places in the line."""
        if not self._events_may_wait:
            return ()
        self._events_may_wait = False  # before the look: what is committed meanwhile sets it again
        try:
            events = await self._reader.run(partial(queries.outbox, limit=limit))
        except BaseException:
            self._events_may_wait = True
            raise
        if events or not limit:  # who asks for none learns nothing
            self._events_may_wait = True
        return events

    async def forget(self, places: Sequence[int]) -> None:
        """Drop events that the store has."""
        if places:
            await self.transact(partial(queries.forget, places=sorted(set(places))))

    # The worker's own

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Call back when another process has changed the shard, or orphans were adopted; runs for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            on_change()

    async def transact(self, work: Callable[[sqlite3.Connection, Change], T]) -> T:
        """Run work in the next commit and return its answer. It may run twice, so it only writes there."""
        answer: T = await self._submit(Ask(work))
        return answer

    def announce_change(self) -> None:
        """Wake whoever watches."""
        self._changed.set()

    def _may_have(self, state: DeliveryState) -> bool:
        """Whether a look for deliveries of a state is worth a thread's while.

        The numbers in memory follow every commit; now and then the table is looked at all the same, because
        mail must not wait for ever should they ever be wrong.
        """
        now, looked_at = self._loop.time(), self._looked_at.get(state, float("-inf"))
        if not self._stock.counts()[state.value] and now < looked_at + _TRUST:
            return False
        self._looked_at[state] = now
        return True

    async def _sealed(self, octets: int, encode: Callable[[Any], Rows], value: Any) -> Rows:
        """Encode here, or in a thread when there is much to seal."""
        return encode(value) if octets <= _LARGE else await asyncio.to_thread(encode, value)

    async def _submit(self, operation: Operation) -> Any:
        return await self._writer.submit(operation)

    def _give_back(self, rows: Sequence[Row]) -> None:
        """Queue again what was claimed in vain: it would be ACTIVE, for nobody, until a restart."""
        with contextlib.suppress(PublicError):  # the spool is closing: the next start does it
            work = partial(queries.unclaim, keys=[row[:2] for row in rows])
            self._writer.submit(Ask(work)).add_done_callback(_ignore)

    async def _hold_spoiled(self, work: Callable[[sqlite3.Connection, Change], int], reason: str) -> None:
        """Hold what cannot be opened. If even that fails it stays ACTIVE: out of the way till a restart."""
        try:
            self._meter.count("spool_unreadable_total", await self.transact(work), reason=reason)
        except PublicError as error:
            _log.warning("unreadable mail could not be held", error=str(error))

    def _flush(self) -> None:
        self._flush_is_due = False
        if len(self._recorder):
            self._writer.flush()

    def _answer(self, results: Sequence[tuple[Job, Outcome]], change: Change) -> None:
        """Resolve the futures of one commit; on the event loop."""
        self._stock.apply(change)
        for job, outcome in results:
            if job.future.done():  # whoever asked has been cancelled
                continue
            if isinstance(outcome, BaseException):
                if isinstance(outcome, SpoolFull):
                    self._stock.disk_is_full()
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        self._events_may_wait = True
        if results:
            self._meter.observe("spool_commit_size", len(results))
        self._gauge()

    def _gauge(self) -> None:
        """Show the numbers, once a second at most; the last change of a burst is shown too."""
        if abs(self._clock.now() - self._gauged_at) >= _GAUGE_PAUSE:
            self._gauge_now()
        elif self._gauge_timer is None:
            self._gauge_timer = self._loop.call_later(_GAUGE_PAUSE, self._gauge_now)

    def _gauge_now(self) -> None:
        self._gauge_timer = None
        self._gauged_at = self._clock.now()
        for state, amount in self._stock.counts().items():
            self._meter.gauge("scheduled_count", amount, state=state)

    def _recount(self, connection: sqlite3.Connection) -> None:
        """Count anew what another process may have changed; in the writer's thread."""
        states, doomed = queries.counts_of_waiting(connection), queries.doomed(connection)
        self._loop.call_soon_threadsafe(self._changed_elsewhere, states, doomed)
        self._reader.later(self._recount_octets)

    def _recount_octets(self, connection: sqlite3.Connection) -> None:
        self._loop.call_soon_threadsafe(self._stock.set_octets, queries.octets(connection))

    def _changed_elsewhere(self, states: Mapping[str, int], doomed: Collection[queries.Key]) -> None:
        self._stock.set_states(states)
        self._events_may_wait = True
        self._doomed = doomed
        self._gauge()
        self.announce_change()


def _ignore(answer: asyncio.Future[Outcome]) -> None:
    """Take note of an answer that nobody waits for."""
    if not answer.cancelled():
        answer.exception()
