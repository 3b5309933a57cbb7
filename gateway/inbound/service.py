"""The MX side's server of one worker: no AUTH, no accounts, no promise of reports."""

from typing import ClassVar

from gateway.inbound.context import InboundContext
from gateway.inbound.reception import Envelope
from gateway.model import reply
from gateway.model.delivery import Sender
from gateway.model.reply import Reply
from gateway.smtp import commands
from gateway.smtp.server import SmtpServer


class Conversation(commands.Conversation):
    """A stranger's session."""

    help: ClassVar[Reply] = reply.INBOUND_HELP
    context: InboundContext

    async def open(self, sender: Sender) -> Envelope | Reply:
        """Begin a letter."""
        if sender.ret or sender.envid:  # RFC 3461 is not offered: whoever uses it all the same would wait
            return reply.BAD_PARAMETER.fill(parameter="RET" if sender.ret else "ENVID")
        return self.context.intake.begin(self.client(sender), sender)


class InboundServer(SmtpServer):
    """Serves strangers."""

    conversation: ClassVar[type[commands.Conversation]] = Conversation
