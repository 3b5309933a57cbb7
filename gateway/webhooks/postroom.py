"""All couriers: one for each webhook that is active.

What it promises: a webhook that is added, enabled, given a new secret, removed or given up anywhere has or
loses its courier within a second; so do the webhooks of an account that is cancelled. One webhook's trouble
is its courier's alone. A store that is away changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from gateway.model.reply import PublicError
from gateway.model.webhook import Webhook
from gateway.webhooks.courier import Courier, Trade

log = structlog.get_logger("webhooks")

_PAUSE = 0.5  # seconds between two looks

Revision = Callable[[], Awaitable[int]]
"""Gives a number that changes with every webhook and account; raises StoreAway."""


class Postroom:
    """Keeps the couriers."""

    def __init__(self, trade: Trade, revision: Revision) -> None:
        self._trade = trade
        self._revision = revision
        self._seen: int | None = None
        self._couriers: dict[str, tuple[Courier, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Let every webhook be told, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    await self._look(tasks)
                except PublicError as error:
                    log.warning("webhooks stay as they were", why=str(error))
                self._measure()
                await self._trade.sleep(_PAUSE)

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Start and end couriers, where something has changed since the look before."""
        revision = await self._revision()
        if revision == self._seen:
            return
        wanted = await self._active()
        over = [
            which
            for which, (courier, task) in self._couriers.items()
            if which not in wanted or task.done() or _is_changed(courier.webhook, wanted[which])
        ]
        for which in over:
            _, task = self._couriers.pop(which)
            task.cancel()
            await asyncio.wait([task])
        if over:
            wanted = await self._active()  # how far those have told is kept by now
        for which, webhook in wanted.items():
            if which not in self._couriers:
                courier = Courier(webhook, self._trade)
                self._couriers[which] = (courier, tasks.create_task(courier.run(), name=which))
        self._seen = revision

    async def _active(self) -> Mapping[str, Webhook]:
        there = await asyncio.get_running_loop().run_in_executor(None, self._trade.book.active)
        return {webhook.id: webhook for webhook in there}

    def _measure(self) -> None:
        now = self._trade.clock.now()
        couriers = [courier for courier, task in self._couriers.values() if not task.done()]
        failing = sum(courier.webhook.failures > 0 for courier in couriers)
        self._trade.meter.gauge("webhooks", len(couriers) - failing, state="well")
        self._trade.meter.gauge("webhooks", failing, state="failing")
        waiting = [now - one.waiting_since for one in couriers if one.waiting_since is not None]
        self._trade.meter.gauge("webhook_lag_seconds", max([0.0, *waiting]))


def _is_changed(known: Webhook, row: Webhook) -> bool:
    """Whether an operator wants it tried now, though its courier waits, or has given it another secret."""
    return (known.failures > 0 and row.failures == 0) or known.secret != row.secret
