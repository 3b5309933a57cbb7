"""``consentry demo``: a whole gateway on free ports of the loopback interface, a tenant, and a next hop.

What it promises: the real process tree, set up as ``consentry init`` does it; every wait is bounded; at the
end, however it comes, no process is left. What arrived at the next hop stays on the disk, the rest goes. It
fails with ``Refused`` and the gateway's last log lines.
"""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli import say
from gateway.cli.say import Refused


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when the newsletter has arrived.")] = False,
) -> None:
    """Show a whole gateway at work: one newsletter to two subscribers and a stranger."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-demo-"))
    try:
        asyncio.run(_demo(folder, once=once))
    finally:
        shutil.rmtree(folder / "gateway", ignore_errors=True)
        for left in (folder / "delivered", folder):  # they go only when nothing arrived
            with contextlib.suppress(OSError):
                left.rmdir()


async def _demo(folder: Path, *, once: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ended = await _unless(stop, _perform(folder, once=once))
    say.line()
    say.line(f"The gateway has ended. What arrived stays in {folder / 'delivered'}")
    if once and not ended:
        raise typer.Exit(130)


async def _perform(folder: Path, *, once: bool) -> None:
    from gateway.cli.demonstration.hop import next_hop  # noqa: PLC0415 - heavy
    from gateway.cli.demonstration.process import running_gateway  # noqa: PLC0415 - heavy
    from gateway.cli.demonstration.stage import Stage  # noqa: PLC0415 - heavy
    from gateway.cli.demonstration.tenant import settle_in  # noqa: PLC0415 - heavy

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
