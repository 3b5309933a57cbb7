"""The relay's loop: lanes, senders, and the spool behind them. It is the pipeline's ``Dispatch``.

What it promises: every delivery that it has taken over or claimed is settled or given back, unless the
process dies; then it is ACTIVE, and who adopts the spool gives it back. While no next hop can be reached
nothing is tried and memory stays flat; when one is back everything flows at once. An account's lane goes on
while another's waits. ``run`` ends after ``drain``; it fails only when one of its tasks has a fault.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine

import structlog

from gateway.model.delivery import DeliveryState
from gateway.model.reply import PublicError
from gateway.model.verdict import ACCOUNT_STATE_HOLD
from gateway.ports import Entropy, Parcel, Settlement, Spool
from gateway.relay.bodies import Bodies
from gateway.relay.lanes import Item, Lanes
from gateway.relay.record import Record
from gateway.relay.reports import Reports
from gateway.relay.sending import Away, Done, LetGo, Means, Sending, Wait
from gateway.relay.settler import Settler
from gateway.relay.stock import Stock
from gateway.settings.schema import RelaySection, Settings

_POLL = 0.5  # seconds between looks into the spool: how soon an operator's ``queue retry`` is seen
_BREATH = 0.02  # seconds between looks, at least: many nudges make one look
_HELD_POLL = 0.3  # seconds: a reinstated account's mail goes on within a second
_LONGEST_PAUSE = 60.0  # seconds; then the rules are asked again
_AWAY_PAUSE = 1.0  # seconds that a lane waits when a port is away

_log = structlog.get_logger("relay")


class Scheduler:
    """Sends what is due, fairly. One for each worker."""

    def __init__(
        self, spool: Spool, means: Means, entropy: Entropy, settings: Callable[[], Settings]
    ) -> None:
        self._spool = spool
        self._means = means
        self._settings = settings
        self._draining = False
        self._over = asyncio.Event()
        self._hungry = asyncio.Event()
        self._wanted = self._senders_wanted()
        self._lanes = Lanes(self._relay, self._wanted, self._hungry.set)
        reports = Reports(lambda: settings().gateway.hostname, means.clock, entropy)
        self._record = Record(reports, self._relay, means.clock, entropy, means.meter)
        self._bodies = bodies = Bodies(spool, self._relay().ready_size // 4)
        self._settler = Settler(spool, means.meter)
        self._sending = Sending(means, bodies, self._record)
        self._stock = Stock(
            spool,
            lanes=self._lanes,
            settler=self._settler,
            sending=self._sending,
            record=self._record,
            clock=means.clock,
            relay=self._relay,
        )
        self._group: asyncio.TaskGroup | None = None
        self._senders: dict[int, asyncio.Task[None]] = {}
        self._idle: deque[asyncio.Future[None]] = deque()
        self._timers: dict[int | None, asyncio.TimerHandle] = {}  # None: the next hop's

    # Dispatch

    def has_room(self, account_id: int, copies: int, octets: int) -> bool:
        """Whether the copies may enter ACTIVE and be sent from memory; else they wait in the spool."""
        return self._is_sending and self._lanes.has_room(account_id, copies, octets)

    def offer(self, parcel: Parcel) -> None:
        """Take over deliveries that entered ACTIVE."""
        active = [one for one in parcel.deliveries if one.state is DeliveryState.ACTIVE]
        self._lanes.add(parcel.submission.account_id, active, parcel.content)
        self._wake(len(active))

    def nudge(self) -> None:
        """Say that the spool has something new that is due."""
        self._hungry.set()

    def forget_contents(self) -> None:
        """Let go of contents that are kept in memory only to be quick."""
        self._bodies.clear()

    # Life

    async def run(self) -> None:
        """Send until ``drain`` is over."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            loops = [group.create_task(loop) for loop in self._loops()]
            self._hire()
            await self._over.wait()
            for loop in loops:
                loop.cancel()
        self._group = None

    def _loops(self) -> tuple[Coroutine[object, object, None], ...]:
        return self._settler.run(), self._keep_stock(), self._release_held()

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 - a bound for two steps, not a cancellation
        """Take no more, let what is on the wire finish, give the rest back; at most ``timeout`` seconds."""
        self._draining = True
        self._wake(len(self._idle))
        deadline = asyncio.get_running_loop().time() + timeout
        await self._end_senders(timeout * 0.75)
        for timer in self._timers.values():
            timer.cancel()
        for item in self._lanes.take_out(lambda _: True):
            self._give_back(item)
        try:
            async with asyncio.timeout_at(deadline):
                await self._settler.flush()
        except TimeoutError:
            _log.warning("outcomes were not kept in time: they will be tried again")
        self._over.set()

    async def _end_senders(self, timeout: float) -> None:  # noqa: ASYNC109 - the senders go on meanwhile
        if not self._senders:
            return
        _, late = await asyncio.wait(set(self._senders.values()), timeout=timeout)
        while late:
            for task in late:
                task.cancel()
            # More than once: asyncio.wait_for of Python 3.11 can swallow a cancellation (bpo-37658).
            _, late = await asyncio.wait(late, timeout=_POLL)

    @property
    def _is_sending(self) -> bool:
        return not self._draining and None not in self._timers

    def _relay(self) -> RelaySection:
        return self._settings().relay

    def _senders_wanted(self) -> int:
        relay = self._relay()
        return relay.connections * max(1, len(relay.smarthost))

    # Senders

    def _hire(self) -> None:
        """Start the senders that are missing, and let those above the number leave."""
        wanted = self._wanted = self._senders_wanted()
        self._lanes.set_senders(wanted)
        if self._group is None or self._draining:
            return
        for number in range(wanted):
            if number not in self._senders:
                self._senders[number] = self._group.create_task(self._send_on(number))
        if len(self._senders) > wanted:
            self._wake(len(self._idle))

    async def _send_on(self, number: int) -> None:
        try:
            while not self._draining and number < self._wanted:
                item = self._lanes.take() if self._is_sending else None
                if item is None:
                    await self._wait_for_work()
                else:
                    await self._serve(item)
        finally:
            del self._senders[number]

    async def _wait_for_work(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._idle.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._idle:
                self._idle.remove(waiter)

    def _wake(self, count: int) -> None:
        """Wake senders, the one that rested last first: so a quiet time needs few connections."""
        while count > 0 and self._idle:
            waiter = self._idle.pop()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    async def _serve(self, item: Item) -> None:
        try:
            result = await self._attempt(item)
        except asyncio.CancelledError:
            # It may be on the wire: this is the duplicate that a hard end permits.
            self._lanes.done(item)
            self._give_back(item)
            raise
        match result:
            case Wait(seconds):
                self._lanes.put_back(item)
                self._pause_lane(item.delivery.submission.account_id, seconds)
            case LetGo():
                self._lanes.done(item)
            case Away(settlement, until):
                self._lanes.done(item)
                self._pause_all(until)
                await self._settle(settlement)
            case Done(settlement):
                self._lanes.done(item)
                await self._settle(settlement)
                if settlement.reports:
                    self._hungry.set()

    async def _attempt(self, item: Item) -> Done | Wait | Away | LetGo:
        try:
            return await self._sending.attempt(item)
        except PublicError as error:
            _log.warning("a port is away", error=repr(error))
            return Wait(_AWAY_PAUSE)
        except Exception:  # noqa: BLE001 - a sender outlives every fault; the mail waits
            _log.exception("an attempt failed here", submission=item.delivery.submission.id)
        try:
            return Done(await self._sending.failed_here(item))
        except Exception:  # noqa: BLE001 - as above
            _log.exception("an attempt could not be recorded", submission=item.delivery.submission.id)
            return Wait(_AWAY_PAUSE)

    async def _settle(self, settlement: Settlement) -> None:
        try:
            await self._settler.give(settlement)
        except asyncio.CancelledError:
            self._settler.give_now(settlement)  # what the hop has said is not lost to our hurry
            raise

    def _give_back(self, item: Item) -> None:
        self._settler.give_now(self._record.unclaimed(item.delivery, item.delivery.due_at))

    # Pauses

    def _pause_lane(self, account_id: int, seconds: float) -> None:
        for item in self._lanes.pause(account_id):
            self._give_back(item)
        if account_id not in self._timers and not self._draining:
            loop = asyncio.get_running_loop()
            wait = min(seconds, _LONGEST_PAUSE)
            self._timers[account_id] = loop.call_later(wait, self._resume_lane, account_id)

    def _resume_lane(self, account_id: int) -> None:
        del self._timers[account_id]
        self._lanes.resume(account_id)
        self._wake(self._lanes.size(account_id))

    def _pause_all(self, until: float) -> None:
        if None in self._timers or self._draining:
            return
        _log.warning("no next hop can be reached", seconds=round(until - self._means.clock.now(), 1))
        wait = min(max(until - self._means.clock.now(), _BREATH), _LONGEST_PAUSE)
        self._timers[None] = asyncio.get_running_loop().call_later(wait, self._resume_all)

    def _resume_all(self) -> None:
        del self._timers[None]
        self._wake(len(self._idle))
        self._hungry.set()

    # The spool

    async def _keep_stock(self) -> None:
        while True:
            self._hungry.clear()
            try:
                await self._stock.mind_the_clock()
                self._stock.drop_doomed()
                if self._is_sending:
                    await self._stock.refill(lambda: not self._draining)
                    self._wake(self._lanes.total)
                elif not self._draining:
                    await self._stock.sweep(lambda: not self._is_sending)
                pause = await self._until_due()
            except PublicError as error:
                _log.warning("the spool is away", error=repr(error))
                pause = _POLL
            self._means.meter.gauge("ready_count", self._lanes.total)
            self._hire()
            await asyncio.sleep(_BREATH)
            await self._rest(pause)

    async def _until_due(self) -> float:
        now = self._means.clock.now()
        due = await self._spool.next_due(now)
        return _POLL if due is None else min(_POLL, max(due - now, 0.0))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hungry.wait()
        except TimeoutError:
            pass

    async def _release_held(self) -> None:
        """Let mail of reinstated accounts go on."""
        while True:
            try:
                for account_id in await self._spool.held_accounts(ACCOUNT_STATE_HOLD):
                    account = await self._means.accounts.by_id(account_id)
                    if account is None or account.state.may_send:
                        await self._spool.release_held(account_id, ACCOUNT_STATE_HOLD)
                        self._hungry.set()
            except PublicError as error:
                _log.warning("held mail cannot be looked at", error=repr(error))
            await asyncio.sleep(_HELD_POLL)
