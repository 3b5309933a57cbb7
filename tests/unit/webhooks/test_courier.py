"""One webhook is told everything, in order, at least once, whatever its receiver does."""

import asyncio
import itertools
from dataclasses import replace

from gateway.model.notice import NoticeType
from gateway.model.reply import StoreAway
from gateway.model.webhook import Webhook, WebhookState
from gateway.settings.schema import WebhooksSection
from gateway.store.memory import MemoryWebhooks
from gateway.webhooks.courier import Courier
from gateway.webhooks.post import NotTaken, Taken

DOWN = NotTaken("refused", "HTTP 500")


async def until(task: asyncio.Task[None], *events) -> None:
    """Cancel a courier when what is awaited has come."""
    for event in events:
        await event
    task.cancel()
    await asyncio.wait([task])


async def run(stage, hook, *events) -> Courier:
    stage.book.put(hook)
    courier = Courier(hook, stage.trade)
    async with asyncio.TaskGroup() as group:
        await until(group.create_task(courier.run()), *events)
    return courier


async def test_everything_in_order_and_kept(stage, make_webhook) -> None:
    stage.tell(3, 1, 2)
    stage.tell(9, account=2)
    await run(stage, make_webhook(), stage.tide.waiting.wait())
    assert stage.sender.messages() == ["S3", "S1", "S2"]
    assert stage.book.of("wh_1").place == 4  # beyond what is another account's
    assert stage.meter.value("webhook_deliveries_total", result="ok") == 3


async def test_what_comes_later_wakes_it(stage, make_webhook) -> None:
    async def more() -> None:
        await stage.tide.waiting.wait()
        stage.tell(7, 8)
        stage.tide.risen.set()
        await stage.sender.wait_for(2)

    await run(stage, make_webhook(), more())
    assert stage.sender.messages() == ["S7", "S8"]
    assert stage.book.of("wh_1").place == 1  # cancelled before the second answer: only the first is kept


async def test_only_its_types(stage, make_webhook) -> None:
    stage.tell(1)
    hook = make_webhook(types=frozenset({NoticeType.MESSAGE_BOUNCED}))
    await run(stage, hook, stage.tide.waiting.wait())
    assert stage.sender.sent == []


async def test_a_failure_is_tried_again_after_a_growing_pause_and_nothing_passes_it(
    stage, make_webhook
) -> None:
    stage.tell(1, 2)
    answers = itertools.chain([Taken(200), DOWN, DOWN, DOWN], itertools.repeat(Taken(204)))
    stage.sender.answer = lambda *_: next(answers)
    await run(stage, make_webhook(), stage.tide.waiting.wait())
    assert stage.sender.messages() == ["S1", "S2", "S2", "S2", "S2"]
    assert stage.clock.slept == [5.0, 10.0, 20.0]
    kept = stage.book.of("wh_1")
    assert (kept.failures, kept.failing_since, kept.failure, kept.place) == (0, None, "", 2)


async def test_the_receivers_own_wish_is_kept_within_bounds(stage, make_webhook) -> None:
    stage.tell(1)
    answers = itertools.chain(
        [NotTaken("refused", "HTTP 429", 90.0), NotTaken("refused", "HTTP 503", 10**9)],
        itertools.repeat(Taken(200)),
    )
    stage.sender.answer = lambda *_: next(answers)
    await run(stage, make_webhook(), stage.tide.waiting.wait())
    assert stage.clock.slept == [90.0, 3600.0]


async def test_days_of_failure_disable_it_with_an_event(stage, make_webhook, logged) -> None:
    stage.settings = WebhooksSection(give_up=7200.0)
    stage.tell(1)
    stage.sender.answer = lambda *_: DOWN
    hook = make_webhook()
    stage.book.put(hook)
    courier = Courier(hook, stage.trade)
    await courier.run()  # it ends by itself
    kept = stage.book.of("wh_1")
    assert (kept.state, kept.failure, kept.place) == (WebhookState.DISABLED, "HTTP 500", 0)
    assert 7200 <= stage.clock.time - 1000 <= 7200 + 3600
    assert stage.meter.value("webhooks_disabled_total") == 1
    assert logged[-1]["event"] == "webhook given up"
    assert "hooks.example" not in str(logged)


