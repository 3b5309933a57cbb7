"""The API's ledgers and books over the store."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from gateway.app.joining import terms_of
from gateway.imports.known import load_known
from gateway.model.addition import AdditionRules
from gateway.model.signup import Fate
from gateway.ports import Meter
from gateway.settings.schema import SignupSection
from gateway.store.additions import AdditionWatch, last_names
from gateway.store.database import Store
from gateway.store.idempotency import Erased as StoreErased
from gateway.store.idempotency import Idempotency, Once
from gateway.store.idempotency import Reused as StoreReused
from gateway.store.keys import StoreKeyring
from gateway.store.newsletters import StoreNewsletters
from gateway.store.own_imports import StoreImports
from gateway.store.own_lists import StoreLists
from gateway.store.own_subscriptions import Asking, StoreSubscriptions
from gateway.store.schema import PROVIDER_ID
from gateway.store.signups import Write
from gateway.web.api.once import Answer, Asked, Erased, Reused, Told, Work


@dataclass(frozen=True, slots=True)
class StoreBooks:
    """web.api.holdings.Books."""

    lists: StoreLists
    subscriptions: StoreSubscriptions
    imports: StoreImports
    newsletters: StoreNewsletters


_known = cache(load_known)  # 50,000 names: read by the first addition, and once


class StoreLedgers:
    """web.api.once.Ledgers: each piece of work with books over the store, or over its one transaction."""

    def __init__(  # noqa: PLR0917 - what an account's books stand on
        self,
        store: Store,
        keyring: StoreKeyring,
        write: Write,
        signup: Callable[[], SignupSection],
        meter: Meter,
        additions: Callable[[], AdditionRules],
    ) -> None:
        self._keyring = keyring
        self._idempotency = Idempotency(store, keyring)
        self._asking = Asking(write, lambda: terms_of(signup()), partial(_count, meter))
        self._additions = additions
        self._meter = meter
        self._names = last_names()
        self._books = self._over(store)

    def do(self, work: Work) -> Answer:
        """Do it."""
        return work(self._books)

    def do_once(self, asked: Asked, work: Work, now: float) -> Told | Reused | Erased:
        """Do it unless it was done, and keep the answer in the same transaction."""
        self._keyring.of(PROVIDER_ID)  # its first use makes it, which would wait for our own transaction
        kept = self._idempotency.do(
            Once(asked.account_id, self._hash(asked, asked.key.encode()), self._hash(asked, asked.content)),
            lambda store: work(self._over(store)).to_octets(),
            now,
        )
        if isinstance(kept, StoreReused):
            return Reused()
        if isinstance(kept, StoreErased):
            return Erased()
        return Told(Answer.of_octets(kept.answer), kept.again)

    def _over(self, store: Store) -> StoreBooks:
        watch = AdditionWatch(store, self._keyring, self._additions, self._meter, self._names, _known)
        return StoreBooks(
            StoreLists(store),
            StoreSubscriptions(store, self._keyring, self._asking, watch),
            StoreImports(store, self._keyring),
            StoreNewsletters(store),
        )

    def _hash(self, asked: Asked, content: bytes) -> bytes:
        """Return the account's own hash: a body holds an address, and a bare hash of it could be guessed."""
        digest = hashlib.sha256(content).digest()
        return self._keyring.of(asked.account_id).veil(digest, b"request")


def _count(meter: Meter, fate: Fate) -> None:
    meter.count("signup_wishes_total", fate=fate.value)
