"""``consentry demo``: a whole gateway on free ports of the loopback interface, a tenant, and a next hop.

What it promises: the real process tree, set up as ``consentry init`` does it; every wait is bounded; at the
end, however it comes, no process is left. What arrived at the next hop stays on the disk, the rest goes. It
fails with ``Refused`` and the gateway's last log lines.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the newsletter has arrived.")] = False,
) -> None:
    """Show a whole gateway at work: one newsletter to two subscribers and a stranger."""
    import asyncio  # noqa: PLC0415 - heavy

    from gateway.cli.demonstration.performance import play  # noqa: PLC0415 - heavy

    folder = Path(tempfile.mkdtemp(prefix="consentry-demo-"))
    try:
        asyncio.run(play(folder, once=once))
    finally:
        shutil.rmtree(folder / "gateway", ignore_errors=True)
        for left in (folder / "delivered", folder):  # they go only when nothing arrived
            with contextlib.suppress(OSError):
                left.rmdir()
