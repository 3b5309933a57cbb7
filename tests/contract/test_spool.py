"""The contract of ports.Spool and ports.Outbox, held against the SQLite shard and its twin in memory."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.address import Address
from gateway.model.delivery import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Notify,
    Recipient,
    Sender,
    Submission,
)
from gateway.model.events import Event, EventType, open_event
from gateway.model.identity import new_id
from gateway.model.reply import SpoolFull
from gateway.model.splice import Splice
from gateway.ports import LostMove, Outbox, Parcel, Settlement, Spool
from gateway.settings.schema import SpoolSection
from gateway.spool.errors import AlreadyKept
from gateway.spool.memory import MemorySpool
from gateway.spool.opening import open_shard

S, E = DeliveryState, DeliveryEvent
NEWS = Address("news", "example.org")


@dataclass
class HandClock:
    time: float = 1000.0

    def now(self) -> float:
        return self.time


class OneKey:
    def __init__(self) -> None:
        self.key = AESGCM(bytes(32))

    def address_hash(self, account_id: int, identity: str) -> bytes:
        raise NotImplementedError

    def seal(self, account_id: int, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self.key.encrypt(nonce, plain, context)

    def open(self, account_id: int, sealed: bytes, context: bytes) -> bytes:
        return self.key.decrypt(sealed[:12], sealed[12:], context)


class Deaf:
    def count(self, *_: Any, **__: Any) -> None: ...
    def observe(self, *_: Any, **__: Any) -> None: ...
    def gauge(self, *_: Any, **__: Any) -> None: ...


class Both(Spool, Outbox):
    """What a spool is."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["memory", "sqlite"])
