"""One courier for each webhook that is active, and none for any other."""

import asyncio
from dataclasses import dataclass, field, replace

from gateway.model.reply import StoreAway
from gateway.webhooks.post import NotTaken, Taken
from gateway.webhooks.postroom import Postroom


@dataclass
class Revised:
    """The revision, and a way to wait until it was looked at twice after a change."""

    value: int = 1
    away: bool = False
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    looks: int = 0

    async def current(self) -> int:
        self.looks += 1
        self.looked.set()
        if self.away:
            raise StoreAway("away")
        return self.value

    async def change(self) -> None:
        self.value += 1
        await self.seen()

    async def seen(self) -> None:
        until = self.looks + 2
        while self.looks < until:
            self.looked.clear()
            await self.looked.wait()


async def play(stage, revised, scene) -> None:
    async with asyncio.TaskGroup() as group:
        room = group.create_task(Postroom(stage.trade, revised.current).run())
        await scene()
        room.cancel()


async def test_webhooks_come_and_go(stage, make_webhook) -> None:
    revised = Revised()

    async def scene() -> None:
        stage.tell(1)
        stage.book.put(make_webhook(1))
        await revised.change()
        await stage.sender.wait_for(1)
        stage.book.put(make_webhook(2))
        await revised.change()
        await stage.sender.wait_for(2)
        stage.book.remove("wh_1")
        await revised.change()
        stage.tell(2)
        stage.tide.risen.set()
        await stage.sender.wait_for(3)

    await play(stage, revised, scene)
    assert stage.sender.messages("wh_1") == ["S1"]
    assert stage.sender.messages("wh_2") == ["S1", "S2"]


async def test_one_that_is_slow_holds_up_nobody_else(stage, make_webhook) -> None:
    revised, stuck = Revised(), asyncio.Event()
    attempt = stage.sender.attempt

    async def slow(webhook, notice, now):
        if webhook.id == "wh_1":
            await stuck.wait()
        return await attempt(webhook, notice, now)

    stage.sender.attempt = slow
    stage.book.put(make_webhook(1))
    stage.book.put(make_webhook(2, account=2))
    stage.tell(1)
    stage.tell(2, 3, account=2)

    async def scene() -> None:
        await stage.sender.wait_for(2)
        assert stage.sender.messages("wh_2") == ["S2", "S3"]
        assert stage.sender.messages("wh_1") == []
        stuck.set()
        await stage.sender.wait_for(3)

    await play(stage, revised, scene)


async def test_an_operator_has_it_tried_at_once(stage, make_webhook) -> None:
    revised = Revised()
    stage.sender.answer = lambda *_: NotTaken("refused", "HTTP 500")
    stage.tell(1)
    stage.book.put(make_webhook(1))
    asleep = asyncio.Event()

    async def sleeps(seconds: float) -> None:
        if seconds != 0.5:  # the courier's pause, and not the room's own
            asleep.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)  # the time stands still, or the pause would be over

    stage.clock.sleep = sleeps

    async def scene() -> None:
        await asleep.wait()
        assert stage.book.of("wh_1").failures == 1
        stage.sender.answer = lambda *_: Taken(200)
        stage.book.put(replace(stage.book.of("wh_1"), failures=0, due_at=0.0))
        await revised.change()
        await stage.sender.wait_for(2)

    await play(stage, revised, scene)


async def test_a_new_secret_signs_what_is_told_next_and_nothing_twice(stage, make_webhook) -> None:
    revised, signed = Revised(), []
    attempt = stage.sender.attempt

    async def noting(webhook, notice, now):
        signed.append(webhook.secret)
        return await attempt(webhook, notice, now)

    stage.sender.attempt = noting
    stage.book.put(make_webhook(1))
    stage.tell(1)

    async def scene() -> None:
        await stage.sender.wait_for(1)
        stage.book.put(stage.book.of("wh_1").rotated(b"new", 0.0))
        await revised.change()
        stage.tell(2)
        stage.tide.risen.set()
        await stage.sender.wait_for(2)

    await play(stage, revised, scene)
    assert stage.sender.messages() == ["S1", "S2"]
    assert signed[1] == b"new" != signed[0]


async def test_a_store_that_is_away_changes_nothing(stage, make_webhook, logged) -> None:
    revised = Revised()
    stage.book.put(make_webhook(1))

    async def scene() -> None:
        await revised.change()
        revised.away = True
        await revised.seen()
        stage.tell(1)
        stage.tide.risen.set()
        await stage.sender.wait_for(1)

    await play(stage, revised, scene)
    assert "webhooks stay as they were" in {line["event"] for line in logged}


async def test_what_operators_see(stage, make_webhook) -> None:
    revised = Revised()
    stage.sender.answer = lambda hook, _: (
        Taken(200) if hook.id == "wh_1" else NotTaken("timeout", "no answer in time")
    )
    stage.book.put(make_webhook(1))
    stage.book.put(make_webhook(2))
    stage.tell(900)

    async def scene() -> None:
        await revised.change()
        while stage.meter.value("webhooks", state="failing") != 1:
            await revised.seen()
        assert stage.meter.value("webhooks", state="well") == 1
        assert stage.meter.value("webhook_lag_seconds") >= 100
        assert stage.meter.value("webhook_deliveries_total", result="timeout") >= 1

    await play(stage, revised, scene)
