"""A message that a stranger has brought, with all that is known of how it came."""

from dataclasses import dataclass

from gateway.model.address import Address
from gateway.model.delivery import Sender
from gateway.model.facts import Client
from gateway.model.message import Message


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter in one mailbox."""

    id: str  # see gateway.model.identity: in our Received line, and in the log
    client: Client
    sender: Sender
    recipient: Address  # as the stranger wrote it
    message: Message
    received_at: float  # seconds since the epoch, UTC
