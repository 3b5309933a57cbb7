"""The submission server of one worker, and all that its clients may say to it."""

from typing import ClassVar

from gateway.smtp import commands
from gateway.smtp.server import SmtpServer
from gateway.submission import login
from gateway.submission.tenant import TenantSession


class Conversation(TenantSession):
    """A tenant's session with all its commands: those of every session, and AUTH."""

    async def smtp_AUTH(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's names
        """RFC 4954."""
        self.answer(await login.auth(self, argument or ""))


class SubmissionServer(SmtpServer):
    """Serves tenants."""

    conversation: ClassVar[type[commands.Conversation]] = Conversation
