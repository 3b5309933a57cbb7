"""The demonstration from its first process to its last."""

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import typer

from gateway.cli import say
from gateway.cli.demonstration.hop import next_hop
from gateway.cli.demonstration.process import running_gateway
from gateway.cli.demonstration.stage import Stage
from gateway.cli.demonstration.tenant import settle_in
from gateway.cli.say import Refused


async def play(folder: Path, *, once: bool) -> None:
    """Play in the folder until the end, a signal to stop, or a terminal that is closed; raise Refused."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ended = await _unless(stop, _perform(folder, once=once))
    say.line()
    kept = folder / "delivered"
    arrived = f" What arrived stays in {kept}" if any(kept.glob("*.eml")) else ""
    say.line(f"The gateway has ended.{arrived}")
    if once and not ended:
        raise typer.Exit(130)


async def _perform(folder: Path, *, once: bool) -> None:
    async with next_hop(folder / "delivered") as hop:
        tenant = await settle_in(folder / "gateway", hop.port)
        stage = Stage(hop, tenant)
        stage.introduce()
        async with running_gateway(tenant.config) as ready:
            await stage.play(ready)
            if not once:
                stage.say_how_to_go_on()
                await stage.tell_arrivals()


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work until it ends, or until somebody wants it to end; say whether it was done."""
    refused: list[Refused] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            working, waiting = tasks.create_task(work), tasks.create_task(_wait(stop))
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
            done = working.done()
            working.cancel()
            waiting.cancel()
    except* Refused as group:
        refused.extend(error for error in group.exceptions if isinstance(error, Refused))
    for error in refused:
        raise error
    return done


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()
