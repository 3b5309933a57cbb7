"""What a tenant's session has that a stranger's has not: an account, and mail that belongs to it.

What it promises: a session counts as one of its account's connections from the moment it belongs to it, and
that is given back once; mail of an account that was cancelled since MAIL is not taken.
How it fails: a store that is away is a PublicError, answered by the loop.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gateway.model import reply
from gateway.model.delivery import Sender
from gateway.model.facts import Account, AccountState
from gateway.model.reply import PublicError, Reply
from gateway.pipeline.accept import Transaction
from gateway.settings.schema import LimitsSection, ListenerSection
from gateway.smtp.commands import Conversation
from gateway.smtp.session import Mailing, Visit
from gateway.submission.context import SubmissionContext


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose mail it is. ``proven``: by AUTH; else by the trusted network it comes from."""

    account: Account
    proven: bool


class TenantSession(Conversation):
    """A session that belongs to an account before it sends."""

    extensions: ClassVar[tuple[str, ...]] = ("DSN",)  # RFC 3461: senders of ours hear what became of it
    context: SubmissionContext
    limits: LimitsSection

    def __init__(self, visit: Visit, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(visit, loop)
        self.standing: Standing | None = None
        self._account_key: bytes | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody has logged in."""
        return self.standing is not None and self.standing.proven

    @property
    def offers_auth(self) -> bool:
        """Whether a password may be sent here as things are: RFC 4954 section 4."""
        listener = self.visit.listener
        return self.is_encrypted or (isinstance(listener, ListenerSection) and listener.auth_without_tls)

    def enter_account(self, standing: Standing) -> Reply | None:
        """Let the session belong to an account; the Reply is the refusal, for its connections are many."""
        key = b"account:%d" % standing.account.id
        if not self.context.presence.enter(key, self.limits.connections_per_account):
            self.context.meter.count("connections_denied_total", reason="account")
            return reply.ACCOUNT_BUSY
        self.leave()
        self._account_key = key
        self.standing = standing
        self._clients.clear()
        return None

    def leave(self) -> None:
        """Let the session count for no account."""
        key, self._account_key = self._account_key, None
        if key is not None:
            self.context.presence.leave(key)

    def forget(self) -> None:
        """Forget who it was, too: RFC 3207 section 4.2."""
        super().forget()
        self.standing = None

    async def admit(self) -> Reply | None:
        """Find the account of a trusted network; the Reply is the refusal where there is none."""
        if self.standing is not None:
            return None
        address = self.visit.peer.address
        for trusted in self.context.section.trusted:
            if address in trusted.network:
                account = await self.context.accounts.by_name(trusted.account)
                if account is not None:
                    return self.enter_account(Standing(account, proven=False))
        return reply.AUTH_REQUIRED if self.offers_auth or not self.offers_starttls else reply.TLS_FIRST

    async def open(self, sender: Sender) -> Transaction | Reply:
        """Begin a transaction of the account."""
        assert self.standing is not None
        return await self.context.intake.begin(self.client(sender), self.standing.account.id, sender)

    async def finish(self, mailing: Mailing, content: bytes | Reply) -> Reply:
        """Hand the content over, unless the account was cancelled since MAIL: a content may take minutes."""
        if not isinstance(content, Reply):
            content = await self._cancelled() or content
        return await super().finish(mailing, content)

    async def _cancelled(self) -> Reply | None:
        assert self.standing is not None
        try:
            account = await self.context.accounts.by_id(self.standing.account.id)
        except PublicError as error:
            return error.reply
        gone = account is None or account.state is AccountState.CANCELLED
        return reply.ACCOUNT_CANCELLED if gone else None

    def particulars(self) -> Mapping[str, object]:
        """Return whose session it was."""
        return {"account": self.standing.account.name if self.standing else ""}
