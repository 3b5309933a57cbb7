"""Rates as operators write them, and the generic cell rate algorithm as arithmetic.

GCRA keeps one number for each rate: the theoretical arrival time (TAT) of the next conforming message.
All functions are pure: ``now`` comes in, the new TAT goes out, and who stores it is another's matter.
"""

import re
from dataclasses import dataclass

_PERIODS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
_RATE = re.compile(r"\s*([0-9][0-9,_]*)\s*/\s*([a-z]+)\s*\Z")


class BadRate(ValueError):
    """A rate that is not written as ``"100/s"`` or ``"10,000/h"``."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``amount`` messages in ``period`` seconds."""

    amount: int
    period: int

    def __str__(self) -> str:
        unit = {1: "s", 60: "min", 3600: "h", 86400: "d"}[self.period]
        return f"{self.amount:,}/{unit}"

    @property
    def interval(self) -> float:
        """Seconds between two messages at exactly this rate."""
        return self.period / self.amount


def parse_rate(text: str) -> Rate:
    """Parse ``"100/s"``, ``"6,000/min"``, ``"10,000/h"``; raise BadRate."""
    match = _RATE.match(text.lower())
    if match is None or match[2] not in _PERIODS:
        raise BadRate(f'{text!r} is no rate: write "100/s", "10,000/h"; the units are s, min, h and d')
    amount = int(match[1].replace(",", "").replace("_", ""))
    if amount < 1:
        raise BadRate(f"{text!r}: a rate is at least 1")
    return Rate(amount, _PERIODS[match[2]])


@dataclass(frozen=True, slots=True)
class Conforms:
    """There is room; ``tat`` is the new theoretical arrival time."""

    tat: float


@dataclass(frozen=True, slots=True)
class Exceeds:
    """There is none; ``wait`` seconds until there is."""

    wait: float


def reserve(rate: Rate, burst: int, tat: float, now: float, count: int = 1) -> Conforms | Exceeds:
    """Ask for ``count`` messages at ``now`` against a stored TAT; ``burst`` may come at once.

    A stored TAT beyond what any reservation can have made (a clock that was wrong) is not believed.
    """
    tolerance = rate.interval * max(burst, 1)
    start = max(min(tat, now + tolerance), now)
    ahead = (start - now) + rate.interval * count
    # A microsecond of slack: today's times have no finer float, and it must not cost a message that conforms.
    if ahead > tolerance + 1e-6:
        return Exceeds(ahead - tolerance)
    return Conforms(start + rate.interval * count)


def give_back(rate: Rate, tat: float, count: int = 1) -> float:
    """Return the TAT without ``count`` messages that were reserved and not sent."""
    return tat - rate.interval * count
