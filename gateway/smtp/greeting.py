"""The commands around a transaction: EHLO, HELO, STARTTLS, NOOP, RSET, HELP, VRFY, QUIT."""

import re

import structlog

from gateway.model import reply
from gateway.model.reply import Intermediate, Reply
from gateway.smtp.session import QUIT, Answer, Session
from gateway.smtp.wire import Gone

log = structlog.get_logger("smtp")

# A domain or an address literal (RFC 5321 section 4.1.3); underscores, because many host names have them.
# It goes into a Received line, so nothing that means something there gets in.
_NAME = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._\-]{0,253}[A-Za-z0-9_.])?|\[[A-Za-z0-9.:\-]{2,60}\])\Z")


def ehlo(session: Session, argument: str) -> Answer:
    """Begin anew, and say what is offered."""
    if not _NAME.match(argument):
        return reply.BAD_SYNTAX.fill(syntax="EHLO hostname")
    session.introduce(argument)
    words = [session.context.hostname, *_offers(session)]
    for word in words[:-1]:
        session.write(f"250-{word}\r\n".encode())
    return Intermediate(250, words[-1])  # RFC 2034 section 4: no enhanced code here


def _offers(session: Session) -> list[str]:
    limits = session.limits
    offers = ["PIPELINING", f"SIZE {limits.message_size}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
    offers += ["CHUNKING", *session.extensions, "HELP"]
    if session.offers_starttls:
        offers.append("STARTTLS")
    if session.offers_auth and not session.is_authenticated:
        offers.append("AUTH PLAIN LOGIN")
    mailings = f"MAILMAX={limits.messages_per_connection} " if limits.messages_per_connection else ""
    offers.append(f"LIMITS {mailings}RCPTMAX={limits.recipients}")  # RFC 9422 section 4
    return offers


def helo(session: Session, argument: str) -> Answer:
    """Begin anew without extensions."""
    if not _NAME.match(argument):
        return reply.BAD_SYNTAX.fill(syntax="HELO hostname")
    session.introduce(argument)
    return Intermediate(250, session.context.hostname)


async def starttls(session: Session, argument: str) -> Answer:
    """Upgrade to TLS and forget everything that was said before it (RFC 3207)."""
    if argument:
        return reply.BAD_SYNTAX.fill(syntax="STARTTLS")
    if session.is_encrypted:
        return reply.TLS_ALREADY
    if not session.offers_starttls or session.context.tls is None:
        return reply.TLS_UNAVAILABLE
    if session.has_more:
        # Somebody on the way may have put commands behind ours, to be obeyed as if they came encrypted.
        session.end("pipelined STARTTLS")
        return reply.PIPELINED_EARLY.fill(command="STARTTLS")
    session.forget()
    session.write(reply.START_TLS.wire())
    try:
        await session.encrypt(session.context.tls)
    except Gone as gone:
        session.context.meter.count("tls_handshake_failures_total", service=session.context.service)
        log.info("TLS handshake failed", ip=session.visit.peer.ip, reason=type(gone.__cause__).__name__)
        raise
    return None


def noop() -> Reply:
    """Do nothing."""
    return reply.OK


def rset(session: Session, argument: str) -> Reply:
    """Forget the transaction."""
    if argument:
        return reply.BAD_SYNTAX.fill(syntax="RSET")
    session.abandon()
    return reply.OK


def vrfy(argument: str) -> Reply:
    """Tell nobody who is here."""
    return reply.VRFY_NO if argument else reply.BAD_SYNTAX.fill(syntax="VRFY address")


def quit_(session: Session, argument: str) -> Reply:
    """End the session."""
    if argument:
        return reply.BAD_SYNTAX.fill(syntax="QUIT")
    session.end(QUIT)
    return reply.CLOSING
