"""The API: events from memory, all else over a store; two accounts with a key each; a client of ASGI."""

import shutil
from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import structlog
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.app.api_books import StoreLedgers
from gateway.app.api_imports import Receiving
from gateway.app.importing import ImportDesk
from gateway.model.addition import AdditionRules
from gateway.model.api_key import Grant, Scope
from gateway.model.events import Event, EventType
from gateway.model.facts import ConsentLevel, OverQuota
from gateway.model.identity import new_id
from gateway.model.letter import LetterKind
from gateway.model.notice import Names
from gateway.model.signup import Pending
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import ApiSection, Settings, SignupSection, WebSection
from gateway.store.cursors import StoreCursors
from gateway.store.database import Store, open_store
from gateway.store.keys import StoreKeyring
from gateway.store.memory import MemoryApiKeys, MemoryFeed, MemoryTide
from gateway.store.own_imports import StoreImports
from gateway.store.quota_memory import MemoryQuota
from gateway.store.registry import Registry
from gateway.web.api.app import build_api
from gateway.web.api.desks import Desks, desks_of
from gateway.web.api.doorman import Doorman
from gateway.web.api.events import EventDesk
from gateway.web.api.once import Counter

ACME, CAFE = 7, 8
KEYS = {ACME: "ck_acme", CAFE: "ck_cafe"}


@dataclass
class StillClock:
    time: float = 1_800_000_000.0

    def now(self) -> float:
        return self.time


@dataclass
class World:
    """What the API stands on. ``tell`` lets something happen."""

    keys: MemoryApiKeys = field(default_factory=MemoryApiKeys)
    feed: MemoryFeed = field(default_factory=MemoryFeed)
    tide: MemoryTide = field(default_factory=MemoryTide)
    clock: StillClock = field(default_factory=StillClock)
    meter: MemoryMeter = field(default_factory=MemoryMeter)
    api: ApiSection = field(default_factory=lambda: ApiSection(rate="1000/s", burst=1000))
    additions: AdditionRules = field(default_factory=AdditionRules)
    web: WebSection = field(default_factory=WebSection)
    policy: dict[str, Any] = field(default_factory=lambda: {"imports": {"look_up": False}})
    handed_over: list[str] = field(default_factory=list)

    def tell(
        self, number: int, account: int = ACME, kind: EventType = EventType.DELIVERY, **facts: Any
    ) -> None:
        event_id = new_id(number, number.to_bytes(10, "big"))
        data = {"recipient": f"r{number}@example.net"}
        event = Event(event_id, kind, float(number), account, "S", 0, facts=facts, data=data)
        self.feed.tell(event, Names("news.example.org", "ann@example.net"))


@dataclass
class House:
    """What rests."""

    store: Store
    keyring: StoreKeyring
    registry: Registry


def write(kind: LetterKind, pending: Pending, now: float) -> bytes:
    return f"Subject: {kind}\r\n\r\n{pending.source}".encode()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the two accounts, made once."""
    path = tmp_path_factory.mktemp("api") / "store.sqlite"
    store = fresh_store(path)
    registry = house_of(store).registry
    for number in range(1, CAFE + 1):
        name = {ACME: "acme", CAFE: "cafe"}.get(number, f"other{number}")
        registry.add_account(name, "pw-pw-pw-pw", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, 1.0)
    for name in ("acme", "cafe"):
        registry.add_domain(name, f"{name}.example", verified=True, now=1.0)
        registry.add_list(name, f"news.{name}.example", "News", default=True)
    store.close()
    return path


def house_of(store: Store) -> House:
    keyring = StoreKeyring(store, b"m" * 32)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return House(store, keyring, Registry(store, keyring, hasher))


@pytest.fixture
def house(built: Path, tmp_path: Path) -> Iterator[House]:
    shutil.copy(built, tmp_path / "store.sqlite")
    store = open_store(tmp_path / "store.sqlite")
    yield house_of(store)
    store.close()


@pytest.fixture
def world() -> World:
    world = World()
    for account, key in KEYS.items():
        world.keys.put(key, Grant(key, account, frozenset(Scope)))
    world.keys.put("ck_other", Grant("ck_other", ACME, frozenset()))
    return world


@pytest.fixture
def doorman(world: World) -> Doorman:
    return Doorman(world.keys, MemoryQuota(), world.clock, world.meter, lambda: world.api, lambda: world.web)


@pytest.fixture
def desk(world: World, doorman: Doorman) -> EventDesk:
    return EventDesk(doorman, world.feed, world.tide)


@pytest.fixture
def counter(world: World, house: House) -> Counter:
    ledgers = StoreLedgers(
        house.store, house.keyring, write, SignupSection, world.meter, lambda: world.additions
    )
    return Counter(ledgers, world.clock, world.meter)


@pytest.fixture
def importing(world: World, house: House) -> ImportDesk:
    configuration = SimpleNamespace(settings=Settings(), loaded=SimpleNamespace(policy=world.policy))
    return ImportDesk(house.store, house.keyring, lambda: configuration, world.clock)


@pytest.fixture
def receiver(world: World, house: House, importing: ImportDesk) -> Receiving:
    return Receiving(importing, StoreImports(house.store, house.keyring), world.handed_over.append)


@pytest.fixture
def desks(doorman: Doorman, desk: EventDesk, counter: Counter, house: House, receiver: Receiving) -> Desks:
    return desks_of(doorman, desk, counter, StoreCursors(house.keyring), receiver)


@pytest.fixture
def app(world: World, desks: Desks):
    return build_api(desks, world.meter, lambda: world.web, lambda: world.api.file_size)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@dataclass
class Api:
    client: httpx.AsyncClient

    async def get(
        self, path: str = "/events", key: str | None = KEYS[ACME], **parameters: Any
    ) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return await self.client.get(f"/api/v1{path}", params=parameters, headers=headers)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        key: str = KEYS[ACME],
        **headers: str,
    ) -> httpx.Response:
        """Send a body, as it is where it is bytes; headers by their names with underscores."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.client.request(
            method,
            f"/api/v1{path}",
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            **({} if body is None else content),
        )


@pytest.fixture
async def api(app) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://mail.example") as client:
        yield Api(client)
