"""The watch over the hosts of senders' own links, put together: in the web process, beside the webhooks.

No mail waits for it, and it asks nothing unless ``[link_check] enabled`` says so.
"""

from gateway.app.configuration import Configuration
from gateway.app.world import SystemClock, SystemEntropy
from gateway.linkcheck.ask import Asking
from gateway.linkcheck.watch import Watch, World
from gateway.ports import Meter
from gateway.settings.reload import Reloadable
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.link_book import StoreLinkBook
from gateway.store.quota import SharedQuota


class LinkCheck:
    """Runs until cancelled; ``close`` it then."""

    def __init__(
        self, store: Store, keyring: StoreKeyring, holder: Reloadable[Configuration], meter: Meter
    ) -> None:
        self._quota = SharedQuota(holder.current.settings.gateway.state_dir / "quota.shm", SystemEntropy())
        self._asking = Asking(lambda: holder.current.settings.link_check.timeout)
        self._watch = Watch(
            World(
                StoreLinkBook(store, keyring),
                self._asking,
                self._quota,
                SystemClock(),
                meter,
                lambda: holder.current.settings.link_check,
            )
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._watch.run()

    async def close(self) -> None:
        """Close what is open."""
        await self._asking.close()
        self._quota.close()
