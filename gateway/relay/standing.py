"""Whether a smarthost is worth trying: put aside after a failure, ever longer, then probed by one copy.

What it promises: failures that happen at the same time count once; while a probe is out nobody else tries.
The waits are short (at most ten seconds): a hop that is back should have its mail within seconds, and one
connection attempt in ten seconds costs nobody anything.
"""

import asyncio

from gateway.model.backoff import wait_before

_FIRST, _LONGEST = 1.0, 10.0  # seconds


class Standing:
    """What one host has earned. ``until`` is in seconds since the epoch, ``why`` for the operator."""

    def __init__(self) -> None:
        self.until = 0.0
        self.why = ""
        self._failures = 0
        self._probe: asyncio.Future[None] | None = None

    @property
    def is_probed(self) -> bool:
        """Whether a copy is out to see if the host is back."""
        return self._probe is not None

    @property
    def is_doubtful(self) -> bool:
        """Whether the host has failed since it last took anything."""
        return self._failures > 0

    async def probed(self) -> None:
        """Wait until the probe is back."""
        if self._probe is not None:
            await asyncio.shield(self._probe)

    def is_aside(self, now: float) -> bool:
        """Whether the host is not to be tried yet. A wait that the clock cannot explain is not believed."""
        return now < self.until <= now + _LONGEST

    def begin(self) -> None:
        """Say that a copy is on its way; after a failure it is the probe."""
        if self._failures and self._probe is None:
            self._probe = asyncio.get_running_loop().create_future()

    def succeeded(self) -> None:
        """Take the host back into use."""
        self._failures, self.until, self.why = 0, 0.0, ""
        self.left()

    def failed(self, why: str, now: float, fraction: float) -> None:
        """Put the host aside, unless the same trouble has done so already."""
        if not self.is_aside(now):
            self._failures += 1
            self.until = now + wait_before(self._failures, _FIRST, _LONGEST, fraction)
        self.why = why
        self.left()

    def left(self) -> None:
        """Say that the copy is back without news of the host."""
        if self._probe is not None:
            self._probe.set_result(None)
            self._probe = None
