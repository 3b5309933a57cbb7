"""The program of docs/howto/api.md does what the page says."""

import asyncio
import re
import socket
import sys
from pathlib import Path

from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import WebSection
from gateway.web.places import Places
from gateway.web.serve import serve

TEXT = Path("docs/howto/api.md").read_text("utf-8")


async def test_the_example(app) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (printed,) = re.findall(r"It prints\n\n```\n(.*?)```", TEXT, re.DOTALL)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    stop, listening = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(
            serve(app, sock, stop, places=Places(WebSection, MemoryMeter()), listening=listening.set)
        )
        await listening.wait()
        try:
            said = await run(program, {"CONSENTRY_URL": url, "CONSENTRY_KEY": "ck_acme"})
        finally:
            stop.set()
    assert said == printed


async def run(program: str, environment: dict[str, str]) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=pipe, stderr=pipe
    )
    out, errors = await process.communicate()
    assert not errors, errors.decode()
    return out.decode()
