"""Outcomes on their way into the spool: in batches, and again and again until they are kept.

What it promises: a sender does not wait for the disk unless too many outcomes do; an outcome that the spool
cannot take now is offered again, and its delivery is ACTIVE all the while, so nobody sends it again. A
settlement that the spool fails at is tried alone and without its events and reports, so that it stops no
other; a delivery that has moved already (LostMove) is nobody's fault and is left as it is. Both are counted.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import structlog

from gateway.model.reply import PublicError
from gateway.ports import LostMove, Meter, Settlement, Spool

# Settlements in one call, and in memory before senders wait. A few are on their way at any time; more of them
# are those of a disk that hangs, and each is a copy that is sent again if this process is killed now.
_BATCH = _WAITING = 100
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between offers

_log = structlog.get_logger("relay")


class Settler:
    """The one way of outcomes to the disk."""

    def __init__(self, spool: Spool, meter: Meter) -> None:
        self._spool = spool
        self._meter = meter
        self._waiting: deque[Settlement] = deque()
        self._busy = False
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()

    async def give(self, settlement: Settlement) -> None:
        """Hand an outcome over; wait only while too many wait already."""
        await self._room.wait()
        self.give_now(settlement)

    def give_now(self, settlement: Settlement) -> None:
        """Hand an outcome over at once."""
        self._waiting.append(settlement)
        self._empty.clear()
        self._came.set()
        if len(self._waiting) >= _WAITING:
            self._room.clear()

    async def flush(self) -> None:
        """Wait until everything that was given is kept."""
        await self._empty.wait()

    async def run(self) -> None:
        """Settle what comes, for ever."""
        while True:
            await self._came.wait()
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            await self._keep(batch)
            if len(self._waiting) < _WAITING:
                self._room.set()
            if not self._waiting:
                self._came.clear()
                self._empty.set()

    async def _keep(self, batch: Sequence[Settlement]) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._spool.settle(batch)
            except PublicError as error:
                _log.warning("outcomes wait for the spool", waiting=len(batch), error=repr(error))
            except LostMove as error:
                self._note_lost(error)
                return
            except Exception as error:  # noqa: BLE001 - one bad outcome must not stop the others
                _log.info("outcomes are settled one by one", settlements=len(batch), error=repr(error))
                await self._keep_each(batch)
                return
            else:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _keep_each(self, batch: Sequence[Settlement]) -> None:
        for settlement in batch:
            for attempt in (settlement, replace(settlement, events=(), reports=())):
                if await self._keep_one(attempt):
                    break
            else:
                # It stays ACTIVE; who adopts the spool after a restart decides anew.
                self._meter.count("outcomes_lost_total", reason="failed")
                _log.error("outcome lost", submission=settlement.delivery.submission.id)

    async def _keep_one(self, settlement: Settlement) -> bool:
        """Settle one; False: it fails in a way that its events or reports may be the cause of."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._spool.settle([settlement])
            except PublicError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except LostMove as error:
                self._note_lost(error)
                return True
            except Exception as error:  # noqa: BLE001 - as above
                _log.warning("outcome failed", delivery=settlement.delivery.id, error=repr(error))
                return False
            else:
                return True

    def _note_lost(self, lost: LostMove) -> None:
        """Take note of deliveries that had moved already: by an earlier batch, an operator or an adopter."""
        self._meter.count("outcomes_lost_total", len(lost.ids), reason="moved")
        _log.info("no such move", deliveries=list(lost.ids))
