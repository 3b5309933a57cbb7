"""The table of commands: aiosmtpd finds them by their names, each is a call into the module of its theme."""

from typing import ClassVar

from gateway.model import reply
from gateway.model.reply import Reply
from gateway.smtp import envelope, greeting, transfer
from gateway.smtp.session import Session


class Conversation(Session):
    """A session that knows all commands; an argument is what stood behind the verb, "" for nothing."""

    help: ClassVar[Reply] = reply.HELP

    async def smtp_EHLO(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.1."""
        self.answer(greeting.ehlo(self, argument))

    async def smtp_HELO(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.1."""
        self.answer(greeting.helo(self, argument))

    async def smtp_STARTTLS(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 3207."""
        self.answer(await greeting.starttls(self, argument))

    async def smtp_AUTH(self, argument: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's names
        """RFC 4954: for a server that knows who its people are."""
        self.answer(reply.NOT_IMPLEMENTED)

    async def smtp_MAIL(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.2."""
        self.answer(await envelope.mail(self, argument or ""))

    async def smtp_RCPT(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.3."""
        self.answer(await envelope.rcpt(self, argument or ""))

    async def smtp_DATA(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.4."""
        self.answer(await transfer.data(self, argument or ""))

    async def smtp_BDAT(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 3030."""
        self.answer(await transfer.bdat(self, argument))

    async def smtp_RSET(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.5."""
        self.answer(greeting.rset(self, argument or ""))

    async def smtp_NOOP(self, argument: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.9."""
        self.answer(greeting.noop())

    async def smtp_VRFY(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.6."""
        self.answer(greeting.vrfy(argument or ""))

    async def smtp_EXPN(self, argument: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.7: nobody is told who reads a list."""
        self.answer(reply.NOT_IMPLEMENTED)

    async def smtp_HELP(self, argument: str | None) -> None:  # noqa: ARG002, N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.8."""
        self.answer(self.help)

    async def smtp_QUIT(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 5321 section 4.1.1.10."""
        self.answer(greeting.quit_(self, argument or ""))
