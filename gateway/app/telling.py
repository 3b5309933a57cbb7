"""What tenants' programs are told: the API's application, the webhooks, and the loops behind both.

They live in the web process: what is told comes from the store alone, and no mail waits for it.
"""

import asyncio

import structlog
from fastapi import FastAPI

from gateway.app.api_books import StoreLedgers
from gateway.app.configuration import Configuration
from gateway.app.sole import sole
from gateway.app.world import SystemClock, SystemEntropy
from gateway.model.reply import PublicError
from gateway.ports import Meter
from gateway.settings.reload import Reloadable
from gateway.store.api_keys import ApiKeyBook
from gateway.store.cursors import StoreCursors
from gateway.store.database import Store
from gateway.store.feed import StoreFeed
from gateway.store.keys import StoreKeyring
from gateway.store.quota import SharedQuota
from gateway.store.revision import Revision
from gateway.store.signups import Write
from gateway.store.tide import StoreTide
from gateway.store.webhooks import Webhooks
from gateway.web.api.app import build_api
from gateway.web.api.desks import desks_of
from gateway.web.api.doorman import Doorman
from gateway.web.api.events import EventDesk
from gateway.web.api.holdings import Receiver
from gateway.web.api.once import Counter
from gateway.webhooks.courier import Trade
from gateway.webhooks.post import Post
from gateway.webhooks.postroom import Postroom

log = structlog.get_logger(__name__)

_LOCK_PAUSE = 5.0  # seconds between two tries to have the webhooks' lock
_WRITE_DOWN = 60.0  # seconds between two writings of when keys were used


class Telling:
    """Everything that the web process has for programs of tenants."""

    def __init__(
        self,
        store: Store,
        keyring: StoreKeyring,
        holder: Reloadable[Configuration],
        meter: Meter,
        write: Write,
        *,
        receiver: Receiver,
    ) -> None:
        self.revision = Revision(store)
        self._keys = ApiKeyBook(store, self.revision)
        self._tide = StoreTide(store)
        self._quota = SharedQuota(holder.current.settings.gateway.state_dir / "quota.shm", SystemEntropy())
        self._lock = holder.current.settings.gateway.state_dir / "webhooks.lock"
        self._post = Post(lambda: holder.current.settings.webhooks)
        self._trade = self._trade_over(store, keyring, holder, meter)
        doorman = self._doorman(holder, meter)
        self._desk = EventDesk(doorman, self._trade.feed, self._tide)
        ledgers = StoreLedgers(
            store,
            keyring,
            write,
            lambda: holder.current.settings.signup,
            meter,
            lambda: holder.current.additions,
        )
        counter = Counter(ledgers, SystemClock(), meter)
        desks = desks_of(doorman, self._desk, counter, StoreCursors(keyring), receiver)
        self.api: FastAPI = build_api(
            desks,
            meter,
            lambda: holder.current.settings.web,
            lambda: holder.current.settings.api.file_size,
        )

    def _doorman(self, holder: Reloadable[Configuration], meter: Meter) -> Doorman:
        return Doorman(
            self._keys,
            self._quota,
            SystemClock(),
            meter,
            lambda: holder.current.settings.api,
            lambda: holder.current.settings.web,
        )

    def _trade_over(
        self, store: Store, keyring: StoreKeyring, holder: Reloadable[Configuration], meter: Meter
    ) -> Trade:
        return Trade(
            feed=StoreFeed(store, keyring),
            book=Webhooks(store, keyring),
            tide=self._tide,
            sender=self._post,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            meter=meter,
            settings=lambda: holder.current.settings.webhooks,
            slots=asyncio.Semaphore(holder.current.settings.webhooks.concurrency),
        )

    async def run(self) -> None:
        """Keep what the API knows fresh, and tell webhooks, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.revision.watch())
            tasks.create_task(self._tide.watch())
            tasks.create_task(self._write_down_forever())
            tasks.create_task(self._tell_webhooks())

    async def let_go(self, stopping: asyncio.Event) -> None:
        """Answer those who wait when the process is to end: nobody holds it up."""
        await stopping.wait()
        self._desk.waiting.close()

    async def close(self) -> None:
        """Close what is open."""
        await self._post.close()
        self._quota.close()

    async def _tell_webhooks(self) -> None:
        """Tell, once a web process before this one has ended: two would tell everything twice."""
        while True:
            try:
                async with sole(self._lock):
                    await Postroom(self._trade, self.revision.current).run()
            except OSError as error:  # no room for the lock's file: the pages and the API go on
                log.warning("webhooks wait for their lock", why=str(error))
            await asyncio.sleep(_LOCK_PAUSE)

    async def _write_down_forever(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_DOWN)
            try:
                await self._keys.write_down()
            except PublicError as error:
                log.warning("the last use of API keys waits to be written", why=str(error))
