"""The token of an undo: a link's token whose last 16 octets say what is taken back, and until when it may be.

Unlike the links in mail it expires. It is given out by the page that answers a POST and stands in no mail, so
that a mail's link alone never brings anybody back. It names the very moment that it undoes: once something
else has happened to the subscription, it does nothing.

Those 16 octets, big-endian: 8 the moment (a double, seconds since the epoch), 4 until when (seconds), 1 which
step, 3 zero.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from gateway.model.token import BadToken, Purpose, Token

_FORM = struct.Struct(">dIB3x")


class Step(IntEnum):
    """What is taken back."""

    LEFT = 1
    PAUSED = 2


@dataclass(frozen=True, slots=True)
class Undo:
    """``moment``: when it was left, or until when it is paused; ``expires``: seconds since the epoch.

    A ``list_id`` of 0: all lists of the account.
    """

    step: Step
    account_id: int
    list_id: int
    address_hash: bytes
    moment: float
    expires: int

    @property
    def token(self) -> Token:
        """The token that says it."""
        said = _FORM.pack(self.moment, self.expires, self.step)
        return Token(Purpose.UNDO, self.account_id, self.list_id, self.address_hash, said)


def undo_of(token: Token) -> Undo:
    """Return what a genuine token of Purpose.UNDO takes back; raise BadToken where it says nothing."""
    moment, expires, step = _FORM.unpack(token.submission)
    try:
        known = Step(step)
    except ValueError:
        raise BadToken from None
    return Undo(known, token.account_id, token.list_id, token.address_hash, moment, expires)
