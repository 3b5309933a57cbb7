"""Workers that die at any moment: what was answered is there, once; and another worker takes it over."""

import asyncio
import random
import shutil
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.model.delivery import DeliveryEvent, DeliveryState
from gateway.spool import adopt, statements
from gateway.spool.adopt import adopt_orphans
from gateway.spool.errors import ShardTaken
from gateway.spool.shard import connect, lock_shard, shard_path, shards

SCRIPT = Path(__file__).parent / "worker_process.py"


class Worker:
    """The process and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.kept: list[str] = []
        self.sending: set[str] = set()  # the answer to their outcome may have been lost
        self.sent: set[str] = set()

    @classmethod
    async def start(cls, folder: Path, own: int) -> "Worker":
        command = (sys.executable, str(SCRIPT), str(folder), str(own))
        return cls(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE))

    async def work(self, lines: int) -> None:
        for _ in range(lines):
            self.hear(await self.line())

    async def line(self) -> bytes:
        assert self.process.stdout is not None
        return await asyncio.wait_for(self.process.stdout.readline(), 30)

    def hear(self, line: bytes) -> None:
        if not line.endswith(b"\n"):
            return
        word, name = line.decode().split()
        if word == "put":
            self.kept.append(name)
        else:
            {"sending": self.sending, "sent": self.sent}[word].add(name)

    async def kill(self) -> None:
        self.process.kill()
        while line := await self.line():
            self.hear(line)
        await self.process.wait()

    def check(self, found: list[str]) -> None:
        assert max(Counter(found).values(), default=1) == 1, "twice"
        assert set(self.kept) - self.sending <= set(found), "lost"
        assert not self.sent & set(found), "sent, and here again"


async def everything(spool: Any) -> list[str]:
    return [one.submission.id for one in await spool.claim_due(1, spool._clock.now(), 1_000_000)]


async def test_what_was_answered_survives_sigkill(kit: Any) -> None:
    chance = random.Random(8)
    for round_ in range(3):
        worker = await Worker.start(kit.folder, round_)
        await worker.work(chance.randrange(20, 200))
        await worker.kill()
        spool = await kit.open(round_)
        found = await everything(spool)
        worker.check(found)
        for name in found:
            assert await spool.content(name)
        await spool.close()


async def test_a_dead_workers_shard_is_adopted_and_a_living_ones_is_not(kit: Any) -> None:
    spool = await kit.open(0)
    seen = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(spool.watch(seen.set))
        worker = await Worker.start(kit.folder, 1)
        await worker.work(100)
        assert await adopt_orphans(spool, kit.clock.now()) == 0
        await worker.kill()
        seen.clear()
        assert await adopt_orphans(spool, kit.clock.now()) > 0
        await asyncio.wait_for(seen.wait(), 5)
        watching.cancel()
    assert [number for number, _ in shards(kit.folder)] == [0]
    counts = await spool.counts()
    found = await everything(spool)
    worker.check(found)
    assert counts == {"queued": len(found), "active": 0, "held": 0}
    assert await adopt_orphans(spool, kit.clock.now()) == 0
    assert rows(spool.path, statements.ADOPTED_IDS) == []


async def orphan(kit: Any, own: int, count: int) -> list[str]:
    """Leave a shard behind, with events, as a worker that ended."""
    left = await kit.open(own)
    names = []
    for number in range(count):
        parcel = kit.parcel(recipients=2, state=DeliveryState.ACTIVE, events=[kit.event(f"{own}-{number}")])
        await left.put(parcel)
        names += [parcel.submission.id] * 2
    await left.close()
    return sorted(names)


async def test_contents_and_events_come_along_in_several_moves(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopt, "_SUBMISSIONS", 2)
    names = await orphan(kit, 3, 5)
    spool = await kit.open(0)
    kit.clock.time += 100
    assert await adopt_orphans(spool, kit.clock.now()) == 5
    claimed = await spool.claim_due(1, kit.clock.now(), 100)
    assert sorted(one.submission.id for one in claimed) == names
    assert {one.due_at for one in claimed} == {kit.clock.now()}  # UNCLAIM: due now
    assert await spool.content(names[0]) == kit.parcel().content
    assert [sealed.id for _, sealed in await spool.outbox(99)] == [f"3-{n}" for n in range(5)]


def crash_at(monkeypatch: pytest.MonkeyPatch, step: str, call: int) -> None:
    """Let the adopter die before the given step of the given batch, and stay dead."""
    calls, real = [0], getattr(adopt, step)

    def dying(*terms: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] >= call:
            raise SystemError("killed")
        return real(*terms, **named)

    monkeypatch.setattr(adopt, step, dying)


async def crashed_adoption(kit: Any, monkeypatch: pytest.MonkeyPatch, step: str, call: int) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(adopt, "_SUBMISSIONS", 2)
        crash_at(patch, step, call)
        adopter = await kit.open(0)
        with pytest.raises(SystemError):
            await adopt_orphans(adopter, kit.clock.now())
    return adopter


STEPS = [
    ("_next_batch", 1),
    ("_next_batch", 2),
    ("_take_in", 2),
    ("_delete_batch", 1),
    ("_delete_batch", 2),
    ("_remove", 1),
]


@pytest.mark.parametrize(("step", "call"), STEPS)
async def test_a_crash_within_adoption_and_the_worker_comes_back(
    kit: Any, monkeypatch: pytest.MonkeyPatch, step: str, call: int
) -> None:
    names = await orphan(kit, 3, 5)
    adopter = await crashed_adoption(kit, monkeypatch, step, call)
    restarted = await kit.open(3)
    assert sorted(await everything(adopter) + await everything(restarted)) == names


@pytest.mark.parametrize(("step", "call"), STEPS)
async def test_a_crash_within_adoption_and_a_third_worker_adopts_both(
    kit: Any, monkeypatch: pytest.MonkeyPatch, step: str, call: int
) -> None:
    names = await orphan(kit, 3, 5)
    adopter = await crashed_adoption(kit, monkeypatch, step, call)
    await adopter.close()
    third = await kit.open(1)
    await adopt_orphans(third, kit.clock.now())
    assert sorted(await everything(third)) == names
    assert [number for number, _ in shards(kit.folder)] == [1]
    assert rows(third.path, statements.ADOPTED_IDS) == []


async def test_adopted_mail_that_was_sent_meanwhile_does_not_come_back(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await orphan(kit, 3, 1)
    adopter = await crashed_adoption(kit, monkeypatch, "_delete_batch", 1)
    claimed = await adopter.claim_due(1, kit.clock.now(), 9)
    await adopter.settle([kit.outcome(one, DeliveryEvent.DELIVER) for one in claimed])
    assert await adopt_orphans(adopter, kit.clock.now()) == 0
    assert await everything(adopter) == []


async def test_a_shard_that_died_before_it_had_tables_is_removed(kit: Any) -> None:
    spool = await kit.open(0)
    shard_path(kit.folder, 5).touch()
    assert await adopt_orphans(spool, 0.0) == 0
    assert [number for number, _ in shards(kit.folder)] == [0]


async def test_a_broken_shard_stays_and_stops_nobody(kit: Any) -> None:
    names = await orphan(kit, 7, 1)
    spool = await kit.open(0)
    shard_path(kit.folder, 5).write_bytes(b"this is no database" * 1000)
    assert await adopt_orphans(spool, 0.0) == 1
    assert [number for number, _ in shards(kit.folder)] == [0, 5]
    assert sorted(await everything(spool)) == names


async def test_a_shard_that_stays_taken_is_replaced_by_a_fresh_one(kit: Any) -> None:
    lock = lock_shard(kit.folder_made(), 2)
    spool = await kit.open(2, patience=0.0)
    assert spool.path == shard_path(kit.folder, 1000)
    other = await kit.open(2, patience=0.0)
    assert other.path == shard_path(kit.folder, 1001)
    lock.release()


async def test_a_restarted_worker_waits_a_little_for_its_shard(kit: Any) -> None:
    lock = lock_shard(kit.folder_made(), 2)
    asyncio.get_running_loop().call_later(0.1, lock.release)
    spool = await kit.open(2)
    assert spool.path == shard_path(kit.folder, 2)
    with pytest.raises(ShardTaken):
        lock_shard(kit.folder, 2)


async def test_logs_of_a_removed_shard_are_not_taken_for_a_new_ones(kit: Any) -> None:
    await orphan(kit, 2, 1)
    reader = connect(shard_path(kit.folder, 2))
    rows(shard_path(kit.folder, 2), statements.OCTETS)
    reader.execute("DELETE FROM submission")
    stale = kit.folder / "kept-wal"
    shutil.copy(kit.folder / "shard-2.sqlite-wal", stale)
    reader.close()
    shard_path(kit.folder, 2).unlink()
    stale.rename(kit.folder / "shard-2.sqlite-wal")
    spool = await kit.open(2)
    await spool.put(kit.parcel())
    assert (await spool.counts())["queued"] == 1


async def test_an_adopter_that_is_closing_leaves_the_orphan_as_it_was(kit: Any) -> None:
    names = await orphan(kit, 3, 2)
    spool = await kit.open(0)
    await spool.close()
    assert await adopt_orphans(spool, 0.0) == 0
    assert sorted(await everything(await kit.open(3))) == names


def rows(path: Path, statement: str) -> list[Any]:
    with closing(connect(path)) as connection:
        return connection.execute(statement).fetchall()


async def test_an_orphan_that_finds_no_room_stays_whole_until_there_is_some(kit: Any) -> None:
    left = await kit.open(3)
    parcel = kit.parcel(content=bytes(200_000))
    await left.put(parcel)
    await left.close()
    spool = await kit.open(0)

    def limit(pages: int) -> Any:
        return lambda connection, _: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    await spool.transact(limit(1))
    assert await adopt_orphans(spool, 0.0) == 0
    assert [number for number, _ in shards(kit.folder)] == [0, 3]
    await spool.transact(limit(1 << 30))
    assert await adopt_orphans(spool, 0.0) == 1
    assert await spool.content(parcel.submission.id) == parcel.content
