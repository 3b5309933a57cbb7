import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.model.delivery import DeliveryEvent
from gateway.model.events import Event, EventType
from gateway.model.reply import SpoolFull, StoreAway
from gateway.observe.memory import MemoryMeter
from gateway.ports import LostMove, Settlement
from gateway.relay.settler import Settler


class FakeSpool:
    def __init__(self, *troubles: Exception | None) -> None:
        self.troubles = list(troubles)
        self.kept: list[Settlement] = []
        self.batches: list[int] = []

    async def settle(self, settlements) -> None:
        self.batches.append(len(settlements))
        await asyncio.sleep(0)
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble
        self.kept.extend(settlements)


@asynccontextmanager
async def running(settler: Settler):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(settler.run())
        yield
        await asyncio.wait_for(settler.flush(), 10)
        task.cancel()


@pytest.fixture
def settlement(mail):
    def make(number: int = 0, **what) -> Settlement:
        return Settlement(mail.delivery(number=number), DeliveryEvent.DELIVER, **what)

    return make


async def test_outcomes_go_in_batches(settlement):
    spool = FakeSpool()
    settler = Settler(spool, MemoryMeter())
    async with running(settler):
        for number in range(240):
            settler.give_now(settlement(number))
    assert spool.batches == [100, 100, 40]
    assert [one.delivery.number for one in spool.kept] == list(range(240))


async def test_senders_wait_when_too_many_wait(settlement):
    settler = Settler(FakeSpool(), MemoryMeter())
    for number in range(100):
        await settler.give(settlement(number))
    one_more = asyncio.ensure_future(settler.give(settlement(100)))  # noqa: TID251 - the test looks at it undone
    await asyncio.sleep(0)
    assert not one_more.done()
    async with running(settler):
        await one_more


@pytest.mark.parametrize("trouble", [SpoolFull("disk"), StoreAway("away")])
async def test_what_cannot_be_kept_is_offered_again(settlement, trouble):
    spool = FakeSpool(trouble, trouble)
    settler = Settler(spool, MemoryMeter())
    async with running(settler):
        settler.give_now(settlement())
    assert spool.batches == [1, 1, 1]
    assert len(spool.kept) == 1


async def test_a_lost_race_stops_nobody(settlement):
    spool, meter = FakeSpool(LostMove(["x.0", "x.2"])), MemoryMeter()
    settler = Settler(spool, meter)
    async with running(settler):
        for number in range(3):
            settler.give_now(settlement(number))
    assert spool.batches == [3], "the others are done: nothing is offered again"
    assert meter.value("outcomes_lost_total", reason="moved") == 2


async def test_a_lost_race_is_told_from_a_fault(settlement):
    fault = RuntimeError("a mistake of ours")
    # All fail together; the first has moved, the second fails with its events and not without, the third fails.
    spool, meter = FakeSpool(fault, LostMove(["x.0"]), fault, None, fault, fault), MemoryMeter()
    settler = Settler(spool, meter)
    async with running(settler):
        for number in range(3):
            settler.give_now(settlement(number, events=(Event("x", EventType.DELIVERY, 1.0, 7),)))
    assert [(one.delivery.number, one.events) for one in spool.kept] == [(1, ())]
    assert meter.value("outcomes_lost_total", reason="moved") == 1
    assert meter.value("outcomes_lost_total", reason="failed") == 1


async def test_events_that_cannot_be_sealed_are_left_out(settlement):
    spool = FakeSpool(KeyError(7), KeyError(7), None)
    settler = Settler(spool, MemoryMeter())
    async with running(settler):
        settler.give_now(settlement(events=(Event("x", EventType.DELIVERY, 1.0, 7),)))
    assert [one.events for one in spool.kept] == [()]
    helpless = FakeSpool(KeyError(7), KeyError(7), KeyError(7))
    settler = Settler(helpless, MemoryMeter())
    async with running(settler):
        settler.give_now(settlement())
    assert helpless.kept == []
