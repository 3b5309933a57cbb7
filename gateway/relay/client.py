"""One connection to a smarthost: aiosmtplib sets the session up, then each copy is sent by our own words.

aiosmtplib does what happens once (connect, greeting, EHLO, STARTTLS, AUTH, with its time-outs); after that
the transport is ours, because a copy costs it 0.3 to 0.5 ms and a dialogue of five round trips. Here MAIL,
RCPT and DATA go in one write where the hop offers PIPELINING (RFC 2920).

What it promises: ``dial`` gives a connection or raises HopUnreachable; ``send`` gives what the hop said to
this one copy, or raises ``Stale`` while the hop cannot have taken it, and HopBroken when it may have: then
the copy is sent again, which is the one duplicate that we allow. UnfitContent comes before the first octet.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from gateway.ports import Copy, HopBroken, HopReply, HopUnreachable
from gateway.relay.dialogue import Dialogue
from gateway.relay.outcome import parse_enhanced
from gateway.relay.target import Target, TlsMode
from gateway.relay.wire import (
    DATA,
    LONE_DOT,
    RSET,
    Envelope,
    Offers,
    UnfitContent,
    WireReply,
    frame,
    write_envelope,
)

__all__ = ["Connection", "Stale", "UnfitContent", "dial"]

_LARGE = 262_144  # octets; more than this is framed in a thread
_COMMANDS = ("MAIL", "RCPT", "DATA")


class Stale(HopBroken):
    """The connection was lost before the content was on the wire: another one may be tried at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the hop may take, seconds (RFC 5321 section 4.5.3.2)."""

    connect: float
    command: float
    data: float


class Connection:
    """An open session. One copy at a time; ``sent`` counts them."""

    def __init__(self, dialogue: Dialogue, offers: Offers, host: str, patience: Patience) -> None:
        self.sent = 0
        self._dialogue = dialogue
        self._offers = offers
        self._host = host
        self._patience = patience
        self._needs_reset = False

    @property
    def usable(self) -> bool:
        """Whether another copy may be tried on it."""
        return self._dialogue.alive

    def close(self) -> None:
        """End it with QUIT, if there is still someone to say it to."""
        self._dialogue.farewell()

    async def send(self, copy: Copy) -> HopReply:
        """Hand one copy over and return what decided: the first refusal, or the reply to the end of data."""
        envelope = write_envelope(copy, self._offers)
        if isinstance(envelope, HopReply):
            return envelope
        large = len(copy.content) > _LARGE
        framed = await asyncio.to_thread(frame, copy.content) if large else frame(copy.content)
        self.sent += 1
        refusal = await self._announce(envelope)
        if refusal is not None:
            return refusal
        return await self._hand_over(framed)

    async def _announce(self, envelope: Envelope) -> HopReply | None:
        """Get as far as 354; a reply is the refusal."""
        commands = (envelope.mail, envelope.rcpt, DATA)
        if self._offers.pipelining:
            replies = await self._ask_at_once(commands)
        else:
            replies = await self._ask_in_turn(commands)
        return await self._judge(replies)

    async def _ask_at_once(self, commands: tuple[bytes, ...]) -> list[WireReply]:
        """RFC 2920 section 3.1: DATA is the last of its group."""
        if not self._needs_reset:
            return await self._dialogue.ask((b"".join(commands),), 3, self._patience.command)
        self._needs_reset = False
        replies = await self._dialogue.ask((RSET + b"".join(commands),), 4, self._patience.command)
        return replies[1:] if self._was_reset(replies) else replies[:1]

    async def _ask_in_turn(self, commands: tuple[bytes, ...]) -> list[WireReply]:
        if self._needs_reset:
            self._needs_reset = False
            answer = await self._dialogue.ask((RSET,), 1, self._patience.command)
            if not self._was_reset(answer):
                return answer
        replies: list[WireReply] = []
        for command in commands:
            replies += await self._dialogue.ask((command,), 1, self._patience.command)
            if len(replies) == 0 or replies[-1].code >= 400:
                break
        return replies

    def _was_reset(self, replies: list[WireReply]) -> bool:
        """Whether RSET was taken: it always is (RFC 5321 section 4.1.1.5), except by a hop that closes."""
        if replies and replies[0].code // 100 == 2:
            return True
        if replies and replies[0].code != 421:
            self._dialogue.die("RSET was refused")
            raise Stale(self._why())
        return False

    async def _judge(self, replies: list[WireReply]) -> HopReply | None:
        for reply, command in zip(replies, _COMMANDS, strict=False):
            if reply.code >= 400:
                await self._leave_transaction(replies, command)
                return self._said(reply, command)
            if reply.code != 354 if command == "DATA" else reply.code >= 300:
                self._dialogue.die(f"{reply.code} makes no sense after {command}")
                raise Stale(self._why())
        if len(replies) < len(_COMMANDS):
            raise Stale(self._why())
        return None

    async def _leave_transaction(self, replies: list[WireReply], refused: str) -> None:
        if len(replies) == len(_COMMANDS) and replies[2].code == 354:
            # RFC 2920 section 3.1: the server waits for content although it refused the recipient.
            await self._dialogue.ask((LONE_DOT,), 1, self._patience.data)
        else:
            self._needs_reset = refused != "MAIL"

    async def _hand_over(self, framed: tuple[bytes, bytes]) -> HopReply:
        replies = await self._dialogue.ask(framed, 1, self._patience.data)
        if not replies:
            raise HopBroken(self._why())
        reply, early = replies[0], self._dialogue.unsent
        if early:
            self._dialogue.die("it answered before the end of data")
        if reply.code >= 400 or (200 <= reply.code < 300 and not early):
            return self._said(reply, "end of data")
        self._dialogue.die(f"{reply.code} makes no sense after the end of data")
        raise HopBroken(self._why())

    def _said(self, reply: WireReply, command: str) -> HopReply:
        enhanced, text = parse_enhanced(reply.code, reply.text)
        return HopReply(reply.code, enhanced, text, command, self._host, self._offers.dsn)

    def _why(self) -> str:
        return f"{self._host}: {self._dialogue.why or 'the dialogue was cut short'}"


class _TlsFailed(Exception):
    """STARTTLS was offered and did not come about."""


async def dial(target: Target, hostname: str, patience: Patience) -> Connection:
    """Open a session to a smarthost; raise HopUnreachable with a reason for the operator."""
    try:
        try:
            return await _open(target, target.tls, hostname, patience)
        except _TlsFailed as error:
            if target.tls is not TlsMode.OPPORTUNISTIC or target.username:
                raise HopUnreachable(f"{target.label}: TLS failed: {error}") from error
            # RFC 7435: opportunistic security takes what it gets; the state after a failed start is unknown,
            # so it is a new connection.
            return await _open(target, TlsMode.NONE, hostname, patience)
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
        raise HopUnreachable(f"{target.label}: {_reason(error)}") from error


async def _open(target: Target, tls: TlsMode, hostname: str, patience: Patience) -> Connection:
    implicit = tls is TlsMode.IMPLICIT
    context = await asyncio.to_thread(target.context) if tls is not TlsMode.NONE else None
    session = aiosmtplib.SMTP(
        hostname=target.host,
        port=target.port,
        local_hostname=hostname,
        use_tls=implicit,
        start_tls=False,
        tls_context=context,
    )
    try:
        await session.connect(timeout=patience.connect)
        session.timeout = patience.command
        await _greet(session)
        if tls in {TlsMode.OPPORTUNISTIC, TlsMode.REQUIRE}:
            await _start_tls(session, tls, patience)
        await _log_in(session, target)
        return _take_over(session, target, patience)
    except BaseException:
        session.close()
        raise


async def _greet(session: aiosmtplib.SMTP) -> None:
    try:
        await session.ehlo()
    except aiosmtplib.SMTPHeloError:
        await session.helo()  # RFC 5321 section 3.2: for hops that know no EHLO


async def _start_tls(session: aiosmtplib.SMTP, tls: TlsMode, patience: Patience) -> None:
    if not session.supports_extension("starttls"):
        if tls is TlsMode.REQUIRE:
            raise _TlsFailed("STARTTLS is not offered")
        return
    try:
        await session.starttls(timeout=patience.connect)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _TlsFailed(_reason(error)) from error
    await _greet(session)  # RFC 3207 section 4.2: what came before is forgotten


async def _log_in(session: aiosmtplib.SMTP, target: Target) -> None:
    if not target.username:
        return
    if target.tls is not TlsMode.NONE and session.get_transport_info("sslcontext") is None:
        raise aiosmtplib.SMTPException('credentials need TLS; tls = "none" is how to send them in the clear')
    await session.login(target.username, target.password)


def _take_over(session: aiosmtplib.SMTP, target: Target, patience: Patience) -> Connection:
    transport = session.transport
    if transport is None or transport.is_closing():
        raise aiosmtplib.SMTPServerDisconnected("closed right after the session was set up")
    dialogue = Dialogue(cast("asyncio.Transport", transport))
    return Connection(dialogue, _offers(session.esmtp_extensions), target.label, patience)


def _offers(extensions: dict[str, str]) -> Offers:
    size = extensions.get("size", "").split(" ", 1)[0]
    return Offers(
        pipelining="pipelining" in extensions,
        size_known="size" in extensions,
        size_limit=int(size) if size.isascii() and size.isdigit() and len(size) < 20 else 0,
        eight_bit="8bitmime" in extensions,
        smtputf8="smtputf8" in extensions,
        dsn="dsn" in extensions,
    )


def _reason(error: BaseException) -> str:
    """Say what happened on one printable line."""
    text = " ".join(str(part) for part in error.args) or type(error).__name__
    return "".join(char if " " <= char <= "~" else "?" for char in text[:300])
