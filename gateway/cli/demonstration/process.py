"""The demonstration's gateway: ``consentry run`` as a process tree of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.cli.say import Refused

_READY = 60.0  # seconds until the process tree must be up
_END = 30.0  # until it must be gone
_LOG_TAIL = 15  # lines that are shown when something went wrong


@contextlib.asynccontextmanager
async def running_gateway(config: Path) -> AsyncIterator[str]:
    """Run the gateway while the block runs; give its ready line. Raise Refused with its last words."""
    log = config.parent / "gateway.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli.main", "--config", str(config), "run"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is ours: the gateway is told to drain
        )
    try:
        yield await _ready_line(process, log)
    finally:
        await _end(process)


async def _ready_line(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY):
            line = (await process.stdout.readline()).decode(errors="replace").strip()
    except TimeoutError as error:
        raise Refused(f"the gateway was not ready within {_READY:.0f} s\n{_last_words(log)}") from error
    if "is ready" not in line:
        raise Refused(f"the gateway did not start: {line or 'it ended at once'}\n{_last_words(log)}")
    return line


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL:])


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it drain; what is still there after the bound is killed, children and all."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_END):
            await process.wait()
    except TimeoutError:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
