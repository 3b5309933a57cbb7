"""The kept-open connections to one smarthost.

What it promises: never more than ``connections`` at once, the one used last is used first (so that a quiet
time lets the others go), each is left after so many messages or after idling. A connection that turns out
dead before the hop can have taken a copy is replaced once, without a word: the copy's own luck is decided on
a fresh one. It fails with what ``dial`` and ``Connection.send`` raise.
"""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.ports import Copy, HopReply, Meter
from gateway.relay.client import Connection, Stale

Dial = Callable[[], Awaitable[Connection]]


class Census:
    """Counts the open connections of all pools, for the gauge."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._count = 0

    def add(self, change: int) -> None:
        """Count one more or one less."""
        self._count += change
        self._meter.gauge("connection_count", self._count, service="smarthost")


class Pool:
    """Lends connections to copies."""

    def __init__(self, dial: Dial, census: Census, connections: int, messages: int, idle: float) -> None:
        self._dial = dial
        self._census = census
        self._places = asyncio.Semaphore(connections)
        self._messages = messages
        self._idle_time = idle  # seconds
        self._idle: list[tuple[float, Connection]] = []  # by the time they were put back
        self._reaper: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, copy: Copy) -> HopReply:
        """Send one copy on an idle connection or a new one; wait for a place when all are busy."""
        async with self._places:
            kept = self._take_idle()
            if kept is not None:
                try:
                    reply = await self._use(kept, copy)
                except Stale:
                    pass
                else:
                    # RFC 5321 section 3.8: 421 at MAIL on an old connection: just that one is over.
                    if (reply.code, reply.command) != (421, "MAIL"):
                        return reply
            fresh = await self._dial()
            self._census.add(1)
            return await self._use(fresh, copy)

    async def _use(self, connection: Connection, copy: Copy) -> HopReply:
        try:
            return await connection.send(copy)
        finally:
            self._put_back(connection)

    def _take_idle(self) -> Connection | None:
        while self._idle:
            _, connection = self._idle.pop()
            if connection.usable:
                return connection
            self._leave(connection)
        return None

    def _put_back(self, connection: Connection) -> None:
        if self._closed or not connection.usable or connection.sent >= self._messages:
            self._leave(connection)
            return
        loop = asyncio.get_running_loop()
        self._idle.append((loop.time(), connection))
        if self._reaper is None:
            self._reaper = loop.call_later(self._idle_time, self._reap)

    def _reap(self) -> None:
        """Close what has idled for too long, and what the hop has closed."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._idle_time
        kept = []
        for since, connection in self._idle:
            if connection.usable and since > oldest:
                kept.append((since, connection))
            else:
                self._leave(connection)
        self._idle = kept
        self._reaper = loop.call_at(kept[0][0] + self._idle_time, self._reap) if kept else None

    def _leave(self, connection: Connection) -> None:
        connection.close()
        self._census.add(-1)

    def close(self) -> None:
        """Close the idle ones now and the busy ones when they are done."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        while self._idle:
            self._leave(self._idle.pop()[1])
