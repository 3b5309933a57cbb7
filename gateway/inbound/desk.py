"""Whoever reads a mailbox."""

from dataclasses import dataclass
from typing import Protocol

from gateway.inbound.letter import Letter
from gateway.model.reply import Reply


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a letter: what the client hears, and a slug for the counter."""

    reply: Reply
    result: str


class Desk(Protocol):
    """Reads the letters of one kind of mailbox."""

    def admit(self) -> Reply | None:
        """Say at RCPT that nothing can be taken now; None: come in."""
        ...

    async def take(self, letter: Letter) -> Taken:
        """Read one letter; what it asks for is durable when this returns. Raise a PublicError.

        It may be called again for the same letter, when the client has not heard our answer.
        """
        ...
