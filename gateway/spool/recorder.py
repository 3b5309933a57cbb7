"""Events that belong to no delivery, on their way into the next commit.

What it promises: ``record`` takes microseconds and never waits or fails. What it gives up: at most ``LIMIT``
events wait; beyond that the oldest are dropped and counted. They are of mail that was not accepted.
"""

import threading
from collections import deque
from collections.abc import Sequence

from gateway.spool.codec import Row

LIMIT = 10_000


class Recorder:
    """A bounded buffer between the event loop and the writer."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._rows: deque[Row] = deque()
        self._limit = limit
        self._lock = threading.Lock()

    def add(self, rows: Sequence[Row]) -> int:
        """Append rows; return how many of the oldest had to go."""
        with self._lock:
            self._rows.extend(rows)
            return self._trim()

    def take(self) -> list[Row]:
        """Return all, and forget them."""
        if not self._rows:
            return []
        with self._lock:
            rows = list(self._rows)
            self._rows.clear()
        return rows

    def give_back(self, rows: Sequence[Row]) -> int:
        """Put rows that could not be written before the others; return how many had to go."""
        with self._lock:
            self._rows.extendleft(reversed(rows))
            return self._trim()

    def __len__(self) -> int:
        return len(self._rows)

    def _trim(self) -> int:
        dropped = max(0, len(self._rows) - self._limit)
        for _ in range(dropped):
            self._rows.popleft()
        return dropped
