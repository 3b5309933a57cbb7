"""What tenants' programs are told: the API's application, and the loops behind it.

They live in the web process: what is told comes from the store alone, and no mail waits for it.
"""

import asyncio

import structlog
from fastapi import FastAPI

from gateway.app.configuration import Configuration
from gateway.app.world import SystemClock, SystemEntropy
from gateway.model.reply import PublicError
from gateway.ports import Meter
from gateway.settings.reload import Reloadable
from gateway.store.api_keys import ApiKeyBook
from gateway.store.database import Store
from gateway.store.feed import StoreFeed
from gateway.store.keys import StoreKeyring
from gateway.store.quota import SharedQuota
from gateway.store.revision import Revision
from gateway.store.tide import StoreTide
from gateway.web.api.app import build_api
from gateway.web.api.doorman import Doorman
from gateway.web.api.events import EventDesk

log = structlog.get_logger(__name__)

_WRITE_DOWN = 60.0  # seconds between two writings of when keys were used


class Telling:
    """Everything that the web process has for programs of tenants."""

    def __init__(
        self, store: Store, keyring: StoreKeyring, holder: Reloadable[Configuration], meter: Meter
    ) -> None:
        self._revision = Revision(store)
        self._keys = ApiKeyBook(store, self._revision)
        self._tide = StoreTide(store)
        self._quota = SharedQuota(holder.current.settings.gateway.state_dir / "quota.shm", SystemEntropy())
        doorman = Doorman(
            self._keys,
            self._quota,
            SystemClock(),
            meter,
            lambda: holder.current.settings.api,
            lambda: holder.current.settings.web,
        )
        desk = EventDesk(doorman, StoreFeed(store, keyring), self._tide)
        self.api: FastAPI = build_api(desk, meter, lambda: holder.current.settings.web)

    async def run(self) -> None:
        """Keep what the API knows fresh, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._revision.watch())
            tasks.create_task(self._tide.watch())
            tasks.create_task(self._write_down_forever())

    def close(self) -> None:
        """Close what is open."""
        self._quota.close()

    async def _write_down_forever(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_DOWN)
            try:
                await self._keys.write_down()
            except PublicError as error:
                log.warning("the last use of API keys waits to be written", why=str(error))
