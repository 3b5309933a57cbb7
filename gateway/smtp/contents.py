"""How much content one worker may have in memory while it is received: a budget of octets for all sessions.

What it promises: every octet of a content that is kept counts from when it came until the spool has it, or
the session has given it up in whatever way; a session that ends gives its share back. Nothing is reserved: a
client that announces much and sends nothing takes nothing from the others.
How it fails: ``has_room`` and ``Share.grow_to`` say no; each no is counted by its step.
"""

from collections.abc import Callable

from gateway.ports import Meter


class Contents:
    """The budget. ``limit`` gives its octets, which a reload may change."""

    def __init__(self, limit: Callable[[], int], meter: Meter) -> None:
        self._limit = limit
        self._meter = meter
        self.octets = 0

    def has_room(self, octets: int, step: str) -> bool:
        """Whether a content of that many octets would find room now; it takes none."""
        if self.octets + octets <= self._limit():
            return True
        self._meter.count("contents_denied_total", step=step)
        return False

    def share(self) -> "Share":
        """Return the share of one transaction, which holds nothing yet."""
        return Share(self)


class Share:
    """What the content of one transaction takes of the budget."""

    __slots__ = ("_contents", "_octets")

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._octets = 0

    def grow_to(self, octets: int) -> bool:
        """Hold that many octets; where there is no room for them hold none, and say so."""
        more = octets - self._octets
        if more > 0 and not self._contents.has_room(more, "content"):
            self.give_back()
            return False
        self._contents.octets += more
        self._octets = octets
        return True

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._contents.octets -= self._octets
        self._octets = 0
