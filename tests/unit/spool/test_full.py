"""A disk that is full, or broken, or locked: named errors, and no restart when it is better."""

import resource
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from gateway.model.delivery import DeliveryEvent, DeliveryState
from gateway.model.reply import SpoolFull
from gateway.spool import shard
from gateway.spool.errors import SpoolAway
from gateway.spool.shard import connect

BODY = b"x" * 200_000


def limit_pages(pages: int) -> Any:
    def work(connection: sqlite3.Connection, _change: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    return work


async def test_a_full_disk_is_spool_full_and_recovers(kit: Any) -> None:
    spool = await kit.open()
    kept = kit.parcel(state=DeliveryState.ACTIVE)
    await spool.put(kept)
    await spool.transact(limit_pages(20))
    with pytest.raises(SpoolFull):
        await spool.put(kit.parcel(content=BODY))
    with pytest.raises(SpoolFull):
        spool.check_room()
    await spool.settle(
        [kit.outcome(kept.deliveries[0], DeliveryEvent.DELIVER)]
    )  # what makes room still works
    await spool.transact(limit_pages(1 << 30))
    kit.clock.time += 1.1
    spool.check_room()
    await spool.put(kit.parcel(content=BODY))
    assert (await spool.counts())["queued"] == 1


async def test_events_wait_for_room(kit: Any) -> None:
    spool = await kit.open()
    await spool.transact(limit_pages(20))
    spool.record([kit.event(f"E{n}" + "x" * 10_000) for n in range(50)])
    with pytest.raises(SpoolFull):
        await spool.put(kit.parcel(content=BODY))
    await spool.transact(limit_pages(1 << 30))
    await spool.put(kit.parcel())
    assert [sealed.id[:3] for _, sealed in await spool.outbox(2)] == ["E0x", "E1x"]
    assert len(await spool.outbox(100)) == 50


async def test_an_io_error_is_named_and_the_file_opened_anew(kit: Any) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # Python ignores SIGXFSZ: write() fails
    try:
        with pytest.raises(SpoolAway):
            await spool.put(kit.parcel(content=BODY))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await spool.put(kit.parcel(content=BODY))
    assert (await spool.counts())["queued"] == 2


async def test_a_lock_that_does_not_come_free(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard, "_BUSY", 0.05)
    spool = await kit.open()
    with closing(connect(spool.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SpoolAway):
            await spool.put(kit.parcel())
        other.execute("ROLLBACK")
    await spool.put(kit.parcel())
    assert (await spool.counts())["queued"] == 1


async def test_the_disk_is_asked_once_a_second(kit: Any) -> None:
    left, asked = [10], [0]

    def free() -> int:
        asked[0] += 1
        return left[0]

    spool = await kit.open(free=free, min_free=100)
    for _ in range(5):
        with pytest.raises(SpoolFull):
            spool.check_room()
    assert asked == [1]
    left[0] = 1000
    kit.clock.time += 1.0
    spool.check_room()
    kit.clock.time -= 3600.0  # a clock set back does not blind it
    left[0] = 10
    with pytest.raises(SpoolFull):
        spool.check_room()


async def test_the_limit_counts_what_was_there_at_the_start(kit: Any) -> None:
    spool = await kit.open(max_size=500)
    await spool.put(kit.parcel(content=bytes(600)))
    await spool.close()
    again = await kit.open(max_size=500)
    with pytest.raises(SpoolFull):
        again.check_room()
