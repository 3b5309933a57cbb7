"""A letter: mail that the gateway itself writes to one reader, such as the question whether it was them."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.address import Address


class LetterKind(StrEnum):
    """What a letter is about."""

    LEAVING = "leaving"  # confirm that you want to leave
    SIGNUP = "signup"  # confirm that you want to be on a list
    REMINDER = "signup-reminder"  # the same once more, and never again
    INVITATION = "invitation"  # a reader recommends a list to a friend


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. ``content``: a whole message with CRLF line ends, unsigned."""

    kind: LetterKind
    account_id: int  # whose reader it is; the letter itself is the provider's
    list_id: int
    address_hash: bytes
    to: Address
    content: bytes
