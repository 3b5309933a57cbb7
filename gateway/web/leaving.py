"""What the pages need of the world: one port, in words of the domain.

The calls block (they run in threads) and may be repeated: leaving twice is leaving once. They raise
``StoreAway`` (gateway.model.reply) when the store cannot be asked; the visitor is told to try again.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Via(StrEnum):
    """How somebody left."""

    ONE_CLICK = "one-click"  # RFC 8058: the mail program's own button
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Names:
    """What a page calls the sender and the list; ``mail_list`` is "" for mail that names none."""

    account: str
    mail_list: str


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The subscription is ended, from now on."""


@dataclass(frozen=True, slots=True)
class AlreadyUnsubscribed:
    """It was ended before."""

    since: float  # seconds since the epoch, UTC


@dataclass(frozen=True, slots=True)
class Reported:
    """The complaint is on record, and the subscription is ended."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no such account, list or subscription, or no more."""


class Leaving(Protocol):
    """The consent book, as those who leave see it."""

    def names(self, account_id: int, list_id: int) -> Names | None:
        """Return how to call the sender and the list, or None when they are gone."""
        ...

    def unsubscribe(
        self, account_id: int, list_id: int, address_hash: bytes, now: float, via: Via
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End the subscription; durable when it returns."""
        ...

    def report(
        self, account_id: int, list_id: int, address_hash: bytes, submission: bytes, *, now: float, words: str
    ) -> Reported | Unknown:
        """Record a complaint about a submission (16 octets), which ends the subscription too."""
        ...
