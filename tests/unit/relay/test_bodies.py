import asyncio

import pytest

from gateway.model.reply import StoreAway
from gateway.relay.bodies import Bodies


class SlowSpool:
    def __init__(self) -> None:
        self.reads: list[str] = []
        self.go = asyncio.Event()
        self.trouble: Exception | None = None

    async def content(self, submission_id: str) -> bytes:
        self.reads.append(submission_id)
        await self.go.wait()
        if self.trouble:
            raise self.trouble
        return submission_id.encode() * 10


async def test_one_read_for_all_who_want_it_at_once():
    spool = SlowSpool()
    bodies = Bodies(spool, 100)
    async with asyncio.TaskGroup() as group:
        gets = [group.create_task(bodies.get("a")) for _ in range(5)]
        await asyncio.sleep(0)
        spool.go.set()
    assert {get.result() for get in gets} == {b"a" * 10}
    await bodies.get("a")
    assert spool.reads == ["a"]


async def test_what_was_used_longest_ago_goes_first():
    spool = SlowSpool()
    spool.go.set()
    bodies = Bodies(spool, 20)
    for name in ("a", "b", "a", "c", "a", "b"):
        await bodies.get(name)
    assert spool.reads == ["a", "b", "c", "b"]
    await Bodies(spool, 5).get("a")


async def test_a_read_that_fails_fails_for_all_and_is_not_remembered():
    spool = SlowSpool()
    bodies = Bodies(spool, 100)
    spool.trouble = StoreAway("away")
    gets = asyncio.gather(bodies.get("a"), bodies.get("a"), return_exceptions=True)
    await asyncio.sleep(0)
    spool.go.set()
    assert all(isinstance(one, StoreAway) for one in await gets)
    spool.trouble = None
    assert await bodies.get("a") == b"a" * 10


async def test_a_reader_that_is_cancelled_leaves_the_others_a_transient_error():
    spool = SlowSpool()
    bodies = Bodies(spool, 100)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(bodies.get("a"))
        await asyncio.sleep(0)
        second = group.create_task(_failure(bodies.get("a")))
        await asyncio.sleep(0)
        first.cancel()
    assert isinstance(second.result(), StoreAway)


async def _failure(reading) -> BaseException:
    with pytest.raises(StoreAway) as caught:
        await reading
    return caught.value
