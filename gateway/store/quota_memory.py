"""The twin of ``SharedQuota`` for one process: tests, and nothing to keep over a restart."""

from collections.abc import Sequence

from gateway.model import rate as gcra
from gateway.model.facts import QuotaFact
from gateway.model.rate import Rate
from gateway.store.quota import GRANTED, disbelieve, weigh

_SWEEP_AT = 65_536


class MemoryQuota:
    """Implements ``ports.Quota`` over a dict; TATs that have passed are swept out when it has grown."""

    def __init__(self) -> None:
        self._tats: dict[tuple[bytes, Rate], float] = {}

    def reserve(self, key: bytes, rates: Sequence[Rate], burst: int, now: float, count: int = 1) -> QuotaFact:
        """Take ``count`` tokens of every rate, or none and say how long until there would be."""
        if not rates:
            return GRANTED
        tats = self._of(key, rates)
        answer = weigh(rates, burst, tats, now, count)
        if isinstance(answer, QuotaFact):
            for place, tat in disbelieve(rates, burst, tats, now):
                self._tats[key, rates[place]] = tat
            return answer
        if len(self._tats) > _SWEEP_AT:
            self._tats = {name: tat for name, tat in self._tats.items() if tat > now}
        self._tats.update({(key, one): tat for one, tat in zip(rates, answer, strict=True)})
        return GRANTED

    def give_back(self, key: bytes, rates: Sequence[Rate], count: int = 1) -> None:
        """Return tokens that were reserved for what was then refused."""
        for one in rates:
            if (key, one) in self._tats:
                self._tats[key, one] = gcra.give_back(one, self._tats[key, one], count)

    def check(self, key: bytes, rates: Sequence[Rate], burst: int, now: float) -> QuotaFact:
        """Say what ``reserve`` would say, and take nothing."""
        if not rates:
            return GRANTED
        answer = weigh(rates, burst, self._of(key, rates), now, 1)
        return answer if isinstance(answer, QuotaFact) else GRANTED

    def _of(self, key: bytes, rates: Sequence[Rate]) -> list[float]:
        return [self._tats.get((key, one), 0.0) for one in rates]
