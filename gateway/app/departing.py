"""The web's ``Departing`` over the store's group commit."""

import os

from gateway.model.identity import name_of
from gateway.model.ledger import Origin
from gateway.ports import Keyring
from gateway.store import subscriptions
from gateway.store.database import Store
from gateway.store.departure_book import Departure
from gateway.store.departures import Departures
from gateway.store.event_ids import EventIds
from gateway.store.subscription_rows import Bond, Scribe
from gateway.web.leaving import AlreadyUnsubscribed, Unknown, Unsubscribed


class StoreDeparting:
    """Lives on one event loop."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._departures = Departures(store, Scribe(keyring, EventIds(os.urandom)))

    async def leave(
        self,
        account_id: int,
        list_id: int,
        address_hash: bytes,
        submission: bytes,
        *,
        now: float,
        origin: Origin,
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End the subscription; durable when it returns. Raise StoreAway."""
        departure = Departure(Bond(account_id, list_id, address_hash), now, origin, name_of(submission))
        match await self._departures.leave(departure):
            case subscriptions.Unsubscribed():
                return Unsubscribed()
            case subscriptions.AlreadyUnsubscribed(since):
                return AlreadyUnsubscribed(since)
            case subscriptions.Unknown():
                return Unknown()

    async def close(self) -> None:
        """Commit what was taken."""
        await self._departures.close()
