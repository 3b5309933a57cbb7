"""Who waits for an account's events is woken by them, and by nothing else."""

import asyncio

import pytest

from gateway.model.events import EventType, SealedEvent
from gateway.model.identity import new_id
from gateway.model.reply import StoreAway
from gateway.store import tide as module
from gateway.store.database import Store
from gateway.store.events import insert_events
from gateway.store.tide import StoreTide, news_since

FOR_EVER = 3600.0


def put(store: Store, account_id: int, number: int = 1) -> None:
    event_id = new_id(number, account_id.to_bytes(10, "big"))
    event = SealedEvent(event_id, EventType.DELIVERY, 1.0, account_id, "S", 0, None, "{}", b"")
    with store.write() as connection:
        insert_events(connection, [event])


async def test_an_event_wakes_those_who_wait_for_its_account(store: Store) -> None:
    tide = StoreTide(store)
    await tide.look()
    async with asyncio.TaskGroup() as group:
        mine = group.create_task(tide.rise(1, 0, FOR_EVER))
        also_mine = group.create_task(tide.rise(1, 0, FOR_EVER))
        theirs = group.create_task(tide.rise(2, 0, FOR_EVER))
        await asyncio.sleep(0)
        put(store, 1)
        await tide.look()
        assert await mine
        assert await also_mine
        assert not theirs.done()
        theirs.cancel()
    assert not tide._waiting


async def test_what_came_between_the_reading_and_the_waiting_is_not_missed(store: Store) -> None:
    tide = StoreTide(store)
    await tide.look()
    put(store, 1)
    await tide.look()
    assert await tide.rise(1, 0, FOR_EVER)
    assert not await tide.rise(1, 1, 0.0)  # seen already: only its patience ends this


async def test_what_was_there_at_the_start_is_no_news(store: Store) -> None:
    put(store, 1)
    tide = StoreTide(store)
    await tide.look()
    await tide.look()
    assert not await tide.rise(1, 0, 0.0)
    assert len(tide._latest) == 0


class ToldTide(StoreTide):
    """Says when the store was away."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.away = asyncio.Event()

    async def look(self) -> None:
        try:
            await super().look()
        except StoreAway:
            self.away.set()
            raise


async def test_a_store_that_is_away_is_looked_at_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    tide = ToldTide(store)
    await tide.look()
    away = store.path.rename(store.path.with_name("elsewhere"))
    store.engine.dispose()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(tide.watch())
        waiting = group.create_task(tide.rise(1, 0, FOR_EVER))
        await tide.away.wait()
        away.rename(store.path)
        await asyncio.to_thread(put, store, 1)
        assert await waiting
        watching.cancel()


async def test_more_news_than_fit_in_a_look_come_with_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    tide = StoreTide(store)
    await tide.look()
    for number, account_id in enumerate((1, 1, 2, 3, 3)):
        put(store, account_id, number)
    known = []
    for _ in range(3):
        await tide.look()
        known.append(len(tide._latest))
    assert known == [1, 3, 3]
    assert await tide.rise(3, 4, FOR_EVER)


def test_a_look_reads_what_is_new_and_not_the_table(store: Store) -> None:
    if store.engine.dialect.name != "sqlite":
        pytest.skip("the plan is SQLite's")
    query = str(news_since(1).compile(store.engine, compile_kwargs={"literal_binds": True}))
    with store.read() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert any("SEARCH event USING INTEGER PRIMARY KEY" in step for step in plan)
    assert not any("SCAN event" in step for step in plan)
