"""Reading from a shard beside its writer: a thread and a connection of their own.

What it promises: a read sees all that was committed before it began, and never waits for a commit. It
fails with ``SpoolAway``; the next read opens the file anew.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.spool.errors import SpoolAway, public

T = TypeVar("T")


class Reader:
    """Runs reading work, one piece after the other."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool-reader")
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the work returns."""
        if self._closed:
            raise SpoolAway("the spool is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)

    def later(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Run the work when there is time; called from any thread, its errors are of no concern."""
        with contextlib.suppress(RuntimeError):  # closing
            self._thread.submit(self._guarded, work)

    async def close(self) -> None:
        """Finish what has begun and close the connection."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
        self._disconnect()

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except sqlite3.Error as error:
            self._disconnect()
            raise public(error) from error

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
