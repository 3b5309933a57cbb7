"""One of several does it, and another when that one is gone."""

import asyncio

from gateway.app.sole import sole


async def test_the_second_waits_for_the_first(tmp_path, monkeypatch) -> None:
    tried = asyncio.Event()
    sleep = asyncio.sleep

    async def told(_seconds: float) -> None:
        tried.set()
        await sleep(0)

    monkeypatch.setattr("gateway.app.sole.asyncio.sleep", told)
    order: list[str] = []

    async def second() -> None:
        async with sole(tmp_path / "lock"):
            order.append("second")

    async with asyncio.TaskGroup() as group, sole(tmp_path / "lock"):
        group.create_task(second())
        await tried.wait()
        order.append("first")
    assert order == ["first", "second"]
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
