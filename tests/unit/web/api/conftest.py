"""The API over what rests in memory, two accounts with a key each, and a client that speaks ASGI."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import structlog

from gateway.model.api_key import Grant, Scope
from gateway.model.events import Event, EventType
from gateway.model.identity import new_id
from gateway.model.notice import Names
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import ApiSection, WebSection
from gateway.store.memory import MemoryApiKeys, MemoryFeed, MemoryTide
from gateway.store.quota_memory import MemoryQuota
from gateway.web.api.app import build_api
from gateway.web.api.doorman import Doorman
from gateway.web.api.events import EventDesk

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
    web: WebSection = field(default_factory=WebSection)

    def tell(
        self, number: int, account: int = ACME, kind: EventType = EventType.DELIVERY, **facts: Any
    ) -> None:
        event_id = new_id(number, number.to_bytes(10, "big"))
        data = {"recipient": f"r{number}@example.net"}
        event = Event(event_id, kind, float(number), account, "S", 0, facts=facts, data=data)
        self.feed.tell(event, Names("news.example.org", "ann@example.net"))


@pytest.fixture
def world() -> World:
    world = World()
    for account, key in KEYS.items():
        world.keys.put(key, Grant(key, account, frozenset({Scope.EVENTS_READ})))
    world.keys.put("ck_other", Grant("ck_other", ACME, frozenset()))
    return world


@pytest.fixture
def desk(world: World) -> EventDesk:
    doorman = Doorman(
        world.keys, MemoryQuota(), world.clock, world.meter, lambda: world.api, lambda: world.web
    )
    return EventDesk(doorman, world.feed, world.tide)


@pytest.fixture
def app(world: World, desk: EventDesk):
    return build_api(desk, world.meter, lambda: world.web)


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


@pytest.fixture
async def api(app) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://mail.example") as client:
        yield Api(client)
