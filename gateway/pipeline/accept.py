"""The sequence from MAIL to 250: readable from top to bottom.

The SMTP side speaks to ``Intake`` only; every method gives a Reply and never an exception of its own
making. After ``finish`` has answered 250 the message is durable.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.model.delivery import Recipient, Sender
from gateway.model.facts import Account, Client, RecipientFacts
from gateway.model.reply import Reply
from gateway.pipeline.shelf import Shelf


@dataclass(slots=True)
class Transaction:
    """One MAIL to end of data. It keeps the shelf it began with, whatever is reloaded meanwhile."""

    client: Client
    account: Account
    sender: Sender
    shelf: Shelf
    recipients: list[tuple[Recipient, RecipientFacts]] = field(default_factory=list)


class Intake:
    """What a submission session may ask; one for each worker, shared by all its sessions."""

    shelf: Callable[[], Shelf]

    async def begin(self, client: Client, account_id: int, sender: Sender) -> Transaction | Reply:
        """Judge the sender at MAIL. A Reply is the refusal."""
        raise NotImplementedError

    async def recipient(self, transaction: Transaction, recipient: Recipient) -> Reply:
        """Judge one RCPT; on a positive reply it is part of the transaction."""
        raise NotImplementedError

    def check_room(self) -> Reply | None:
        """Say before the content is read whether there is room to keep it; a Reply is the refusal."""
        raise NotImplementedError

    async def finish(self, transaction: Transaction, content: bytes) -> Reply:
        """Judge, rewrite and keep the content (CRLF line ends only); 250 means that it is on the disk."""
        raise NotImplementedError

    def abandon(self, transaction: Transaction) -> None:
        """Give back what the transaction has reserved: RSET, a lost connection, a refused content."""
        raise NotImplementedError
