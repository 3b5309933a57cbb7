"""What the pages need of the world: one port, in words of the domain.

``origin`` is who asks, by which way, for the consent ledger. The calls block (they run in threads) and may be
repeated: leaving twice is leaving once. They raise ``StoreAway`` (gateway.model.reply) when the store cannot
be asked; the visitor is told to try again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.model.address import Address
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.undo import Undo


class Via(StrEnum):
    """How somebody left."""

    ONE_CLICK = "one-click"  # RFC 8058: the mail program's own button
    PAGE = "page"
    LETTER = "letter"  # the page that a letter of ours leads to


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: a subscription, as a link names it."""

    account_id: int
    list_id: int
    address_hash: bytes


@dataclass(frozen=True, slots=True)
class Brand:
    """What an account may change of the looks; "" where it does not."""

    colour: str = ""  # "#rrggbb"
    logo: str = ""  # the name of its picture, for ``Leaving.logo``
    width: int = 0  # pixels of the logo
    height: int = 0


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture of one of the kinds that gateway.model.picture knows."""

    media_type: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Story:
    """What a page may tell of a subscription to whoever holds its link. Times: seconds since the epoch."""

    account: str
    mail_list: str  # its name, or its List-Id where it has none
    list_id: str
    domains: tuple[str, ...]  # verified to be the account's
    address: str  # masked
    state: SubscriptionState
    changed_at: float
    paused_until: float  # 0.0: not paused
    basis: Basis
    source: str
    since: float
    brand: Brand = Brand()


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The subscription is ended, from now on."""


@dataclass(frozen=True, slots=True)
class AlreadyUnsubscribed:
    """It was ended before."""

    since: float  # seconds since the epoch, UTC


@dataclass(frozen=True, slots=True)
class Paused:
    """The pause stands, until then."""

    until: float


@dataclass(frozen=True, slots=True)
class Undone:
    """What was done is taken back."""


@dataclass(frozen=True, slots=True)
class NothingToUndo:
    """Something has happened since."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The complaint is on record, and the subscription is ended."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A letter goes out that asks whether it was them, or one has gone out within the hour."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no such account, list or subscription, or no more."""


class Leaving(Protocol):
    """The consent book, as those who leave see it."""

    def story(self, reader: Reader) -> Story | None:
        """Return what there is to tell, or None where the subscription, its list or its account is gone."""
        ...

    def unsubscribe(
        self, reader: Reader, submission: bytes, now: float, origin: Origin
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End the subscription, by a link of a submission (16 octets); durable when it returns."""
        ...

    def leave_all(
        self, reader: Reader, now: float, origin: Origin
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End all subscriptions of the reader at the account, and keep those of the future from beginning."""
        ...

    def pause(
        self, reader: Reader, until: float, now: float, origin: Origin
    ) -> Paused | AlreadyUnsubscribed | Unknown:
        """Stop the list's mail until then."""
        ...

    def undo(self, what: Undo, now: float, origin: Origin) -> Undone | NothingToUndo:
        """Take back a leaving or a pause; never a complaint."""
        ...

    def report(
        self, reader: Reader, submission: bytes, now: float, origin: Origin, words: str
    ) -> Reported | Unknown:
        """Record a complaint about a submission (16 octets), which ends the subscription too."""
        ...

    def ask(self, reader: Reader, write: Callable[[Address], bytes], now: float) -> Asked | Unknown:
        """Send the reader a letter; ``write`` makes its content for the address. One an hour at most."""
        ...

    def logo(self, name: str) -> Logo | None:
        """Return the picture of that name, or None."""
        ...
