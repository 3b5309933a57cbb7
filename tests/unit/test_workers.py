"""The supervisor lives on, whatever its machine lacks for the moment."""

import asyncio
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import workers
from gateway.observe.memory import MemoryMeter
from gateway.settings.units import Endpoint
from gateway.workers import Child, Supervisor


class Sock:
    def fileno(self) -> int:
        return 0

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 2525)


class Lively(Supervisor):
    """A supervisor whose children are only told about; ``troubles`` stop the next starts."""

    troubles = 0
    starts = 0

    async def _start(self, child: Child) -> None:
        self.starts += 1
        if self.troubles:
            self.troubles -= 1
            raise OSError(11, "Resource temporarily unavailable")

    async def _listen(self, child: Child) -> int:
        child.ready.set()
        await self._stopping.wait()
        return 0


@pytest.fixture
def supervisor(tmp_path: Path) -> Lively:
    gateway = SimpleNamespace(workers=1, state_dir=tmp_path, drain=1.0)
    settings = SimpleNamespace(gateway=gateway, web=SimpleNamespace(public_url="http://x.example"))
    configuration: Any = SimpleNamespace(settings=settings, metrics_folder=tmp_path)
    sockets: Any = SimpleNamespace(submission=(Sock(),), inbound=(), web=Sock(), metrics=Sock())
    return Lively(tmp_path / "gateway.toml", configuration, sockets, MemoryMeter())


async def test_a_process_that_cannot_be_made_now_is_made_later(supervisor: Lively) -> None:
    supervisor.troubles = 1
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        os.kill(os.getpid(), signal.SIGTERM)

    assert await supervisor.run(say) == 0
    assert supervisor.starts == 3  # two children, one of them at the second try
    assert said[0].startswith(f"consentry is ready: smtp {Endpoint('127.0.0.1', 2525)}")


async def test_a_disk_without_room_for_the_outcome_of_a_reload_ends_nothing(
    supervisor: Lively, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloaded = asyncio.Event()

    async def reload() -> list[str]:
        reloaded.set()
        return []

    def full(path: Path, value: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(supervisor, "_reload", reload)
    monkeypatch.setattr(workers, "_write_json", full)
    async with asyncio.TaskGroup() as tasks:
        reloader = tasks.create_task(supervisor._reload_on_demand())
        for _ in range(2):
            reloaded.clear()
            supervisor._reloads.put_nowait(None)
            await reloaded.wait()
        reloader.cancel()


async def test_who_is_told_to_end_while_starting_is_never_ready(supervisor: Lively) -> None:
    supervisor._stopping.set()
    said: list[str] = []
    assert await supervisor.run(said.append) == 0
    assert said == []


def test_descriptors_are_taken_as_far_as_the_system_lets_us(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int, int]] = []
    monkeypatch.setattr(workers.resource, "setrlimit", lambda _, limits: taken.append(limits))
    for limits in ((1024, 4096), (1024, 1 << 20), (1 << 20, 1 << 20), (1024, workers.resource.RLIM_INFINITY)):
        monkeypatch.setattr(workers.resource, "getrlimit", lambda _, limits=limits: limits)
        workers.allow_descriptors()
    assert taken == [(4096, 4096), (65_536, 1 << 20), (65_536, workers.resource.RLIM_INFINITY)]
