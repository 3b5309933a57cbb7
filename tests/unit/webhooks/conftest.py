"""Couriers over what rests in memory, with a sender that plays a script and a clock that sleeping moves."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field

import pytest
import structlog

from gateway.model.events import Event, EventType
from gateway.model.identity import new_id
from gateway.model.notice import Notice
from gateway.model.webhook import Webhook, WebhookState
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import WebhooksSection
from gateway.store.memory import MemoryFeed, MemoryTide, MemoryWebhooks
from gateway.webhooks.courier import Trade
from gateway.webhooks.post import Outcome, Taken

ACME, CAFE = 1, 2
SECRET = bytes(range(32))


def webhook(number: int = 1, account: int = ACME, url: str = "https://hooks.example/x", **values) -> Webhook:
    fields = {
        "types": frozenset(),
        "state": WebhookState.ACTIVE,
        "place": 0,
        "failures": 0,
        "failing_since": None,
        "due_at": 0.0,
        "failure": "",
        "told_at": None,
        "created_at": 1.0,
    }
    return Webhook(f"wh_{number}", account, url, SECRET, **(fields | values))


def delivery(number: int, account: int = ACME) -> Event:
    event_id = new_id(number, number.to_bytes(10, "big"))
    return Event(event_id, EventType.DELIVERY, float(number), account, f"S{number}", 0)


@dataclass
class MovedClock:
    time: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class Middle:
    def fraction(self) -> float:
        return 0.0

    def octets(self, count: int) -> bytes:
        return bytes(count)


@dataclass
class Script:
    """A sender: ``answer`` says what comes of each attempt; ``sent`` is what was tried."""

    answer: Callable[[Webhook, Notice], Outcome] = lambda _hook, _notice: Taken(200)
    sent: list[tuple[str, str]] = field(default_factory=list)  # (webhook, message)
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    async def attempt(self, webhook: Webhook, notice: Notice, now: float) -> Outcome:
        self.sent.append((webhook.id, str(notice.data.get("message", notice.type))))
        self.grown.set()
        await asyncio.sleep(0)
        return self.answer(webhook, notice)

    async def wait_for(self, count: int) -> None:
        while len(self.sent) < count:
            self.grown.clear()
            await self.grown.wait()

    def messages(self, which: str = "wh_1") -> list[str]:
        return [message for hook, message in self.sent if hook == which]


@dataclass
class Stage:
    feed: MemoryFeed = field(default_factory=MemoryFeed)
    book: MemoryWebhooks = field(default_factory=MemoryWebhooks)
    tide: MemoryTide = field(default_factory=MemoryTide)
    sender: Script = field(default_factory=Script)
    clock: MovedClock = field(default_factory=MovedClock)
    meter: MemoryMeter = field(default_factory=MemoryMeter)
    settings: WebhooksSection = field(default_factory=WebhooksSection)

    @property
    def trade(self) -> Trade:
        return Trade(
            self.feed,
            self.book,
            self.tide,
            self.sender,
            self.clock,
            Middle(),
            self.meter,
            lambda: self.settings,
            asyncio.Semaphore(10),
            self.clock.sleep,
        )

    def tell(self, *numbers: int, account: int = ACME) -> None:
        for number in numbers:
            self.feed.tell(delivery(number, account))


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def make_webhook():
    return webhook
