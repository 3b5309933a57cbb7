"""Time and randomness as they really are; the only place where they are taken from the system."""

import os
import random
import time


class SystemClock:
    """ports.Clock."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()


class SystemEntropy:
    """ports.Entropy."""

    def octets(self, count: int) -> bytes:
        """Return random octets that nobody can guess."""
        return os.urandom(count)

    def fraction(self) -> float:
        """Return a number from 0 up to 1."""
        return random.random()  # noqa: S311 - jitter is no secret
