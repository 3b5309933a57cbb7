"""The web's ``Leaving`` over the store: the pages and the consent book meet in stored facts."""

import os

from sqlalchemy import select

from gateway.model.events import Event, EventType, seal_event
from gateway.model.identity import name_of, new_id
from gateway.store import subscriptions
from gateway.store.database import Store
from gateway.store.events import insert_events
from gateway.store.keys import StoreKeyring
from gateway.store.schema import ACCOUNT, MAIL_LIST
from gateway.web.leaving import AlreadyUnsubscribed, Names, Reported, Unknown, Unsubscribed, Via


class StoreLeaving:
    """Blocks: the pages call it in threads."""

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._keyring = keyring
        self._subscriptions = subscriptions.Subscriptions(store, keyring)

    def names(self, account_id: int, list_id: int) -> Names | None:
        """Return how to call the sender and the list, or None when they are gone."""
        query = (
            select(ACCOUNT.c.name, MAIL_LIST.c.name, MAIL_LIST.c.list_id)
            .join(MAIL_LIST, MAIL_LIST.c.account_id == ACCOUNT.c.id)
            .where(ACCOUNT.c.id == account_id, MAIL_LIST.c.id == list_id)
        )
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Names(row[0], row[1] or row[2])

    def unsubscribe(
        self, account_id: int, list_id: int, address_hash: bytes, now: float, via: Via
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End the subscription; durable when it returns."""
        match self._subscriptions.unsubscribe(account_id, list_id, address_hash, now, str(via)):
            case subscriptions.Unsubscribed():
                return Unsubscribed()
            case subscriptions.AlreadyUnsubscribed(since):
                return AlreadyUnsubscribed(since)
            case subscriptions.Unknown():
                return Unknown()

    def report(
        self, account_id: int, list_id: int, address_hash: bytes, submission: bytes, *, now: float, words: str
    ) -> Reported | Unknown:
        """Record a complaint about a submission, which ends the subscription too."""
        outcome = self._subscriptions.report(account_id, list_id, address_hash, now)
        if isinstance(outcome, subscriptions.Unknown):
            return Unknown()
        if words:
            self._keep_words(account_id, list_id, submission, now, words)
        return Reported()

    def _keep_words(self, account_id: int, list_id: int, submission: bytes, now: float, words: str) -> None:
        event = Event(
            new_id(now, os.urandom(10)),
            EventType.FEEDBACK,
            now,
            account_id,
            name_of(submission),
            list_id=list_id,
            facts={"via": "page"},
            data={"words": words},
        )
        with self._store.write() as connection:
            insert_events(connection, [seal_event(event, self._keyring.seal)])
