"""Who writes a batch: the event loop what is quick, the thread what has to wait or is long."""

import asyncio
from contextlib import closing
from typing import Any

import pytest

from gateway.model.delivery import DeliveryEvent, DeliveryState
from gateway.ports import Settlement
from gateway.spool import writer
from gateway.spool.batch import Ask, Put, Settle, weight, write_batch
from gateway.spool.codec import Codec, Rows
from gateway.spool.shard import connect


class Loop:
    """Sees the batches that are written on the event loop."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.tried = asyncio.Event()

    def write(self, connection: Any, operations: Any, events: Any) -> Any:
        self.tried.set()
        done = write_batch(connection, operations, events)
        self.sizes.append(len(operations))
        return done


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    """What the loop writes; a thread that writes goes another way."""
    seen = Loop()
    monkeypatch.setattr(writer, "write_batch", seen.write)
    return seen


async def test_what_comes_together_is_one_commit_of_the_loop(kit: Any, loop: Loop) -> None:
    spool = await kit.open()
    await asyncio.gather(*(spool.put(kit.parcel()) for _ in range(7)))
    assert loop.sizes == [7]
    assert (await spool.counts())["queued"] == 7


async def test_what_comes_during_a_commit_is_the_next_one(kit: Any, loop: Loop) -> None:
    spool = await kit.open()
    async with asyncio.TaskGroup() as puts:
        puts.create_task(spool.put(kit.parcel()))
        await loop.tried.wait()
        for _ in range(3):
            puts.create_task(spool.put(kit.parcel()))
    assert loop.sizes == [1, 3]


async def test_what_comes_while_the_loop_turns_is_the_same_commit(kit: Any, loop: Loop) -> None:
    spool = await kit.open()
    async with asyncio.TaskGroup() as puts:
        for _ in range(4):
            puts.create_task(spool.put(kit.parcel()))
            await asyncio.sleep(0)  # a turn
    assert loop.sizes == [4]


async def test_outcomes_go_with_a_commit_that_somebody_waits_for(kit: Any, loop: Loop) -> None:
    spool = await kit.open()
    parcel = kit.parcel(state=DeliveryState.ACTIVE)
    await spool.put(parcel)
    loop.sizes.clear()
    async with asyncio.TaskGroup() as both:
        both.create_task(spool.settle([Settlement(parcel.deliveries[0], DeliveryEvent.DELIVER)]))
        both.create_task(spool.put(kit.parcel()))
    assert loop.sizes == [2]


async def test_outcomes_alone_need_nobody_else(kit: Any, loop: Loop) -> None:
    spool = await kit.open()
    parcels = [kit.parcel(state=DeliveryState.ACTIVE) for _ in range(2)]
    for parcel in parcels:
        await spool.put(parcel)
    loop.sizes.clear()
    for parcel in parcels:
        await spool.settle([Settlement(parcel.deliveries[0], DeliveryEvent.DELIVER)])
    assert loop.sizes == [1, 1]
    assert sum((await spool.counts()).values()) == 0


async def test_a_spool_that_closes_keeps_outcomes_that_had_time(kit: Any) -> None:
    spool = await kit.open()
    parcel = kit.parcel(state=DeliveryState.ACTIVE)
    await spool.put(parcel)
    async with asyncio.TaskGroup() as both:
        settling = both.create_task(spool.settle([Settlement(parcel.deliveries[0], DeliveryEvent.DELIVER)]))
        await asyncio.sleep(0)
        await spool.close()
    assert settling.exception() is None


async def test_an_operators_lock_holds_up_no_loop(kit: Any, loop: Loop) -> None:
    spool = await kit.open()
    with closing(connect(spool.path)) as operator:
        operator.execute("BEGIN IMMEDIATE")
        async with asyncio.TaskGroup() as puts:
            put = puts.create_task(spool.put(kit.parcel()))
            await loop.tried.wait()
            assert not put.done()
            operator.execute("COMMIT")
    assert loop.sizes == []
    await spool.put(kit.parcel())
    assert loop.sizes == [1]


async def test_a_batch_that_fails_on_the_loop_fails_its_culprit_only(kit: Any, loop: Loop) -> None:
    spool = await kit.open()
    twice = kit.parcel()
    await spool.put(twice)
    loop.sizes.clear()
    outcomes = await asyncio.gather(spool.put(kit.parcel()), spool.put(twice), return_exceptions=True)
    assert outcomes[0] is None
    assert isinstance(outcomes[1], Exception)
    assert loop.sizes == []


def test_weights(kit: Any) -> None:
    codec = Codec(kit.keyring)
    small = weight(Put(codec.parcel_rows(kit.parcel())))
    large = weight(Put(codec.parcel_rows(kit.parcel(content=b"x" * (4 << 20)))))
    assert 0 < small < 10
    assert large > 1000
    assert weight(Settle(Rows(), [])) == 0
    assert weight(Settle(None, [])) == weight(Ask(lambda *_: None)) == float("inf")
