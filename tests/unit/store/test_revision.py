import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.model.reply import StoreAway
from gateway.store import revision
from gateway.store.account_rows import bump_revision
from gateway.store.database import Store
from gateway.store.revision import Revision, Snapshots


def _bump(store: Store) -> None:
    with store.write() as connection:
        bump_revision(connection)


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_the_store_is_asked_once_a_second_at_most(store: Store) -> None:
    ticks = Ticks()
    revision = Revision(store, ticks)
    assert await asyncio.gather(*(revision.current() for _ in range(5))) == [1] * 5
    _bump(store)
    ticks.now = 0.9
    assert await revision.current() == 1
    ticks.now = 1.0
    assert await revision.current() == 2


async def test_what_may_be_outdated_is_not_served(store: Store, path: Path) -> None:
    ticks = Ticks()
    revision = Revision(store, ticks)
    await revision.current()
    elsewhere = path.parent.rename(path.parent.with_name("elsewhere"))
    ticks.now = 2.0
    with pytest.raises(StoreAway):
        await revision.current()
    elsewhere.rename(path.parent)
    assert await revision.current() == 1


async def test_a_watch_sees_what_another_store_does_within_a_second(
    told: Any, open_another: Callable[..., Store]
) -> None:
    assert revision._PAUSE <= 0.5  # the rest of the second is for the look itself
    other = open_another()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(told.watch())
        assert await told.current() == 1
        await asyncio.to_thread(_bump, other)
        await told.changed.wait()
        assert await told.current() == 2
        watch.cancel()


async def test_a_watch_outlives_a_store_that_is_away(
    told: Any, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.revision._PAUSE", 0.01)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(told.watch())
        assert await told.current() == 1
        elsewhere = path.parent.rename(path.parent.with_name("elsewhere"))
        await told.away.wait()
        with pytest.raises(StoreAway):
            await told.current()
        elsewhere.rename(path.parent)
        await asyncio.to_thread(_bump, store)
        await told.changed.wait()
        assert await told.current() == 2
        watch.cancel()


def test_a_snapshot_is_good_for_its_revision_only() -> None:
    snapshots: Snapshots[str, str] = Snapshots(10)
    snapshots.put("a", 1, "old")
    assert (snapshots.get("a", 1), snapshots.get("a", 2), snapshots.get("b", 1)) == ("old", None, None)
