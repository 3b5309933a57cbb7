"""What the unsubscribe desk needs of the world: one port, in words of the domain."""

from dataclasses import dataclass
from typing import Protocol

from gateway.model.ledger import Origin
from gateway.model.token import Token


@dataclass(frozen=True, slots=True)
class Left:
    """The subscription is ended, from now on: of which list, at whom."""

    sender: str
    mail_list: str


@dataclass(frozen=True, slots=True)
class LeftBefore:
    """It was ended before."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no such account, list or subscription, or no more."""


class Leaving(Protocol):
    """The consent book, as those who leave by mail see it."""

    async def leave(self, token: Token, now: float, origin: Origin) -> Left | LeftBefore | Unknown:
        """End the subscription that a token names; durable when it returns. Raise StoreAway.

        ``origin`` is for the consent ledger: which machine brought the letter.
        """
        ...
