"""Ids for the events of one process: sortable by time, and ascending within a millisecond.

A load makes hundreds of thousands of events at one time; ids that ascend are added at the end of the table,
where random ones would touch a page of it each.
"""

import threading
from collections.abc import Callable

from gateway.model.identity import new_id

Octets = Callable[[int], bytes]

_STEP = 3  # octets


class EventIds:
    """Gives out ids. Safe for threads."""

    def __init__(self, octets: Octets) -> None:
        self._octets = octets
        self._lock = threading.Lock()
        self._millisecond = -1
        self._number = 0

    def next(self, now: float) -> str:
        """Return an id for a time in seconds since the epoch."""
        millisecond = int(now * 1000)
        with self._lock:
            if millisecond == self._millisecond:
                # Never the same step: another process may have begun at the same number.
                self._number += 1 + int.from_bytes(self._octets(_STEP), "big")
            else:
                self._millisecond = millisecond
                self._number = int.from_bytes(self._octets(10), "big") >> 1  # room to ascend
            return new_id(now, self._number.to_bytes(10, "big"))
