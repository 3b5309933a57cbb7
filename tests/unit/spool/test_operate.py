"""The operators' desk, on the files of a spool that is at work."""

import asyncio
import sqlite3
from typing import Any

import pytest

from gateway.model.delivery import DeliveryEvent, DeliveryState
from gateway.model.events import EventType, open_event
from gateway.ports import LostMove
from gateway.spool.adopt import adopt_orphans
from gateway.spool.errors import SpoolAway
from gateway.spool.operate import OPERATOR_HOLD, Answer, QueueDesk
from gateway.spool.shard import connect

S, E = DeliveryState, DeliveryEvent


@pytest.fixture
def desk(kit: Any) -> QueueDesk:
    return QueueDesk(kit.folder, keyring=kit.keyring, clock=kit.clock, entropy=kit.entropy)


async def test_a_listing_shows_all_shards_and_opens_addresses(kit: Any, desk: QueueDesk) -> None:
    first, second = await kit.open(0), await kit.open(1)
    await first.put(kit.parcel(recipients=2, due=5.0, name="A" * 26))
    await second.put(kit.parcel(account=2, state=S.HELD, name="B" * 26))
    assert [(one.account_id, one.state, one.shard, one.recipient, one.age) for one in desk.listing()] == [
        (1, S.QUEUED, 0, "r0@example.net", 1000.0),
        (1, S.QUEUED, 0, "r1@example.net", 1000.0),
        (2, S.HELD, 1, "r0@example.net", 1000.0),
    ]
    assert [one.account_id for one in desk.listing(account_id=2)] == [2]
    assert {one.state for one in desk.listing(state=S.QUEUED)} == {S.QUEUED}
    assert len(desk.listing(limit=1)) == 1
    assert desk.listing(account_id=3) == []


