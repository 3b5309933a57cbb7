"""A glance sees what was committed last, on the event loop where that waits for nobody."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.model.reply import StoreAway
from gateway.store.account_rows import bump_revision
from gateway.store.database import REVISION_NOW, Store


def bump(store: Store) -> None:
    with store.write() as connection:
        bump_revision(connection)


async def test_it_sees_what_another_has_committed(store: Store, open_another: Callable[..., Store]) -> None:
    glance, other = store.glance(REVISION_NOW), open_another()
    assert await glance.look() == (1,)
    bump(other)
    assert await glance.look() == (2,)


async def test_only_the_first_look_takes_a_thread(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    glance = store.glance(REVISION_NOW)
    await glance.look()
    monkeypatch.setattr(store, "in_thread", None)
    assert await glance.look() == (1,)


async def test_it_does_not_wait_for_a_writer(store: Store) -> None:
    glance = store.glance(REVISION_NOW)
    await glance.look()
    with store.write() as connection:
        bump_revision(connection)
        assert await glance.look() == (1,)
    assert await glance.look() == (2,)


async def test_a_store_that_is_away_is_asked_anew(store: Store, path: Path) -> None:
    glance = store.glance(REVISION_NOW)
    await glance.look()
    elsewhere = path.parent.rename(path.parent.with_name("elsewhere"))
    with pytest.raises(StoreAway):
        await glance.look()
    elsewhere.rename(path.parent)
    bump(store)
    assert await glance.look() == (2,)


async def test_connections_that_were_dropped_are_replaced(store: Store) -> None:
    glance = store.glance(REVISION_NOW)
    await glance.look()
    with pytest.raises(StoreAway), store.away():
        raise OSError("the disk has gone")
    bump(store)
    assert await glance.look() == (2,)


async def test_many_at_once(store: Store) -> None:
    glance = store.glance(REVISION_NOW)
    assert await asyncio.gather(*(glance.look() for _ in range(20))) == [(1,)] * 20


async def test_a_thread_that_asks_closes_nothing_that_the_loop_reads_from(store: Store) -> None:
    glance = store.glance(REVISION_NOW)
    for _ in range(2):
        await glance.look()
    line = glance._line
    await asyncio.gather(*(store.in_thread(glance._patiently) for _ in range(4)))
    assert glance._line is line
    assert not line.connection.closed
    assert await glance.look() == (1,)
    assert glance._line is not line
    assert line.connection.closed