async def test_gone_is_gone(stage, make_webhook) -> None:
    stage.tell(1, 2)
    answers = iter([Taken(200), NotTaken("refused", "HTTP 410", gone=True)])
    stage.sender.answer = lambda *_: next(answers)
    hook = make_webhook()
    stage.book.put(hook)
    await Courier(hook, stage.trade).run()
    kept = stage.book.of("wh_1")
    assert (kept.state, kept.place) == (WebhookState.DISABLED, 1)


async def test_a_restart_waits_for_what_is_due(stage, make_webhook) -> None:
    stage.tell(1)
    hook = make_webhook(failures=3, failing_since=900.0, due_at=1030.0)
    await run(stage, hook, stage.tide.waiting.wait())
    assert stage.clock.slept == [30.0]
    assert stage.sender.messages() == ["S1"]


async def test_a_clock_that_was_set_back_puts_nothing_off_for_long(stage, make_webhook) -> None:
    stage.tell(1)
    hook = make_webhook(failures=3, failing_since=10**9, due_at=10.0**9)
    stage.settings = WebhooksSection(longest_retry=60.0)
    await run(stage, hook, stage.sender.wait_for(1))
    assert stage.clock.slept[0] == 60.0


async def test_killed_in_the_middle_it_repeats_from_where_it_was_kept(stage, make_webhook) -> None:
    """What a kill -9 leaves is the row as it was: a courier that begins with it tells the rest again."""
    stage.tell(*range(1, 6))
    hook = make_webhook()
    stage.book.put(hook)
    async with asyncio.TaskGroup() as group:
        killed = group.create_task(Courier(hook, stage.trade).run())
        await stage.sender.wait_for(3)
        assert stage.book.of("wh_1").place <= 3
        row = stage.book.of("wh_1")  # this is all that is left
        killed.cancel()
    first = stage.sender.messages()
    stage.sender.sent.clear()
    stage.tide.waiting.clear()
    await run(stage, row, stage.tide.waiting.wait())
    again = stage.sender.messages()
    assert set(first) | set(again) == {"S1", "S2", "S3", "S4", "S5"}
    assert again == sorted(again)


async def test_a_store_that_is_away_is_waited_for(stage, make_webhook) -> None:
    stage.tell(1)
    stage.feed.away = StoreAway("away")
    sleep = stage.clock.sleep

    async def back(seconds: float) -> None:
        stage.feed.away = None
        await sleep(seconds)

    stage.clock.sleep = back
    await run(stage, make_webhook(), stage.tide.waiting.wait())
    assert stage.sender.messages() == ["S1"]


async def test_a_mistake_of_ours_is_waited_over(stage, make_webhook, logged) -> None:
    stage.tell(1)
    answers = itertools.chain([ZeroDivisionError()], itertools.repeat(Taken(200)))

    def answer(*_: object):
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return given

    stage.sender.answer = answer
    await run(stage, make_webhook(), stage.tide.waiting.wait())
    assert stage.sender.messages() == ["S1", "S1"]
    assert stage.meter.value("webhook_deliveries_total", result="error") == 1
    assert [line["event"] for line in logged] == ["webhook failed by our own fault"]


async def test_far_behind_without_anything_to_tell_is_kept(stage, make_webhook, monkeypatch) -> None:
    monkeypatch.setattr("gateway.webhooks.courier._FAR", 3)
    stage.tell(1, 2, 3, 4, 5, account=2)
    await run(stage, make_webhook(), stage.tide.waiting.wait())
    kept = stage.book.of("wh_1")
    assert (kept.place, kept.told_at) == (5, None)


class AwayOnce(MemoryWebhooks):
    asked = 0

    def told(self, webhook: Webhook, place: int, now: float) -> Webhook:
        self.asked += 1
        if self.asked == 1:
            raise StoreAway("no room")
        return super().told(webhook, place, now)


async def test_a_store_that_is_away_does_not_keep_a_courier_that_is_to_end(stage, make_webhook) -> None:
    """Else whoever cancels it waits for ever: the postroom, and the end of the process."""
    second = asyncio.Event()

    class Hanging:
        async def attempt(self, *_: object) -> Taken:
            if stage.sender.sent:
                second.set()
                await asyncio.Event().wait()
            stage.sender.sent.append(("wh_1", "S1"))
            return Taken(200)

    stage.tell(1, 2)
    stage.book = AwayOnce()
    stage.clock.time = 0.5  # within the first second nothing is kept between two notices
    trade = replace(stage.trade, sender=Hanging())
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(Courier(make_webhook(), trade).run())
        await until(task, second.wait())
    assert task.cancelled()
