"""One of several processes does a thing: who holds a file's lock.

What it promises: the kernel gives the lock back when its holder dies, by whatever death.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_PAUSE = 0.5  # seconds between two tries


@asynccontextmanager
async def sole(path: Path) -> AsyncIterator[None]:
    """Wait until no other process is inside, then go in."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _lock(descriptor):  # noqa: ASYNC110 - the holder is another process
            await asyncio.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
