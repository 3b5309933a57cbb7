"""A dictionary that does not grow past its limit: the oldest entry makes room. Safe for threads."""

import threading
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """At most ``limit`` entries, in the order in which they came."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[K, V] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def keys(self) -> list[K]:
        """Return the keys, in the order in which their entries came."""
        with self._lock:
            return list(self._entries)

    def get(self, key: K) -> V | None:
        """Return the entry, or None."""
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep an entry, as the newest."""
        with self._lock:
            self._entries.pop(key, None)
            while len(self._entries) >= self._limit:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = value

    def pop(self, key: K) -> None:
        """Drop an entry, if there is one."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._entries.clear()
