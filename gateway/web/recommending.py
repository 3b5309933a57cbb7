"""What the pages of recommending need of the world: one port, in words of the domain.

The calls block (they run in threads). They raise ``StoreAway`` (gateway.model.reply) when the store cannot be
asked. ``recommend`` tells nothing of what became of it, so that no page can.
"""

from typing import Protocol

from gateway.model.address import Address
from gateway.model.recommendation import Recommendation
from gateway.web.joining import Offer
from gateway.web.leaving import Reader


class Recommending(Protocol):
    """The consent book, as those who recommend and those who are invited see it."""

    def offer_to_recommend(self, reader: Reader) -> Offer | None:
        """Return the list of a reader; None unless they are on it."""
        ...

    def is_theirs(self, reader: Reader, address: Address) -> bool:
        """Whether an address is the reader's own."""
        ...

    def person(self, address: Address) -> bytes:
        """Return what a person is counted under, whatever the account."""
        ...

    def recommend(self, what: Recommendation, now: float) -> object:
        """Invite the friend, or not; durable when it returns."""
        ...

    def invitation(self, reader: Reader, invitation_id: bytes) -> Offer | None:
        """Return the list of an invitation; None where there is none, or the list is gone."""
        ...

    def never_again(self, reader: Reader, invitation_id: bytes, now: float) -> bool:
        """Keep all accounts from inviting this person; False where there is no such invitation."""
        ...
