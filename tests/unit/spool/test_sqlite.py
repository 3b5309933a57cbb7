"""The shard on the disk: what is sealed, what is counted, what happens to rows that cannot be opened."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from gateway.model.delivery import DeliveryEvent, DeliveryState
from gateway.model.reply import StoreAway
from gateway.ports import LostMove
from gateway.spool import statements
from gateway.spool.errors import AlreadyKept, ForeignShard, SpoolAway, Unreadable
from gateway.spool.shard import connect, shard_path

S, E = DeliveryState, DeliveryEvent


async def test_nothing_of_the_mail_can_be_read_from_the_files(kit: Any) -> None:
    spool = await kit.open()
    secret = kit.parcel(content=b"Subject: whisper\r\n\r\nwhisper\r\n", events=[kit.event()])
    await spool.put(secret)
    await spool.claim_due(1, 0.0, 1)
    await spool.settle(
        [kit.outcome(secret.deliveries[0], E.DEFER, due_at=9.0, reply="451 r0@example.net whisper")]
    )
    octets = b"".join(path.read_bytes() for path in kit.folder.iterdir())
    for word in (b"whisper", b"r0@", b"example.net", b"news"):
        assert word not in octets


async def test_the_files_belong_to_their_owner_alone(kit: Any) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel())
    assert {path.stat().st_mode & 0o077 for path in [kit.folder, *kit.folder.iterdir()]} == {0}


async def test_everything_survives_a_close(kit: Any) -> None:
    spool = await kit.open()
    queued, active = kit.parcel(due=5.0), kit.parcel(state=S.ACTIVE)
    await spool.put(queued)
    await spool.put(active)
    spool.record([kit.event("late")])
    await spool.close()
    kit.clock.time += 60
    again = await kit.open()
    assert dict(await again.counts()) == {"queued": 2, "active": 0, "held": 0}
    found = {one.submission.id: one.due_at for one in await again.claim_due(1, kit.clock.time, 9)}
    assert found == {queued.submission.id: 5.0, active.submission.id: kit.clock.time}  # UNCLAIM: due now
    assert [sealed.id for _, sealed in await again.outbox(9)] == ["late"]


async def test_what_was_claimed_while_the_keys_are_away_is_not_stuck(kit: Any) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel(due=5.0))
    kit.keyring.away = True
    with pytest.raises(StoreAway):
        await spool.claim_due(1, 9.0, 5)
    kit.keyring.away = False
    (claimed,) = await spool.claim_due(1, 9.0, 5)
    assert (claimed.due_at, claimed.attempts) == (5.0, 0)
    assert dict(await spool.counts()) == {"queued": 0, "active": 1, "held": 0}


async def test_a_closed_spool_says_so(kit: Any) -> None:
    spool = await kit.open()
    await spool.close()
    with pytest.raises(SpoolAway):
        await spool.put(kit.parcel())
    with pytest.raises(SpoolAway):
        await spool.accounts_due(0.0)


async def test_another_programs_file_is_left_alone(kit: Any) -> None:
    kit.folder.mkdir()
    with closing(sqlite3.connect(shard_path(kit.folder, 0))) as foreign:
        foreign.execute("PRAGMA user_version = 99")
    with pytest.raises(ForeignShard):
        await kit.open()


async def test_many_at_once_are_few_commits_and_each_gets_its_answer(kit: Any) -> None:
    spool = await kit.open()
    parcels = [kit.parcel(state=S.ACTIVE) for _ in range(200)]
    async with asyncio.TaskGroup() as group:
        for one in parcels:
            group.create_task(spool.put(one))
    assert len(kit.meter.observed["spool_commit_size"]) < 100
    assert sum(kit.meter.observed["spool_commit_size"]) == 200
    assert len(kit.meter.observed["message_save_latency_seconds"]) == 200
    async with asyncio.TaskGroup() as group:
        for one in parcels:
            group.create_task(spool.settle([kit.outcome(one.deliveries[0], E.DELIVER)]))
    assert dict(await spool.counts()) == {"queued": 0, "active": 0, "held": 0}


async def test_only_the_culprit_of_a_batch_fails(kit: Any) -> None:
    spool = await kit.open()
    known = kit.parcel(state=S.ACTIVE)
    await spool.put(known)
    results = await asyncio.gather(
        spool.put(kit.parcel()),
        spool.put(known),
        spool.settle([kit.outcome(known.deliveries[0], E.DELIVER, events=(kit.event("once"),))]),
        spool.settle([kit.outcome(known.deliveries[0], E.DELIVER, events=(kit.event("once"),))]),
        spool.transact(lambda _connection, _change: 1 // 0),
        spool.put(kit.parcel()),
        return_exceptions=True,
    )
    kinds = [type(one) for one in results]
    assert kinds == [type(None), AlreadyKept, type(None), LostMove, ZeroDivisionError, type(None)]
    assert (await spool.counts())["queued"] == 2
    assert [sealed.id for _, sealed in await spool.outbox(9)] == ["once"]


async def test_a_caller_that_is_cancelled_takes_nobody_along(kit: Any) -> None:
    spool = await kit.open()
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(spool.put(kit.parcel()))
        group.create_task(spool.put(kit.parcel()))
        await asyncio.sleep(0)
        gone.cancel()
    await spool.put(kit.parcel())
    assert (await spool.counts())["queued"] == 3  # kept, though nobody was told


async def test_a_large_content_is_sealed_beside_the_loop(kit: Any) -> None:
    spool = await kit.open()
    one = kit.parcel(content=bytes(range(256)) * 4096)
    await spool.put(one)
    assert await spool.content(one.submission.id) == one.content


@pytest.mark.parametrize("column", ["payload", "last_reply"])
async def test_a_spoiled_delivery_is_held_and_the_others_go_on(kit: Any, column: str) -> None:
    spool = await kit.open()
    for due in (1.0, 2.0, 3.0):
        await spool.put(kit.parcel(due=due))
    change(
        spool.path, f"UPDATE delivery SET {column} = x'00112233445566778899aabbccddeeff' WHERE due_at = 2.0"
    )
    assert [one.due_at for one in await spool.claim_due(1, 9.0, 9)] == [1.0, 3.0]
    assert dict(await spool.counts()) == {"queued": 0, "active": 2, "held": 1}
    assert list(await spool.held_accounts("unreadable")) == [1]


async def test_rows_cannot_be_swapped(kit: Any) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel(recipients=2))
    change(spool.path, "UPDATE delivery SET payload = (SELECT payload FROM delivery WHERE number = 0)")
    assert [one.number for one in await spool.claim_due(1, 9.0, 9)] == [0]


async def test_a_spoiled_content_holds_all_its_deliveries(kit: Any) -> None:
    spool = await kit.open()
    bad, good = kit.parcel(recipients=2), kit.parcel()
    await spool.put(bad)
    await spool.put(good)
    await spool.claim_due(1, 9.0, 1)
    change(spool.path, f"UPDATE submission SET content = x'00' WHERE id = '{bad.submission.id}'")
    with pytest.raises(Unreadable):
        await spool.content(bad.submission.id)
    assert await spool.content(good.submission.id) == good.content
    assert (await spool.counts())["held"] == 2


async def test_mail_of_a_deleted_account_is_held_and_can_still_be_settled(kit: Any) -> None:
    spool = await kit.open()
    one, other = kit.parcel(account=7, state=S.ACTIVE), kit.parcel(account=7)
    await spool.put(one)
    await spool.put(other)
    kit.keyring.gone.add(7)
    with pytest.raises(KeyError):
        await spool.put(kit.parcel(account=7))
    assert list(await spool.claim_due(7, 9.0, 9)) == []
    assert list(await spool.held_accounts("key-gone")) == [7]
    with pytest.raises(Unreadable):
        await spool.content(other.submission.id)
    report = kit.parcel(account=7)
    ended = kit.outcome(
        one.deliveries[0],
        E.HOLD,
        hold_reason="key-gone",
        reply="250 ok",
        events=(kit.event("E", 7),),
        reports=(report,),
    )
    with pytest.raises(LostMove):
        await spool.settle([replace(ended, delivery=replace(one.deliveries[0], number=5))])
    await spool.settle([ended])
    ((_, sealed),) = await spool.outbox(9)
    assert (sealed.id, sealed.data) == ("E", b"")


async def test_recorded_events_are_written_without_any_other_commit(kit: Any) -> None:
    spool = await kit.open()
    written = asyncio.Event()
    kit.meter.gauge = lambda *_, **__: written.set()
    kit.clock.time += 10
    spool.record([kit.event("R")])
    await asyncio.wait_for(written.wait(), 5)
    assert [sealed.id for _, sealed in await spool.outbox(9)] == ["R"]


async def test_a_look_before_the_commit_does_not_hide_recorded_events(kit: Any) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel())
    await spool.forget([place for place, _ in await spool.outbox(9)])
    assert not await spool.outbox(9)
    written = asyncio.Event()
    kit.meter.gauge = lambda *_, **__: written.set()
    kit.clock.time += 10
    spool.record([kit.event("R")])
    assert not await spool.outbox(9), "it is on its way"
    async with asyncio.timeout(30):
        while not (found := await spool.outbox(9)):
            await written.wait()  # the numbers of an earlier commit may be shown late
            written.clear()
    assert [sealed.id for _, sealed in found] == ["R"]


async def test_recorded_events_are_bounded(kit: Any) -> None:
    spool = await kit.open()
    spool.record([kit.event(f"E{n}") for n in range(10_002)])
    assert kit.meter.counted == {"spool_events_dropped_total": 2}
    await spool.put(kit.parcel())
    assert [sealed.id for _, sealed in await spool.outbox(1)] == ["E2"]


async def test_a_long_release_lets_others_in_between(kit: Any) -> None:
    spool = await kit.open()
    parcel = kit.parcel(recipients=2500, state=S.HELD)
    await spool.put(
        replace(parcel, deliveries=tuple(replace(one, hold_reason="h") for one in parcel.deliveries))
    )
    assert await spool.release_held(1, "h") == 2500
    assert dict(await spool.counts()) == {"queued": 2500, "active": 0, "held": 0}


async def test_gauges_follow(kit: Any) -> None:
    spool = await kit.open()
    kit.clock.time += 2
    await spool.put(kit.parcel())
    assert kit.meter.gauges["scheduled_count", "queued"] == 1


async def test_gauges_show_the_last_change_of_a_burst(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.spool.sqlite._GAUGE_PAUSE", 0.01)  # and the clock stands still
    spool = await kit.open()
    for _ in range(3):
        await spool.put(kit.parcel())
    async with asyncio.timeout(30):
        while kit.meter.gauges["scheduled_count", "queued"] != 3:  # noqa: ASYNC110 - a timer of the spool sets it
            await asyncio.sleep(0)


PLANS = {
    "ACCOUNTS_DUE": (statements.ACCOUNTS_DUE, (1.0,)),
    "CLAIMABLE": (statements.CLAIMABLE, (1, 1.0, 10)),
    "NEXT_DUE": (statements.NEXT_DUE, (1.0,)),
    "HELD_ACCOUNTS": (statements.HELD_ACCOUNTS, ("h", "h")),
    "HELD_KEYS": (statements.HELD_KEYS, ("h", 1, 10)),
    "STATE": (statements.STATE, ("S", 0)),
    "CLOSE": (statements.CLOSE, ("S", 0, "active")),
    "MOVE": (statements.MOVE, ("held", 0, None, None, "", "S", 0, "queued")),
    "drop_bodies": (statements.drop_bodies(4), tuple("ABCD")),
    "COUNT_QUEUED": (statements.COUNT_QUEUED, ()),
}


@pytest.mark.parametrize("name", PLANS)
async def test_no_statement_of_the_daily_work_scans_a_table(kit: Any, name: str) -> None:
    spool = await kit.open()
    statement, values = PLANS[name]
    with closing(connect(spool.path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any("INDEX" in step or "PRIMARY KEY" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)  # the index gives the order
    for step in plan:
        assert not (step.startswith("SCAN delivery") and "INDEX" not in step), plan
        assert not step.startswith("SCAN submission"), plan


async def test_a_long_queue_of_one_account_is_no_burden_for_the_questions(kit: Any) -> None:
    """20,000 rows: counted in steps of SQLite's virtual machine, which no other load can change."""
    spool = await kit.open(max_size=1 << 40)
    for account in (1, 2):
        await spool.put(kit.parcel(account=account, recipients=10_000 if account == 1 else 1, due=5.0))
    await spool.put(kit.parcel(account=3, recipients=10_000, due=10_000.0))
    steps = [0]
    with closing(connect(spool.path)) as connection:
        connection.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 1)
        assert [row[0] for row in connection.execute(statements.ACCOUNTS_DUE, (100.0,))] == [1, 2]
        connection.execute(statements.NEXT_DUE, (100.0,)).fetchone()
        connection.execute(statements.CLAIMABLE, (2, 100.0, 50)).fetchall()
    assert steps[0] < 500
    assert [one.submission.account_id for one in await spool.claim_due(2, 100.0, 50)] == [2]


def change(path: Any, statement: str) -> None:
    with closing(connect(path)) as connection:
        connection.execute(statement)
