"""What is over goes from the store without anybody's asking."""

import asyncio

from fresh_store import fresh_store
from sqlalchemy import select

from gateway.app import forgetting
from gateway.app.forgetting import forget_answers
from gateway.model.reply import StoreAway
from gateway.store.idempotency import KEPT, Idempotency
from gateway.store.keys import StoreKeyring
from gateway.store.schema import IDEMPOTENCY

NOW = 1_800_000_000.0
OVER = 250  # more than one transaction forgets


class StillClock:
    def now(self) -> float:
        return NOW


async def test_answers_go_after_their_day(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(forgetting, "_PAUSE_OF_ANSWERS", 0.0)
    store = fresh_store(tmp_path / "store.sqlite")
    ages = [KEPT] * OVER + [KEPT - 1]
    rows = [
        {"account_id": 1, "mark": bytes([0, number]), "print": b"", "at": NOW - age, "sealed": b"x"}
        for number, age in enumerate(ages)
    ]
    with store.write() as connection:
        connection.execute(IDEMPOTENCY.insert(), rows)
    nothing_left, loop = asyncio.Event(), asyncio.get_running_loop()
    first = True

    class Watched(Idempotency):
        def forget(self, now: float) -> int:
            nonlocal first
            if first:
                first = False
                raise StoreAway  # which is no end of the loop
            if not (count := super().forget(now)):
                loop.call_soon_threadsafe(nothing_left.set)
            return count

    answers = Watched(store, StoreKeyring(store, b"m" * 32))
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(forget_answers(answers, StillClock()))
        await nothing_left.wait()
        running.cancel()
    with store.read() as connection:
        assert connection.execute(select(IDEMPOTENCY.c.mark)).scalars().all() == [bytes([0, OVER])]
    store.close()
