"""The intake of the MX side: which mailbox is meant, and who reads it.

What it promises: no mail is taken for an address that is none of ours; 250 means that what a letter asks for
is done and durable. A letter to several mailboxes is read desk by desk; where one of them cannot read it now
the client is asked to come again with the whole, which does no harm: every desk bears it.
How it fails: a PublicError of a port, which the session answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from gateway.inbound.desk import Desk, Taken
from gateway.inbound.letter import Letter
from gateway.inbound.mailboxes import Directory
from gateway.mime.scan import scan
from gateway.model import reply
from gateway.model.delivery import Recipient, Sender
from gateway.model.facts import Client
from gateway.model.identity import new_id
from gateway.model.message import Message
from gateway.model.reply import PublicError, Reply
from gateway.ports import Clock, Entropy, Meter, Spool

log = structlog.get_logger("inbound")

_MOST_HOPS = 100  # RFC 5321 section 6.3: at least that many Received lines are no loop


@dataclass(slots=True)
class Envelope:
    """One letter that is being brought: its mailboxes by name, each once, in the order of the RCPTs."""

    id: str
    client: Client
    sender: Sender
    mailboxes: dict[str, Recipient] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReceptionWorld:
    """Everything that the reception needs of the world; what a reload swaps comes as a callable."""

    directory: Callable[[], Directory]
    desks: Mapping[str, Desk]
    spool: Spool
    clock: Clock
    entropy: Entropy
    meter: Meter


class Reception:
    """What a stranger's session may ask; one for each worker, shared by all its sessions."""

    def __init__(self, world: ReceptionWorld) -> None:
        self._world = world

    def begin(self, client: Client, sender: Sender) -> Envelope:
        """Take any sender: whoever writes to postmaster@ may be in trouble with his address."""
        return Envelope(new_id(self._world.clock.now(), self._world.entropy.octets(10)), client, sender)

    async def recipient(self, envelope: Envelope, recipient: Recipient) -> Reply:
        """Find the mailbox; its desk may be closed."""
        if recipient.notify or recipient.orcpt:  # RFC 3461 is not offered
            return reply.BAD_PARAMETER.fill(parameter="NOTIFY" if recipient.notify else "ORCPT")
        mailbox = self._world.directory().find(recipient.address)
        if isinstance(mailbox, Reply):
            return mailbox
        closed = self._world.desks[mailbox.name].admit()
        if closed is not None:
            self._world.meter.count("inbound_messages_total", mailbox=mailbox.name, result="closed")
            return closed
        envelope.mailboxes.setdefault(mailbox.name, recipient)
        return reply.RECIPIENT_OK

    def check_room(self) -> Reply | None:
        """Say before the content is read whether there is room for what may come of it."""
        try:
            self._world.spool.check_room()
        except PublicError as error:
            return error.reply
        return None

    def abandon(self, envelope: Envelope) -> None:
        """Forget a letter that never came whole."""
        envelope.mailboxes.clear()

    async def finish(self, envelope: Envelope, content: bytes) -> Reply:
        """Let each desk read the letter; a positive reply means that it is all done."""
        message = scan(content)
        if len(message.all(b"received")) > _MOST_HOPS:
            return reply.TOO_MANY_HOPS
        answers: list[Reply] = []
        for name, recipient in envelope.mailboxes.items():
            answer = (await self._read(name, self._letter(envelope, recipient, message))).reply
            if answer.is_transient:
                return answer
            answers.append(answer)
        return next((one for one in answers if one.is_positive), answers[0])

    def _letter(self, envelope: Envelope, recipient: Recipient, message: Message) -> Letter:
        return Letter(
            id=envelope.id,
            client=envelope.client,
            sender=envelope.sender,
            recipient=recipient.address,
            message=message,
            received_at=self._world.clock.now(),
        )

    async def _read(self, name: str, letter: Letter) -> Taken:
        try:
            taken = await self._world.desks[name].take(letter)
        except PublicError:
            self._world.meter.count("inbound_messages_total", mailbox=name, result="away")
            raise
        self._world.meter.count("inbound_messages_total", mailbox=name, result=taken.result)
        log.info("mail read", id=letter.id, mailbox=name, result=taken.result, ip=letter.client.ip)
        return taken
