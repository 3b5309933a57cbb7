"""Events leave the outbox only when the store has them."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.app import shipping
from gateway.app.shipping import ship, ship_forever
from gateway.model.events import EventType, SealedEvent
from gateway.model.reply import StoreAway
from gateway.observe.memory import MemoryMeter


def event(number: int) -> SealedEvent:
    return SealedEvent(f"E{number}", EventType.DELIVERY, 0.0, 1, "", None, None, "{}", b"")


class Outbox:
    def __init__(self, count: int) -> None:
        self.waiting = {number: event(number) for number in range(count)}
        self.empty = asyncio.Event()

    async def outbox(self, limit: int) -> Sequence[tuple[int, SealedEvent]]:
        return list(self.waiting.items())[:limit]

    async def forget(self, places: Sequence[int]) -> None:
        for place in places:
            del self.waiting[place]
        if not self.waiting:
            self.empty.set()


class Store:
    def __init__(self, failures: int = 0, failure: type[Exception] = StoreAway) -> None:
        self.kept: list[str] = []
        self.failures = failures
        self.failure = failure

    async def append(self, events: Sequence[SealedEvent]) -> None:
        if self.failures:
            self.failures -= 1
            raise self.failure("gone")
        self.kept += [one.id for one in events]


async def test_a_batch_is_kept_then_forgotten() -> None:
    outbox, store, meter = Outbox(700), Store(), MemoryMeter()
    assert await ship(outbox, store, meter) == 500
    assert await ship(outbox, store, meter) == 200
    assert await ship(outbox, store, meter) == 0
    assert len(set(store.kept)) == 700
    assert meter.value("events_shipped_total") == 700


async def test_nothing_is_forgotten_that_the_store_has_not() -> None:
    outbox, store = Outbox(3), Store(failures=1)
    with pytest.raises(StoreAway):
        await ship(outbox, store, MemoryMeter())
    assert len(outbox.waiting) == 3


@pytest.mark.parametrize("failure", [StoreAway, RuntimeError])
async def test_a_store_that_comes_back_gets_what_waited(
    monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    monkeypatch.setattr(shipping, "_PAUSE_AWAY", 0.0)
    outbox, store = Outbox(3), Store(2, failure)
    async with asyncio.TaskGroup() as tasks:
        shipping_on = tasks.create_task(ship_forever(outbox, store, MemoryMeter()))
        async with asyncio.timeout(30):
            await outbox.empty.wait()
        shipping_on.cancel()
    assert store.kept == ["E0", "E1", "E2"]
