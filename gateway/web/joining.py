"""What the pages of joining need of the world: one port, in words of the domain.

The calls block (they run in threads) and may be repeated. They raise ``StoreAway`` (gateway.model.reply) when
the store cannot be asked. ``ask`` tells nothing of what became of a wish, so that no page can.
"""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from gateway.model.ledger import Origin
from gateway.model.recommendation import Invitation
from gateway.model.signup import Pending, Wish
from gateway.web.languages import Language
from gateway.web.leaving import Brand, Reader

_NO_BRAND = Brand()


@dataclass(frozen=True, slots=True)
class Offer:
    """A list as one may join it."""

    account_id: int
    number: int  # the list's
    account: str
    mail_list: str  # its name, or its List-Id where it has none
    list_id: str
    description: str
    frequency: str
    domains: tuple[str, ...] = ()  # verified to be the account's
    brand: Brand = _NO_BRAND
    is_open: bool = True  # whether its account may write to anybody

    @property
    def place(self) -> str:
        """The end of its form's address."""
        return f"{self.account}/{quote(self.list_id, safe='')}"

    def shown(self, language: Language) -> tuple[str, ...]:
        """Return what somebody is told who joins, a paragraph each."""
        return shown(language, self)


def shown(language: Language, offer: Offer | Pending) -> tuple[str, ...]:
    """Return what somebody is told who joins, a paragraph each: it is kept with their consent."""
    say = language.say
    return (
        say("You subscribe to %(list)s by %(account)s.", list=offer.mail_list, account=offer.account),
        *about(language, offer),
        say("You can leave at any time, by a link in every message."),
    )


def about(language: Language, offer: Offer | Pending | Invitation) -> tuple[str, ...]:
    """Return what a list says of itself, a paragraph each."""
    often = language.say("How often: %(frequency)s", frequency=offer.frequency)
    return (
        *((offer.description,) if offer.description else ()),
        *((often,) if offer.frequency else ()),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A sign-up that waits for its owner's answer. Times: seconds since the epoch."""

    offer: Offer
    address: str  # masked
    asked_at: float
    source: str


@dataclass(frozen=True, slots=True)
class Joined:
    """They are on the list; ``since`` 0.0: from now on."""

    offer: Offer
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """It was not them, and no form of the account writes to them."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class Over:
    """The sign-up is gone; the offer where it still stands."""

    offer: Offer | None


class Joining(Protocol):
    """The consent book, as those who join see it."""

    def offer(self, account: str, list_id: str) -> Offer | None:
        """Return a list by its names; None where there is none, or its account may not write to anybody."""
        ...

    def ask(self, wish: Wish, now: float) -> object:
        """Take a wish; durable when it returns. What became of it is nothing that a page may look at."""
        ...

    def question(self, reader: Reader, signup_id: bytes, now: float) -> Question | Joined | Over:
        """Return what a letter's link is about."""
        ...

    def confirm(self, reader: Reader, signup_id: bytes, origin: Origin, now: float) -> Joined | Over:
        """Put its owner on the list; durable when it returns."""
        ...

    def refuse(
        self, reader: Reader, signup_id: bytes, origin: Origin, result: str, now: float
    ) -> TurnedDown | Over:
        """End the sign-up, and keep the account's forms from writing to its owner."""
        ...
