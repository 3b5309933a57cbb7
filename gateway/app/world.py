"""Time and randomness as they really are; the only place where they are taken from the system.

They are the system's own functions and not methods that call them: a message asks for them twenty times.
"""

import os
import random
import time


class SystemClock:
    """ports.Clock."""

    now = staticmethod(time.time)
    """Seconds since the epoch, UTC."""


class SystemEntropy:
    """ports.Entropy."""

    octets = staticmethod(os.urandom)
    """Random octets that nobody can guess."""
    fraction = staticmethod(random.random)
    """A number from 0 up to 1: jitter is no secret."""
