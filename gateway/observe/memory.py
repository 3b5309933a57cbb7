"""The Meter's twin in memory, for tests: it knows the same catalogue, and misuse is an error."""

from collections import defaultdict

from gateway.observe.metrics import Kind, describe_misuse

_Series = tuple[str, frozenset[tuple[str, str]]]


class UnknownMetric(Exception):
    """A name or a label that the catalogue does not have; the message says which."""


class MemoryMeter:
    """Keeps every value; ``value`` and ``observed`` ask for them."""

    def __init__(self) -> None:
        self._values: defaultdict[_Series, float] = defaultdict(float)
        self._observed: defaultdict[_Series, list[float]] = defaultdict(list)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        self._check(Kind.COUNTER, name, labels)
        if amount < 0:
            raise UnknownMetric(f"{name} went backwards")
        self._values[name, frozenset(labels.items())] += amount

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Keep one more value of a histogram."""
        self._check(Kind.HISTOGRAM, name, labels)
        self._observed[name, frozenset(labels.items())].append(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        self._check(Kind.GAUGE, name, labels)
        self._values[name, frozenset(labels.items())] = value

    def value(self, name: str, **labels: str) -> float:
        """Return the sum over the series that have these labels; 0 where there is none."""
        wanted = labels.items()
        return sum(v for (known, having), v in self._values.items() if known == name and wanted <= having)

    def observed(self, name: str, **labels: str) -> list[float]:
        """Return a histogram's values, over the series that have these labels."""
        wanted = labels.items()
        return [
            value
            for (known, having), values in self._observed.items()
            if known == name and wanted <= having
            for value in values
        ]

    def _check(self, kind: Kind, name: str, labels: dict[str, str]) -> None:
        wrong = describe_misuse(kind, name, labels)
        if wrong is not None:
            raise UnknownMetric(wrong)
