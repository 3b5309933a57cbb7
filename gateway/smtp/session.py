"""One SMTP session: who talks, what they have said so far, and the loop that obeys.

What it promises: every reply comes from ``gateway.model.reply`` and is counted once; budgets of commands and
errors are kept; whatever a command does wrong, the session answers 451 and goes on. What was reserved for a
transaction is given back exactly once, unless the intake has taken the content over.
How it fails: it does not; ``converse`` returns when the session is over, whatever the reason.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import ClassVar

import structlog

from gateway.model import reply
from gateway.model.delivery import Sender
from gateway.model.facts import Client
from gateway.model.reply import Intermediate, PublicError, Reply
from gateway.model.values import dataclass
from gateway.settings.schema import SmtpListenerSection
from gateway.smtp.content import ChunkReader
from gateway.smtp.contents import Share
from gateway.smtp.context import Peer, SmtpContext
from gateway.smtp.wire import Gone, Interrupted, LineTooLong, Retired, TimedOut, Wire

log = structlog.get_logger("smtp")

QUIT = "quit"
"""How a session ends when the client wants it to."""

Answer = Reply | Intermediate | None
"""What a command answers; None when it has answered by itself."""

# What a client does wrong, and not what its message or its recipients are: a tenant with many recipients
# who have left must not lose the session for it.
_ERRORS = frozenset({500, 501, 502, 503, 504, 530, 535, 538, 555})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_SMTP = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"})


@dataclass(slots=True)
class Mailing:
    """A transaction, as the session sees it. ``chunks``: what BDAT has brought, None before the first."""

    transaction: object  # the intake's own
    sender: Sender
    share: Share  # of the memory for contents
    accepted: int = 0
    chunks: ChunkReader | None = None
    failed: bool = False  # a BDAT failed: nothing but RSET helps, RFC 3030 section 2


@dataclass(slots=True)
class Tally:
    """What a session is measured by."""

    commands: int = 0  # since the last message
    errors: int = 0
    mailings: int = 0
    messages: int = 0  # accepted


@dataclass(frozen=True, slots=True)
class Visit:
    """Who comes to which door, and the rules that were in force then."""

    context: SmtpContext
    listener: SmtpListenerSection
    peer: Peer


class Session(Wire):
    """The state of one connection and its loop; ``gateway.smtp.commands`` has the commands.

    A server of its own kind says in ``admit`` and ``open`` who may send, and may offer ``extensions``.
    """

    extensions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, visit: Visit, loop: asyncio.AbstractEventLoop) -> None:
        limits = visit.context.section.limits
        super().__init__(visit.context.hostname, limits.idle, limits.command_line, loop)
        self.visit = visit
        self.context = visit.context
        self.limits = limits
        self.tally = Tally()
        self.mailing: Mailing | None = None
        self._ending = ""  # why the session is over, once it is
        self._verb = ""
        self._clients: dict[bool, Client] = {}

    # The loop

    async def converse(self) -> None:
        """Greet, obey until the end, and give everything back. The listener's task runs this."""
        try:
            self.write(Intermediate(220, f"{self.context.hostname} ESMTP Consentry").wire())
            while not self._ending:
                await self._next_command()
        except TimedOut:
            self._say_last(reply.IDLE_TIMEOUT, "idle")
        except Retired:
            self._say_last(reply.SHUTTING_DOWN, "shutdown")
        except Gone:
            self.end("lost")
        finally:
            self.abandon()
            self.leave()
        await (self.close() if self._ending == QUIT else self.hang_up())
        self._tell_end()

    async def _next_command(self) -> None:
        try:
            line = await self.line()
        except LineTooLong:
            self._verb = "-"
            self.answer(reply.LINE_TOO_LONG)
            return
        self.tally.commands += 1
        if self.tally.commands > self.limits.commands:
            self._say_last(reply.TOO_MANY_COMMANDS, "commands")
            return
        await self._obey(line)

    async def _obey(self, line: bytes) -> None:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            self._verb = "-"
            self.answer(reply.NOT_ASCII)
            return
        verb, _, argument = text.partition(" ")
        command = self._smtp_methods.get(verb) or self._smtp_methods.get(verb.upper())
        self._verb = command.__name__[5:] if command else "-"
        if command is None:
            self._refuse_unknown(verb)
            return
        if not text.isprintable() and _CONTROL.search(text):
            self.answer(reply.BAD_SYNTAX.fill(syntax="no control characters in a command"))
            return
        try:
            await command(argument.strip(" "))
        except Interrupted:
            raise
        except PublicError as error:
            log.warning("command failed", command=self._verb, ip=self.visit.peer.ip, exc_info=True)
            self.answer(error.reply)
        except Exception:
            log.exception("command failed", command=self._verb, ip=self.visit.peer.ip)
            self.answer(reply.LOCAL_ERROR)

    def _refuse_unknown(self, verb: str) -> None:
        # A browser that was made to talk to us, or a content whose DATA was refused: nothing good follows.
        if verb.upper() in _NO_SMTP or verb.endswith(":"):
            self._say_last(reply.NOT_SMTP, "no SMTP")
            return
        self.answer(reply.UNKNOWN_COMMAND)

    # Answers

    def answer(self, answer: Answer) -> None:
        """Say it; a refusal is counted, and too many of them end the session."""
        if answer is None:
            return
        if isinstance(answer, Reply) and not answer.is_positive:
            answer = self._count(answer)
        self.write(answer.wire())

    def _count(self, refusal: Reply) -> Reply:
        """Count a refusal; return what the client is to hear instead when it was one too many."""
        reason = f"{refusal.code} {refusal.enhanced}"
        self.context.meter.count("smtp_server_rejections_total", command=self._verb, reason=reason)
        if refusal.code != 550 or refusal.subject == 6:  # a policy's refusal has an event of its own
            log.info("refused", command=self._verb, reply=reason, ip=self.visit.peer.ip)
        if refusal.code in _ERRORS and refusal is not reply.NO_RECIPIENTS:
            self.tally.errors += 1
            if self.tally.errors > self.limits.errors:
                self.end("errors")
                return reply.TOO_MANY_ERRORS
        if refusal.code == 421:  # RFC 5321 section 3.8: the server closes after it
            self.end("refused")
        return refusal

    def _say_last(self, refusal: Reply, reason: str) -> None:
        self.end(reason)
        self.answer(refusal)

    def end(self, reason: str) -> None:
        """End the session after this command; the first reason stands."""
        if not self._ending:
            self._ending = reason

    def _tell_end(self) -> None:
        log.info(
            "session ended",
            listener=str(self.visit.listener.listen),
            ip=self.visit.peer.ip,
            messages=self.tally.messages,
            errors=self.tally.errors,
            reason=self._ending,
            **self.particulars(),
        )

    # What each kind of server says for itself

    async def admit(self) -> Reply | None:
        """Say at MAIL whether this client may send at all; a Reply is the refusal."""
        return None

    async def open(self, sender: Sender) -> object:
        """Begin a transaction of the intake; a Reply is the refusal."""
        raise NotImplementedError

    def leave(self) -> None:
        """Give back what the session holds beside its transaction."""

    def particulars(self) -> Mapping[str, object]:
        """Return what the session's last log line says beside what every server's does."""
        return {"service": self.context.service}

    # Who talks

    def client(self, sender: Sender) -> Client:
        """Say who hands in a message from that sender; the same value as long as nothing changes."""
        known = self._clients.get(sender.smtputf8)
        if known is None:
            known = self._clients[sender.smtputf8] = Client(
                ip=self.visit.peer.ip,
                port=self.visit.peer.port,
                helo=self.session.host_name or "",
                protocol=self._protocol_word(sender),
                authenticated=self.is_authenticated,
            )
        return known

    def _protocol_word(self, sender: Sender) -> str:
        """Return the "with" of a Received line: RFC 3848, and RFC 6531 section 4.3."""
        if not self.session.extended_smtp:
            return "SMTP"
        base = "UTF8SMTP" if sender.smtputf8 else "ESMTP"
        return base + ("S" if self.is_encrypted else "") + ("A" if self.is_authenticated else "")

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody has logged in."""
        return False

    @property
    def offers_auth(self) -> bool:
        """Whether a password may be sent here as things are: RFC 4954 section 4."""
        return False

    @property
    def offers_starttls(self) -> bool:
        """Whether STARTTLS is possible now."""
        return (
            self.context.tls is not None and self.visit.listener.tls == "starttls" and not self.is_encrypted
        )

    def introduce(self, name: str) -> None:
        """Begin anew as EHLO or HELO does: no transaction, and the name that the client gives itself."""
        self.abandon()
        self.session.host_name = name
        self.session.extended_smtp = self._verb == "EHLO"
        self._clients.clear()

    def forget(self) -> None:
        """Forget everything that was said: RFC 3207 section 4.2."""
        self.abandon()
        self.leave()
        self.session = self._create_session()
        self._clients.clear()

    # Transactions

    def abandon(self) -> None:
        """Give the transaction back, if there is one that the intake has not taken over."""
        mailing, self.mailing = self.mailing, None
        if mailing is not None:
            mailing.share.give_back()
            self.context.intake.abandon(mailing.transaction)

    async def finish(self, mailing: Mailing, content: bytes | Reply) -> Reply:
        """Hand the content over, or refuse it; either way the transaction is over.

        From here on the intake gives back by itself. The wait is never cancelled by a lost connection.
        """
        if isinstance(content, Reply):
            self.abandon()
            return content
        self.mailing = None
        try:
            answer = await self.context.intake.finish(mailing.transaction, content)
        finally:
            mailing.share.give_back()
        if answer.is_positive:
            self.tally.messages += 1
            self.tally.commands = 0
        return answer
