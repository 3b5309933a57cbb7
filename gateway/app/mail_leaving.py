"""The unsubscribe desk's ``Leaving`` over the store: letters and the consent book meet in stored facts."""

from functools import partial

from gateway.app.leaving import StoreLeaving
from gateway.inbound.leaving import Left, LeftBefore, Unknown
from gateway.model.token import Token
from gateway.store import subscriptions
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring


class MailLeaving:
    """Works in the store's own threads."""

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._subscriptions = subscriptions.Subscriptions(store, keyring)
        self._names = StoreLeaving(store, keyring)

    async def leave(self, token: Token, now: float) -> Left | LeftBefore | Unknown:
        """End the subscription that a token names; durable when it returns. Raise StoreAway."""
        return await self._store.in_thread(partial(self._leave, token, now))

    def _leave(self, token: Token, now: float) -> Left | LeftBefore | Unknown:
        account_id, list_id = token.account_id, token.list_id
        # Asked first: what fails after the subscription has ended would cost the answer.
        names = self._names.names(account_id, list_id)
        match self._subscriptions.unsubscribe(account_id, list_id, token.address_hash, now, "mail"):
            case subscriptions.Unsubscribed():
                return Left(names.account, names.mail_list) if names else Left("", "")
            case subscriptions.AlreadyUnsubscribed():
                return LeftBefore()
            case subscriptions.Unknown():
                return Unknown()
