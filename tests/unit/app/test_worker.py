"""A worker outlives what its machine lacks for the moment."""

import asyncio
from typing import Any

import pytest

from gateway.app import worker
from gateway.app.world import SystemClock, SystemEntropy


class Nudged:
    def __init__(self) -> None:
        self.event = asyncio.Event()

    def nudge(self) -> None:
        self.event.set()


async def test_without_a_descriptor_orphans_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    troubles: list[Exception] = [OSError(24, "Too many open files")]

    async def adopt(_spool: Any, _now: float) -> int:
        if troubles:
            raise troubles.pop()
        return 1

    monkeypatch.setattr(worker, "adopt_orphans", adopt)
    monkeypatch.setattr(worker, "_ADOPT_PAUSE", 0.0)
    one: Any = worker.Worker.__new__(worker.Worker)
    one._spool, one._clock, one._entropy, one._number = None, SystemClock(), SystemEntropy(), 0
    one._scheduler = Nudged()
    async with asyncio.TaskGroup() as tasks:
        adopting = tasks.create_task(one._adopt_forever())
        await one._scheduler.event.wait()
        adopting.cancel()
