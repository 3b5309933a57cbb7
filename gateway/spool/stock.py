"""What stands in a shard, as numbers in memory: deliveries by state, octets of content, room on the disk.

What it promises: ``check_room`` costs microseconds; the disk is asked at most once a second. The numbers
are read at the start, follow each commit, and are set anew when another process has changed the shard.
It fails with ``SpoolFull``, and only for as long as there is no room.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.model.delivery import SETTLED, DeliveryState
from gateway.model.reply import SpoolFull
from gateway.ports import Clock
from gateway.settings.schema import SpoolSection
from gateway.spool.batch import Change

_LOOK = 1.0  # seconds between two questions to the disk
OPEN_STATES = tuple(state for state in DeliveryState if state not in SETTLED | {DeliveryState.DOOMED})


def counted_as(state: str) -> str:
    """Return the state as which a delivery is counted.

    DOOMED counts as ACTIVE still: another process has doomed it, and this one sees no more than its end.
    """
    return DeliveryState.ACTIVE.value if state == DeliveryState.DOOMED.value else state


def free_octets(folder: Path) -> int:
    """Return what is left on the disk for programs without privileges."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


class Stock:
    """The numbers of one shard; lives on the event loop."""

    def __init__(self, limits: SpoolSection, clock: Clock, free: Callable[[], int]) -> None:
        self._limits = limits
        self._clock = clock
        self._free = free
        self._states = dict.fromkeys((state.value for state in OPEN_STATES), 0)
        self._octets = 0
        self._looked_at = float("-inf")
        self._disk = ""  # why the disk takes no more; "": it does

    def set_states(self, states: Mapping[str, int]) -> None:
        """Set the numbers of those states that were counted."""
        self._states.update(states)

    def set_octets(self, octets: int) -> None:
        """Set the octets of content."""
        self._octets = octets

    def apply(self, change: Change) -> None:
        """Follow a commit."""
        for state, amount in change.states.items():
            self._states[counted_as(state)] += amount
        self._octets += change.octets

    def counts(self) -> dict[str, int]:
        """Return the number of deliveries by state; a copy."""
        return dict(self._states)

    def disk_is_full(self) -> None:
        """Remember that a commit found no room; the next look, within a second, may see some again."""
        self._looked_at = self._clock.now()
        self._disk = "the disk is full"

    def check_room(self) -> None:
        """Raise SpoolFull when the limit is reached or the disk has too little left."""
        if self._octets >= self._limits.max_size:
            raise SpoolFull(f"the spool holds {self._octets} octets, its limit is {self._limits.max_size}")
        now = self._clock.now()
        if not 0 <= now - self._looked_at < _LOOK:  # a clock set back looks again, too
            self._looked_at = now
            left = self._free()
            short = left < self._limits.min_free
            self._disk = f"{left} octets left on the disk, {self._limits.min_free} wanted" if short else ""
        if self._disk:
            raise SpoolFull(self._disk)
