"""Tells one webhook what happens, in order, at least once.

What it promises: a notice is told before the next one is tried; progress is kept after each page of notices,
and after each second, so that a process that is killed repeats a page at most, with the same ids. A failure
is tried again after a growing pause; after ``[webhooks] give_up``, or when the receiver says 410 Gone, the
webhook is disabled with an event. A receiver that is slow or down holds up nobody but itself: there is one
courier for each webhook. A store that is away is waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import structlog

from gateway.model.backoff import wait_before
from gateway.model.notice import ALL, Notice
from gateway.model.reply import PublicError
from gateway.model.webhook import Webhook
from gateway.ports import Clock, Entropy, EventFeed, Meter, Page, Tide
from gateway.settings.schema import WebhooksSection
from gateway.webhooks.book import WebhookBook
from gateway.webhooks.post import NotTaken, Outcome, Taken

log = structlog.get_logger("webhooks")

_PAGE = 100  # notices
_KEEP_EVERY = 1.0  # seconds
_LOOK_AGAIN = 60.0  # seconds after which the store is asked though the tide has not risen
_PAUSE_AWAY = 2.0
_FAR = 10_000  # places passed over that are worth a commit

T = TypeVar("T")


class Sender(Protocol):
    """gateway.webhooks.post.Post, as couriers see it."""

    async def attempt(self, webhook: Webhook, notice: Notice, now: float) -> Outcome:
        """Send one notice."""
        ...


@dataclass(frozen=True, slots=True)
class Trade:
    """What every courier works with."""

    feed: EventFeed
    book: WebhookBook
    tide: Tide
    sender: Sender
    clock: Clock
    entropy: Entropy
    meter: Meter
    settings: Callable[[], WebhooksSection]
    slots: asyncio.Semaphore  # attempts at once, of all webhooks
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Courier:
    """One webhook's own."""

    def __init__(self, webhook: Webhook, trade: Trade) -> None:
        self.webhook = webhook
        self.waiting_since: float | None = None  # when the notice happened that is to be told next
        self._trade = trade
        self._place = webhook.place
        self._kept_at = 0.0

    async def run(self) -> None:
        """Tell until cancelled, or until the webhook is given up."""
        while True:
            try:
                if not await self._round():
                    return
            except PublicError as error:
                log.warning("webhook waits for the store", webhook=self.webhook.id, why=str(error))
                await self._trade.sleep(_PAUSE_AWAY)
            except Exception:
                log.exception("webhook failed by our own fault", webhook=self.webhook.id)
                self._trade.meter.count("webhook_deliveries_total", result="error")
                await self._trade.sleep(_LOOK_AGAIN)

    async def _round(self) -> bool:
        """Tell one page, or wait for something to tell; return False when the webhook is given up."""
        await self._until_due()
        page = await self._read()
        if page.notices:
            return await self._tell(page)
        self._place = page.place
        if self._place - self.webhook.place > _FAR:
            self.webhook = await _in_thread(partial(self._trade.book.passed, self.webhook, self._place))
        if not page.more:
            await self._trade.tide.rise(self.webhook.account_id, page.place, _LOOK_AGAIN)
        return True

    async def _until_due(self) -> None:
        wait = self.webhook.due_at - self._trade.clock.now()
        if self.webhook.failures and wait > 0:
            # No pause was longer than that: a time further ahead is another clock's.
            await self._trade.sleep(min(wait, self._trade.settings().longest_retry))

    async def _read(self) -> Page:
        hook, wanted = self.webhook, self.webhook.types or ALL
        return await _in_thread(partial(self._trade.feed.page, hook.account_id, self._place, wanted, _PAGE))

    async def _tell(self, page: Page) -> bool:
        """Tell a page's notices until one fails; whatever ends it, what was told is kept where it can be."""
        try:
            for notice in page.notices:
                self.waiting_since = notice.at
                outcome = await self._attempt(notice)
                if isinstance(outcome, NotTaken):
                    return await self._failed(outcome)
                self._place = notice.place
                if self._trade.clock.now() - self._kept_at >= _KEEP_EVERY:
                    await self._keep()
            self.waiting_since = None
            self._place = page.place
        except BaseException:
            with suppress(Exception):  # a store that is away must not turn the courier's end into its trouble
                await self._keep()
            raise
        await self._keep()
        return True

    async def _attempt(self, notice: Notice) -> Outcome:
        trade = self._trade
        async with trade.slots:
            outcome = await trade.sender.attempt(self.webhook, notice, trade.clock.now())
        match outcome:
            case Taken():
                trade.meter.count("webhook_deliveries_total", result="ok")
                trade.meter.observe("webhook_delay_seconds", max(0.0, trade.clock.now() - notice.at))
            case NotTaken(result=result):
                trade.meter.count("webhook_deliveries_total", result=result)
        return outcome

    async def _keep(self) -> None:
        """Keep what was told, if it is not kept yet."""
        if self._place == self.webhook.place:
            return
        now = self._trade.clock.now()
        self.webhook = await _in_thread(partial(self._trade.book.told, self.webhook, self._place, now))
        self._kept_at = now

    async def _failed(self, outcome: NotTaken) -> bool:
        """Put the next attempt off, or give the webhook up; return whether it goes on."""
        await self._keep()  # first: that what came before it worked
        settings, now, hook = self._trade.settings(), self._trade.clock.now(), self.webhook
        since = hook.failing_since or now
        if outcome.gone or now - since >= settings.give_up:
            await _in_thread(partial(self._trade.book.disable, hook, outcome.why, now))
            self._trade.meter.count("webhooks_disabled_total")
            log.warning("webhook given up", webhook=hook.id, account=hook.account_id, why=outcome.why)
            return False
        fraction = self._trade.entropy.fraction()
        wait = wait_before(hook.failures + 1, settings.first_retry, settings.longest_retry, fraction)
        wait = max(wait, min(outcome.retry_after, settings.longest_retry))
        self.webhook = await _in_thread(partial(self._trade.book.failed, hook, outcome.why, now + wait, now))
        log.info(
            "webhook failed", webhook=hook.id, account=hook.account_id, why=outcome.why, wait=round(wait)
        )
        return True


async def _in_thread(call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, call)
