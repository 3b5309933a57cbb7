"""The web process's side for programs, over a real store: a request through everything but the socket."""

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fresh_store import fresh_store

from gateway.app import telling as module
from gateway.app.telling import Telling
from gateway.model.api_key import Scope
from gateway.model.facts import AccountState, ConsentLevel, OverQuota
from gateway.observe.memory import MemoryMeter
from gateway.settings.reload import Reloadable
from gateway.settings.schema import GatewaySection, Settings
from gateway.store.api_keys import ApiKeys
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry


def write(*_: object) -> bytes:
    return b"Subject: none\r\n\r\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = fresh_store(tmp_path / "store.sqlite")
    yield store
    store.close()


async def test_from_the_store_to_the_answer(store: Store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_WRITE_DOWN", 0.0)
    keyring = StoreKeyring(store, bytes(32))
    registry = Registry(store, keyring)
    registry.add_account("acme", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, now=1.0)
    key = ApiKeys(store).add(1, "", frozenset({Scope.EVENTS_READ}), 1.0)
    settings = Settings(gateway=GatewaySection(state_dir=tmp_path))
    telling = Telling(
        store,
        keyring,
        Reloadable(SimpleNamespace(settings=settings), None),
        MemoryMeter(),
        write,
        receiver=None,
    )
    stopping = asyncio.Event()
    transport = httpx.ASGITransport(app=telling.api)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client,
        asyncio.TaskGroup() as tasks,
    ):
        behind = tasks.create_task(telling.run())
        tasks.create_task(telling.let_go(stopping))
        waiting = tasks.create_task(client.get("/api/v1/events?wait=15"))
        registry.set_state("acme", AccountState.SUSPENDED, "rates", "op", 5.0)
        (told,) = (await waiting).json()["data"]
        assert (told["type"], told["data"]["reason"]) == ("account.changed", "rates")
        while ApiKeys(store).of_account(1)[0].used_at is None:
            await asyncio.to_thread(store.revision)
        last = (await client.get("/api/v1/events")).json()["next"]
        waiting = tasks.create_task(client.get(f"/api/v1/events?wait=15&after={last}"))
        while not telling._desk.waiting._seats:  # noqa: ASYNC110 - the next turns of the loop bring it
            await asyncio.sleep(0)
        stopping.set()
        assert (await waiting).json()["data"] == []
        behind.cancel()
    await telling.close()


async def test_no_room_for_the_webhooks_lock_stops_neither_pages_nor_api(
    store: Store, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(module, "_LOCK_PAUSE", 0.0)
    tries = asyncio.Semaphore(0)

    @asynccontextmanager
    async def full(_path: Path) -> AsyncIterator[None]:
        tries.release()
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    monkeypatch.setattr(module, "sole", full)
    settings = Settings(gateway=GatewaySection(state_dir=tmp_path))
    keyring = StoreKeyring(store, bytes(32))
    telling = Telling(
        store,
        keyring,
        Reloadable(SimpleNamespace(settings=settings), None),
        MemoryMeter(),
        write,
        receiver=None,
    )
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        behind = tasks.create_task(telling.run())
        await tries.acquire()
        await tries.acquire()
        behind.cancel()
    await telling.close()
