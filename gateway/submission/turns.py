"""One after another, for those who share a key: logins of one source, while they are looked at.

What it promises: who has a turn is alone with its key in this worker; others wait in the order in which they
came, and other keys do not wait at all. It holds as many keys as there are waiting sessions, no more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """The queues."""

    def __init__(self) -> None:
        self._locks: dict[bytes, asyncio.Lock] = {}
        self._present: dict[bytes, int] = {}

    def __len__(self) -> int:
        """How many keys somebody has or waits for."""
        return len(self._locks)

    @asynccontextmanager
    async def of(self, key: bytes) -> AsyncIterator[None]:
        """Wait for the key's turn, and have it within."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._present[key] = self._present.get(key, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._present[key] -= 1
            if not self._present[key]:
                del self._present[key], self._locks[key]
