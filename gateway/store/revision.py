"""The number that changes with every account, domain, list and key, as this process saw it last.

What it promises: ``current`` is never older than a second, whoever made the change and in whatever
process: where ``watch`` runs it costs nothing, where it does not the store is asked. A store that cannot be
asked for that long is StoreAway: what may be outdated is not served.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.model.reply import StoreAway
from gateway.store.bounded import Bounded
from gateway.store.database import REVISION_NOW, Store

_LIMIT = 1.0  # seconds
_PAUSE = 0.25  # seconds between two looks

Ticks = Callable[[], float]
K = TypeVar("K")
V = TypeVar("V")


class Revision:
    """The store's revision, kept fresh."""

    def __init__(self, store: Store, ticks: Ticks = time.monotonic) -> None:
        self._glance = store.glance(REVISION_NOW)
        self._ticks = ticks
        self._value = -1
        self._until = float("-inf")
        self._asking = asyncio.Lock()

    async def current(self) -> int:
        """Return the revision, a second old at most; raise StoreAway."""
        if self._ticks() < self._until:
            return self._value
        async with self._asking:
            # Whoever waited for the lock finds what the one before has asked.
            if self._ticks() >= self._until:
                await self.look()
        return self._value

    async def look(self) -> int:
        """Ask the store now; raise StoreAway."""
        asked_at = self._ticks()
        (self._value,) = await self._glance.look()
        self._until = asked_at + _LIMIT
        return self._value

    async def watch(self) -> None:
        """Look four times a second until cancelled; a store that is away is asked on."""
        while True:
            try:
                await self.look()
            except StoreAway:
                self._until = float("-inf")
            await asyncio.sleep(_PAUSE)


class Snapshots(Generic[K, V]):
    """What was read from the store, each entry good for the revision that it was read at.

    What an older revision has left behind goes with the first look at a newer one: it may be an account's
    that is no more.
    """

    def __init__(self, limit: int) -> None:
        self._entries: Bounded[K, tuple[int, V]] = Bounded(limit)
        self._newest = -1

    def get(self, key: K, revision: int) -> V | None:
        """Return the entry of this revision, or None."""
        self._turn_to(revision)
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] == revision else None

    def put(self, key: K, revision: int, value: V) -> None:
        """Keep an entry with the revision that was read in the same transaction."""
        self._turn_to(revision)
        self._entries.put(key, (revision, value))

    def _turn_to(self, revision: int) -> None:
        if revision > self._newest:
            self._newest = revision
            self._entries.clear()