async def spool(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> AsyncIterator[Both]:
    made: Any
    if request.param == "memory":
        made = MemorySpool(keyring=OneKey(), clock=clock, max_size=10_000)
    else:
        section = SpoolSection(max_size=10_000, min_free=0)
        made = await open_shard(tmp_path, 0, keyring=OneKey(), clock=clock, meter=Deaf(), settings=section)
    yield made
    await made.close()


def parcel(
    *,
    account: int = 1,
    count: int = 1,
    state: S = S.QUEUED,
    due: float = 0.0,
    content: bytes = b"a: b\r\n\r\nhi\r\n",
    sender: Address | None = NEWS,
) -> Parcel:
    submission = Submission(
        new_id(1000.0, os.urandom(10)),
        account,
        900.0,
        Sender(sender, ret="HDRS", envid="q"),
        len(content),
        3,
        "example.org",
    )
    return Parcel(submission, content, tuple(copy(submission, n, state, due) for n in range(count)))


def copy(submission: Submission, number: int, state: S = S.QUEUED, due: float = 0.0) -> Delivery:
    recipient = Recipient(Address(f"R{number}", "example.net"), frozenset({Notify.FAILURE}), "rfc822;R+2B")
    return Delivery(
        submission, number, recipient, (Splice(0, 0, b"X: \xff\r\n"), Splice(3, 4, b"")), state, 0, due
    )


def event(name: str, **facts: Any) -> Event:
    return Event(name, EventType.DELIVERY, 1000.0, 1, "S", 0, None, facts, {"recipient": "é@example.net"})


async def total(spool: Both) -> int:
    return sum((await spool.counts()).values())


async def names(spool: Both) -> list[str]:
    return [sealed.id for _, sealed in await spool.outbox(100)]


class TestPut:
    async def test_what_goes_in_comes_out_as_it_was(self, spool: Both) -> None:
        one = parcel(count=2)
        await spool.put(one)
        claimed = await spool.claim_due(1, 1000.0, 10)
        assert list(claimed) == [replace(each, state=S.ACTIVE) for each in one.deliveries]
        assert await spool.content(one.submission.id) == one.content

    async def test_the_null_sender_and_an_empty_content(self, spool: Both) -> None:
        one = parcel(sender=None, content=b"")
        await spool.put(one)
        (claimed,) = await spool.claim_due(1, 1000.0, 10)
        assert claimed.submission.sender.address is None
        assert await spool.content(one.submission.id) == b""

    async def test_an_active_delivery_is_nobody_elses_to_claim(self, spool: Both) -> None:
        await spool.put(parcel(state=S.ACTIVE))
        assert list(await spool.accounts_due(1000.0)) == []
        assert list(await spool.claim_due(1, 1000.0, 10)) == []
        assert (await spool.counts())["active"] == 1

    async def test_a_mixture_of_states(self, spool: Both) -> None:
        one = parcel(count=3)
        mixed = tuple(
            replace(d, state=s) for d, s in zip(one.deliveries, (S.QUEUED, S.ACTIVE, S.HELD), strict=True)
        )
        await spool.put(replace(one, deliveries=mixed))
        assert dict(await spool.counts()) == {"queued": 1, "active": 1, "held": 1}

    async def test_a_settled_delivery_cannot_enter(self, spool: Both) -> None:
        with pytest.raises(ValueError, match="cannot enter"):
            await spool.put(parcel(state=S.DELIVERED))
        assert await total(spool) == 0

    async def test_the_same_submission_twice_is_one(self, spool: Both) -> None:
        one = parcel()
        await spool.put(one)
        with pytest.raises(AlreadyKept):
            await spool.put(one)
        assert await total(spool) == 1

    async def test_a_parcel_without_copies_leaves_only_its_events(self, spool: Both) -> None:
        one = replace(parcel(), deliveries=(), events=(event("E"),))
        await spool.put(one)
        assert await names(spool) == ["E"]
        with pytest.raises(KeyError):
            await spool.content(one.submission.id)

    async def test_room(self, spool: Both) -> None:
        spool.check_room()
        one = parcel(content=bytes(10_000), state=S.ACTIVE)
        await spool.put(one)
        with pytest.raises(SpoolFull):
            spool.check_room()
        await spool.settle([Settlement(one.deliveries[0], E.DELIVER)])
        spool.check_room()


class TestClaims:
    async def test_oldest_due_first_and_no_more_than_asked(self, spool: Both) -> None:
        for due in (30.0, 10.0, 20.0, 2000.0):
            await spool.put(parcel(due=due))
        assert [one.due_at for one in await spool.claim_due(1, 1000.0, 2)] == [10.0, 20.0]
        assert [one.due_at for one in await spool.claim_due(1, 1000.0, 9)] == [30.0]
        assert list(await spool.claim_due(1, 1000.0, 9)) == []

    async def test_no_more_than_fits_and_one_at_least(self, spool: Both) -> None:
        for due in range(5):
            one = parcel(due=float(due))
            edits = (Splice(0, 0, b"x" * 10_000),)
            await spool.put(replace(one, deliveries=(replace(one.deliveries[0], splices=edits),)))
        assert [one.due_at for one in await spool.claim_due(1, 1000.0, 9, 25_000)] == [0.0, 1.0]
        assert [one.due_at for one in await spool.claim_due(1, 1000.0, 9, 1)] == [2.0]
        assert [one.due_at for one in await spool.claim_due(1, 1000.0, 1, 25_000)] == [3.0]
        assert [one.due_at for one in await spool.claim_due(1, 1000.0, 9)] == [4.0]
        assert list(await spool.claim_due(1, 1000.0, 9, 1)) == []

    async def test_accounts_due_are_each_named_once(self, spool: Both) -> None:
        for account, due in ((7, 1.0), (7, 2.0), (3, 1.0), (5, 5000.0)):
            await spool.put(parcel(account=account, due=due))
        assert sorted(await spool.accounts_due(1000.0)) == [3, 7]
        assert sorted(await spool.accounts_due(5000.0)) == [3, 5, 7]

    async def test_one_account_never_gets_anothers(self, spool: Both) -> None:
        await spool.put(parcel(account=1))
        assert list(await spool.claim_due(2, 1000.0, 10)) == []

    async def test_next_due_looks_ahead_only(self, spool: Both) -> None:
        assert await spool.next_due(0.0) is None
        for due in (10.0, 30.0, 20.0):
            await spool.put(parcel(due=due))
        assert await spool.next_due(0.0) == 10.0
        assert await spool.next_due(10.0) == 20.0
        assert await spool.next_due(30.0) is None

    async def test_times_that_no_wait_explains_are_brought_forward(self, spool: Both) -> None:
        early, late, held = parcel(due=1100.0), parcel(due=1101.0), parcel(due=9000.0)
        future = replace(late, submission=replace(late.submission, received_at=5000.0))
        future = replace(
            future, deliveries=tuple(replace(one, submission=future.submission) for one in late.deliveries)
        )
        for one in (early, future, held):
            await spool.put(one)
        assert await spool.bring_forward(1000.0, 100.0) == 2
        assert await spool.bring_forward(1000.0, 100.0) == 0
        found = await spool.claim_due(1, 1000.0, 9)
        assert {one.submission.id for one in found} == {late.submission.id, held.submission.id}
        assert all(one.submission.received_at <= 1000.0 for one in found)
        assert [one.due_at for one in await spool.claim_due(1, 1100.0, 9)] == [1100.0]


class TestSettle:
    async def claimed(self, spool: Both, count: int = 1) -> list[Delivery]:
        await spool.put(parcel(count=count))
        return list(await spool.claim_due(1, 1000.0, count))

    @pytest.mark.parametrize("end", [E.DELIVER, E.FAIL, E.EXPIRE])
    async def test_the_last_outcome_takes_the_body_along(self, spool: Both, end: E) -> None:
        first, second = await self.claimed(spool, 2)
        await spool.settle([Settlement(first, end, events=(event("A"),))])
        assert await spool.content(first.submission.id)
        await spool.settle([Settlement(second, end, events=(event("B"),))])
        assert await total(spool) == 0
        assert await names(spool) == ["A", "B"]
        with pytest.raises(KeyError):
            await spool.content(first.submission.id)

    async def test_a_body_that_was_read_is_gone_too(self, spool: Both) -> None:
        (one,) = await self.claimed(spool)
        await spool.content(one.submission.id)
        await spool.settle([Settlement(one, E.DELIVER)])
        with pytest.raises(KeyError):
            await spool.content(one.submission.id)

    async def test_defer_counts_and_remembers(self, spool: Both) -> None:
        (one,) = await self.claimed(spool)
        await spool.settle([Settlement(one, E.DEFER, due_at=2000.0, reply="451 später")])
        assert list(await spool.claim_due(1, 1999.0, 9)) == []
        (again,) = await spool.claim_due(1, 2000.0, 9)
        assert (again.attempts, again.last_reply, again.due_at) == (1, "451 später", 2000.0)
        await spool.settle([Settlement(again, E.DEFER, due_at=3000.0, counts_attempt=False)])
        (third,) = await spool.claim_due(1, 3000.0, 9)
        assert (third.attempts, third.last_reply) == (1, "451 später")

    async def test_unclaim_is_no_attempt(self, spool: Both) -> None:
        (one,) = await self.claimed(spool)
        await spool.settle([Settlement(one, E.UNCLAIM, due_at=5.0)])
        (again,) = await spool.claim_due(1, 1000.0, 9)
        assert (again.attempts, again.due_at) == (0, 5.0)

    async def test_hold_and_release(self, spool: Both, clock: HandClock) -> None:
        first, second, third = await self.claimed(spool, 3)
        await spool.settle(
            [
                Settlement(first, E.HOLD, hold_reason="suspended"),
                Settlement(second, E.HOLD, hold_reason="suspended"),
            ]
        )
        await spool.settle([Settlement(third, E.HOLD, hold_reason="other")])
        assert list(await spool.held_accounts("suspended")) == [1]
        assert list(await spool.held_accounts("nothing")) == []
        clock.time = 1234.0
        assert await spool.release_held(2, "suspended") == 0
        assert await spool.release_held(1, "suspended") == 2
        assert await spool.release_held(1, "suspended") == 0
        again = await spool.claim_due(1, 1234.0, 9)
        assert [(one.number, one.due_at, one.hold_reason) for one in again] == [
            (0, 1234.0, ""),
            (1, 1234.0, ""),
        ]
        assert (await spool.counts())["held"] == 1

    async def test_a_lost_move_is_named_and_the_others_are_done(self, spool: Both) -> None:
        first, second = await self.claimed(spool, 2)
        await spool.settle([Settlement(first, E.DELIVER)])
        with pytest.raises(LostMove) as lost:
            await spool.settle(
                [
                    Settlement(first, E.FAIL, events=(event("no"),)),
                    Settlement(second, E.DELIVER, events=(event("yes"),)),
                ]
            )
        assert lost.value.ids == (first.id,)
        assert await names(spool) == ["yes"]
        assert await total(spool) == 0

    async def test_a_move_that_the_state_does_not_know_is_lost(self, spool: Both) -> None:
        one = parcel()
        await spool.put(one)
        for event_ in (E.DELIVER, E.RELEASE, E.UNCLAIM):
            with pytest.raises(LostMove):
                await spool.settle([Settlement(one.deliveries[0], event_)])
        assert (await spool.counts())["queued"] == 1

    async def test_what_stands_in_the_spool_decides_not_what_the_caller_thought(self, spool: Both) -> None:
        one = parcel()
        await spool.put(one)
        await spool.claim_due(1, 1000.0, 1)
        await spool.settle([Settlement(one.deliveries[0], E.DELIVER)])  # the caller's copy says QUEUED
        assert await total(spool) == 0

    async def test_the_same_move_twice_in_one_call(self, spool: Both) -> None:
        (one,) = await self.claimed(spool)
        with pytest.raises(LostMove):
            await spool.settle([Settlement(one, E.DELIVER), Settlement(one, E.DELIVER)])
        assert await total(spool) == 0

    async def test_a_report_enters_with_the_outcome(self, spool: Both) -> None:
        (one,) = await self.claimed(spool)
        report = parcel(sender=None, content=b"report")
        await spool.settle([Settlement(one, E.FAIL, reports=(report,), events=(event("A"),))])
        assert await spool.content(report.submission.id) == b"report"
        assert dict(await spool.counts()) == {"queued": 1, "active": 0, "held": 0}

    async def test_no_report_without_its_outcome(self, spool: Both) -> None:
        (one,) = await self.claimed(spool)
        await spool.settle([Settlement(one, E.DELIVER)])
        report = parcel()
        with pytest.raises(LostMove):
            await spool.settle([Settlement(one, E.FAIL, reports=(report,))])
        assert await total(spool) == 0

    async def test_drop_and_expire_from_the_queue(self, spool: Both) -> None:
        one = parcel(count=2)
        await spool.put(one)
        await spool.settle([Settlement(one.deliveries[0], E.DROP), Settlement(one.deliveries[1], E.EXPIRE)])
        assert await total(spool) == 0

    async def test_nothing_to_settle(self, spool: Both) -> None:
        await spool.settle([])


class TestOutbox:
    async def test_events_come_in_order_and_open_again(self, spool: Both) -> None:
        first, second = event("A", code=250), replace(event("B"), data={}, delivery_number=None)
        await spool.put(replace(parcel(), events=(first, second)))
        found = await spool.outbox(10)
        assert [open_event(sealed, OneKey().open) for _, sealed in found] == [first, second]
        assert [place for place, _ in found] == sorted(place for place, _ in found)

    async def test_forget_what_the_store_has(self, spool: Both) -> None:
        await spool.put(replace(parcel(), events=tuple(event(name) for name in "ABCDE")))
        found = {sealed.id: place for place, sealed in await spool.outbox(4)}
        assert list(found) == ["A", "B", "C", "D"]
        await spool.forget([found["D"], found["A"]])
        assert await names(spool) == ["B", "C", "E"]
        await spool.forget([found["B"], found["C"]])
        await spool.forget([])
        assert await names(spool) == ["E"]

    async def test_a_place_is_never_given_twice(self, spool: Both) -> None:
        await spool.put(replace(parcel(), events=(event("A"),)))
        ((place, _),) = await spool.outbox(9)
        await spool.forget([place])
        await spool.put(replace(parcel(), events=(event("B"),)))
        await spool.forget([place])
        assert await names(spool) == ["B"]

    async def test_who_asks_for_no_event_hides_none(self, spool: Both) -> None:
        await spool.put(replace(parcel(), events=(event("A"),)))
        assert not await spool.outbox(0)
        assert await names(spool) == ["A"]

    async def test_recorded_events_go_along_with_the_next_commit(self, spool: Both) -> None:
        spool.record([event("R")])
        await spool.put(replace(parcel(), events=(event("P"),)))
        assert sorted(await names(spool)) == ["P", "R"]
