"""A store in a folder of its own, with quick passwords."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fresh_store import make_store

from gateway.model.facts import Account, ConsentLevel, MailList, OverQuota
from gateway.model.reply import StoreAway
from gateway.store.database import Store, open_store
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry
from gateway.store.revision import Revision
from gateway.store.subscriptions import Subscriptions

MASTER = bytes(range(32))
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.sqlite"


@pytest.fixture
def open_another(path: Path) -> Iterator[Callable[..., Store]]:
    """Opens the same store once more, as another process would."""
    opened: list[Store] = []

    def another(timeout: float = 5.0) -> Store:
        opened.append(open_store(path, timeout))
        return opened[-1]

    yield another
    for store in opened:
        store.close()


@pytest.fixture
def store(path: Path, open_another: Callable[..., Store]) -> Store:
    make_store(path)
    return open_another()


@pytest.fixture
def keyring(store: Store) -> StoreKeyring:
    return StoreKeyring(store, MASTER)


@pytest.fixture
def registry(store: Store, keyring: StoreKeyring) -> Registry:
    return Registry(store, keyring, QUICK)


@pytest.fixture
def subscriptions(store: Store, keyring: StoreKeyring) -> Subscriptions:
    return Subscriptions(store, keyring)


@pytest.fixture
def acme(registry: Registry) -> Account:
    return registry.add_account("acme", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, now=100.0)


@pytest.fixture
def news(registry: Registry, acme: Account) -> MailList:
    return registry.add_list("acme", "news.example.org", "News", default=True)


class ToldRevision(Revision):
    """Says what its watch came upon, so that a test can wait for it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.changed = asyncio.Event()  # from what it was when it was first asked
        self.away = asyncio.Event()
        self._first: int | None = None

    async def look(self) -> int:
        try:
            value = await super().look()
        except StoreAway:
            self.away.set()
            raise
        if self._first not in {None, value}:
            self.changed.set()
        self._first = self._first or value
        return value


@pytest.fixture
def told(store: Store) -> ToldRevision:
    return ToldRevision(store)
