"""The unsubscribe desk's ``Leaving`` over the store: letters and the consent book meet in stored facts."""

import os
from functools import partial

from gateway.app.stories import Stories
from gateway.inbound.leaving import Left, LeftBefore, Unknown
from gateway.model.identity import name_of
from gateway.model.ledger import Origin
from gateway.model.token import Token
from gateway.store import subscriptions
from gateway.store.database import Store
from gateway.store.departure_book import Departure
from gateway.store.departures import Departures
from gateway.store.event_ids import EventIds
from gateway.store.keys import StoreKeyring
from gateway.store.subscription_rows import Bond, Scribe
from gateway.web.leaving import Reader


class MailLeaving:
    """Lives on one event loop. Letters that come at once share a commit.

    A thread of their own waits for it: a busy store costs the look-ups for tenants none of their threads.
    """

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._departures = Departures(store, Scribe(keyring, EventIds(os.urandom)))
        self._stories = Stories(store, keyring)

    async def leave(self, token: Token, now: float, origin: Origin) -> Left | LeftBefore | Unknown:
        """End the subscription that a token names; durable when it returns. Raise StoreAway."""
        account_id, list_id = token.account_id, token.list_id
        # Asked first: what fails after the subscription has ended would cost the answer.
        reader = Reader(account_id, list_id, token.address_hash)
        found = await self._store.in_thread(partial(self._stories.find, reader))
        departure = Departure(
            Bond(account_id, list_id, token.address_hash), now, origin, name_of(token.submission)
        )
        match await self._departures.leave(departure):
            case subscriptions.Unsubscribed():
                return Left(found.story.account, found.story.mail_list) if found else Left("", "")
            case subscriptions.AlreadyUnsubscribed():
                return LeftBefore()
            case subscriptions.Unknown():
                return Unknown()

    async def close(self) -> None:
        """Commit what was taken."""
        await self._departures.close()
