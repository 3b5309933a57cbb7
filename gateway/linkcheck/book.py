"""What the watch needs of the store: which hosts messages have named, and a place for what was found."""

from typing import Protocol

from gateway.model.mention import Mention, Mentions


class LinkBook(Protocol):
    """The calls block, and raise StoreAway."""

    def end(self) -> int:
        """Return the place behind everything that there is."""
        ...

    def after(self, place: int) -> Mentions:
        """Return the next mentions, of a bounded number of events."""
        ...

    def record(self, mention: Mention, why: str, now: float) -> None:
        """Keep that nobody answers there: a Tampering event, once a day for each account and host."""
        ...