async def test_show_one_or_all_of_a_submission(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel(recipients=2)
    await spool.put(parcel)
    assert [one.id for one in desk.show(parcel.submission.id)] == [one.id for one in parcel.deliveries]
    (one,) = desk.show(parcel.submission.id, 1)
    assert (one.recipient, one.size, one.delivery) == (
        "r1@example.net",
        len(parcel.content),
        parcel.deliveries[1],
    )
    assert desk.show("01" + "0" * 24) == []


async def test_a_retry_is_seen_by_the_worker_within_a_second(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel(due=9_000_000.0)
    await spool.put(parcel)
    seen = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(spool.watch(seen.set))
        (wish,) = desk.retry(parcel.submission.id)
        assert wish.answer is Answer.DONE
        await asyncio.wait_for(seen.wait(), 30)
        watching.cancel()
    assert list(await spool.accounts_due(kit.clock.now())) == [1]


async def test_hold_then_release_and_the_worker_counts_along(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel(recipients=2)
    await spool.put(parcel)
    seen = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(spool.watch(seen.set))
        assert [one.answer for one in desk.hold(parcel.submission.id, 0)] == [Answer.DONE]
        await until(seen, spool, held=1)
        assert list(await spool.held_accounts(OPERATOR_HOLD)) == [1]
        assert [one.answer for one in desk.hold(parcel.submission.id)] == [Answer.NOT_SO, Answer.DONE]
        assert [one.answer for one in desk.release(parcel.submission.id)] == [Answer.DONE, Answer.DONE]
        assert [one.answer for one in desk.release(parcel.submission.id)] == [Answer.NOT_SO, Answer.NOT_SO]
        await until(seen, spool, held=0)
        watching.cancel()
    assert len(await spool.claim_due(1, kit.clock.now(), 9)) == 2


async def until(seen: asyncio.Event, spool: Any, held: int) -> None:
    async with asyncio.timeout(30):
        while (await spool.counts())["held"] != held:
            seen.clear()
            await seen.wait()


async def test_drop_leaves_an_event_and_no_body(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel(recipients=2)
    await spool.put(parcel)
    assert await spool.content(parcel.submission.id)
    seen = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(spool.watch(seen.set))
        assert [one.answer for one in desk.drop(parcel.submission.id)] == [Answer.DONE, Answer.DONE]
        async with asyncio.timeout(30):
            while (await spool.counts())["queued"]:
                seen.clear()
                await seen.wait()
        watching.cancel()
    first, second = [open_event(sealed, kit.keyring.open) for _, sealed in await spool.outbox(9)]
    assert (first.type, first.delivery_number, first.data) == (
        EventType.ADMIN_BOUNCE,
        0,
        {"recipient": "r0@example.net"},
    )
    assert (second.delivery_number, second.submission_id) == (1, parcel.submission.id)
    with pytest.raises(KeyError):
        await spool.content(parcel.submission.id)
    assert [one.answer for one in desk.drop(parcel.submission.id)] == [Answer.NOT_FOUND]


async def test_what_is_being_sent_is_not_touched(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel(state=S.ACTIVE)
    await spool.put(parcel)
    for wish in (desk.retry, desk.hold, desk.release):
        (one,) = wish(parcel.submission.id)
        assert (one.answer, one.account_id) == (Answer.BEING_SENT, 1)
    await spool.settle([kit.outcome(parcel.deliveries[0], E.DELIVER)])


@pytest.mark.parametrize("event", [E.DEFER, E.UNCLAIM, E.HOLD, E.DELIVER, E.FAIL, E.EXPIRE])
async def test_what_is_dropped_while_it_is_sent_ends_with_this_try(
    kit: Any, desk: QueueDesk, event: E
) -> None:
    spool = await kit.open()
    parcel = kit.parcel(recipients=2, state=S.ACTIVE)
    await spool.put(parcel)
    doomed, other = parcel.deliveries
    assert [one.answer for one in desk.drop(parcel.submission.id, 0)] == [Answer.DOOMED]
    assert [one.answer for one in desk.drop(parcel.submission.id, 0)] == [Answer.DOOMED]
    for wish in (desk.retry, desk.hold, desk.release):
        assert [one.answer for one in wish(parcel.submission.id, 0)] == [Answer.BEING_SENT]
    assert [one.state for one in desk.listing()] == [S.DOOMED, S.ACTIVE]
    await spool.settle([kit.outcome(doomed, event), kit.outcome(other, E.DEFER)])
    assert [one.id for one in desk.listing()] == [other.id], "the other one of the batch has its own outcome"
    counts = await spool.counts()
    assert (counts["active"], counts["queued"]) == (0, 1)
    (told,) = [open_event(sealed, kit.keyring.open) for _, sealed in await spool.outbox(9)]
    assert (told.type, told.delivery_number) == (EventType.ADMIN_BOUNCE, 0)
    assert told.facts["reason"] == "dropped by an operator while it was being sent"
    with pytest.raises(LostMove):
        await spool.settle([kit.outcome(doomed, event)])


async def test_the_worker_learns_what_is_doomed(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel(recipients=2, state=S.ACTIVE)
    await spool.put(parcel)
    assert not spool.doomed()
    seen = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(spool.watch(seen.set))
        desk.drop(parcel.submission.id, 1)
        await asyncio.wait_for(seen.wait(), 5)
        watching.cancel()
    assert spool.doomed() == {(parcel.submission.id, 1)}


async def test_what_is_doomed_ends_with_its_worker(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel(recipients=2, state=S.ACTIVE)
    alone = kit.parcel(state=S.ACTIVE)
    for one in (parcel, alone):
        await spool.put(one)
    desk.drop(parcel.submission.id, 0)
    desk.drop(alone.submission.id)
    await spool.close()
    again = await kit.open()
    assert [(one.id, one.state) for one in desk.listing()] == [(parcel.deliveries[1].id, S.QUEUED)]
    with pytest.raises(KeyError):
        await again.content(alone.submission.id)


async def test_what_is_doomed_is_not_adopted(kit: Any, desk: QueueDesk) -> None:
    orphan = await kit.open(7)
    parcel = kit.parcel(recipients=2, state=S.ACTIVE)
    alone = kit.parcel(state=S.ACTIVE)
    for one in (parcel, alone):
        await orphan.put(one)
    desk.drop(parcel.submission.id, 0)
    desk.drop(alone.submission.id)
    await orphan.close()
    adopter = await kit.open(0)
    await adopt_orphans(adopter, kit.clock.now())
    assert [(one.id, one.state) for one in desk.listing()] == [(parcel.deliveries[1].id, S.QUEUED)]
    assert dict(await adopter.counts()) == {"queued": 1, "active": 0, "held": 0}
    with pytest.raises(KeyError):
        await adopter.content(alone.submission.id)


async def test_a_worker_that_comes_too_late_loses_by_name(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel()
    await spool.put(parcel)
    desk.drop(parcel.submission.id, 0)
    with pytest.raises(LostMove):
        await spool.settle([kit.outcome(parcel.deliveries[0], E.EXPIRE)])


async def test_a_spoiled_delivery_is_listed_and_can_be_dropped(kit: Any, desk: QueueDesk) -> None:
    spool = await kit.open()
    parcel = kit.parcel()
    await spool.put(parcel)
    connection = connect(spool.path)
    connection.execute("UPDATE delivery SET payload = x'00'")
    connection.close()
    (one,) = desk.listing()
    assert (one.spoiled, one.recipient, one.delivery) == ("unreadable", "", None)
    assert [one.answer for one in desk.drop(parcel.submission.id)] == [Answer.DONE]
    assert desk.listing() == []


def test_an_empty_folder_holds_nothing(kit: Any, desk: QueueDesk) -> None:
    assert desk.listing() == []
    assert [one.answer for one in desk.retry("X", 3)] == [Answer.NOT_FOUND]


async def test_a_shard_without_tables_is_passed_over(kit: Any, desk: QueueDesk) -> None:
    (kit.folder_made() / "shard-4.sqlite").touch()
    assert desk.listing() == []


async def test_a_worker_that_is_never_idle_sees_it_too(kit: Any, desk: QueueDesk) -> None:
    """Each of its transactions has somebody who waits: there is no turn without work to look around in."""
    spool = await kit.open()
    parcel = kit.parcel()
    await spool.put(parcel)
    seen = asyncio.Event()

    async def work() -> None:
        while True:
            await spool.put(kit.parcel())

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in (spool.watch(seen.set), work(), work())]
        assert [one.answer for one in desk.hold(parcel.submission.id)] == [Answer.DONE]
        await until(seen, spool, held=1)
        for task in tasks:
            task.cancel()


async def test_what_happens_while_the_file_cannot_be_used_is_seen(kit: Any, desk: QueueDesk) -> None:
    """A new connection cannot tell that the file has changed since the last one looked at it."""
    spool = await kit.open()
    parcel = kit.parcel()
    await spool.put(parcel)
    seen = asyncio.Event()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(spool.watch(seen.set))
        with pytest.raises(SpoolAway):
            await spool.transact(fail)
        assert await spool.outbox(9) == []
        assert [one.answer for one in desk.drop(parcel.submission.id)] == [Answer.DONE]
        async with asyncio.timeout(30):
            while not await spool.outbox(9):
                seen.clear()
                await seen.wait()
        watching.cancel()
    assert not await spool.accounts_due(kit.clock.now())
