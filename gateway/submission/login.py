"""AUTH PLAIN and LOGIN (RFC 4954, RFC 4616).

What it promises: a source with too many failed logins is told so and let go before any password is looked
at, so that ten thousand of them cost next to nothing. No name and no password is ever logged: people type
one where the other belongs.
How it fails: a store that is away is 454, and no failed login is counted for it.
"""

import base64
import binascii
import math

import structlog

from gateway.model import reply
from gateway.model.rate import Rate, parse_rate
from gateway.model.reply import Intermediate, PublicError, Reply
from gateway.smtp.wire import LineTooLong
from gateway.submission.tenant import Standing, TenantSession

log = structlog.get_logger("submission")

_SYNTAX = "AUTH mechanism [initial-response]"


async def auth(session: TenantSession, argument: str) -> Reply:
    """Log in."""
    refusal = _out_of_place(session)
    if refusal is not None:
        return refusal
    mechanism, _, initial = argument.partition(" ")
    if not mechanism or " " in initial:
        return reply.BAD_SYNTAX.fill(syntax=_SYNTAX)
    if mechanism.upper() not in {"PLAIN", "LOGIN"}:
        return reply.AUTH_MECHANISM
    blocked = _blocked(session)
    if blocked is not None:
        return blocked
    if mechanism.upper() == "PLAIN":
        credentials = await _plain(session, initial)
    else:
        credentials = await _login(session, initial)
    if isinstance(credentials, Reply):
        session.context.meter.count("auth_total", result="malformed")
        return credentials
    # One after another: many at once would all have been let through before the first of them had failed.
    async with session.context.logins.of(session.visit.peer.source):
        return _blocked(session) or await _verify(session, *credentials)


def _out_of_place(session: TenantSession) -> Reply | None:
    if not session.session.extended_smtp:
        return reply.BAD_SEQUENCE.fill(hint="EHLO first")
    if session.is_authenticated:
        return reply.AUTH_ALREADY
    if session.mailing is not None:  # RFC 4954 section 4
        return reply.BAD_SEQUENCE.fill(hint="no AUTH within a transaction")
    if not session.offers_auth:
        return reply.AUTH_NEEDS_TLS
    return None


# Failed logins of a source


def _allowance(session: TenantSession) -> tuple[bytes, tuple[Rate], int]:
    rate = parse_rate(session.limits.failed_logins)
    return b"login:" + session.visit.peer.source, (rate,), rate.amount


def _blocked(session: TenantSession) -> Reply | None:
    key, rates, burst = _allowance(session)
    fact = session.context.quota.check(key, rates, burst, session.context.clock.now())
    if not fact.wait:
        return None
    session.context.meter.count("auth_total", result="blocked")
    return reply.AUTH_BLOCKED.fill(seconds=math.ceil(fact.wait))


def _count_failure(session: TenantSession) -> None:
    key, rates, burst = _allowance(session)
    session.context.quota.reserve(key, rates, burst, session.context.clock.now())
    session.context.meter.count("auth_total", result="failed")
    log.info("login failed", ip=session.visit.peer.ip)


# The two mechanisms

_Credentials = tuple[str, str] | Reply


async def _plain(session: TenantSession, initial: str) -> _Credentials:
    response = _decode(initial) if initial else await _ask(session, reply.CHALLENGE_EMPTY)
    if isinstance(response, Reply):
        return response
    malformed = reply.AUTH_BAD_RESPONSE.fill(mechanism="PLAIN")
    parts = response.split(b"\0")  # RFC 4616 section 2: [authzid] NUL authcid NUL passwd
    if len(parts) != 3:
        return malformed
    try:
        act_as, name, password = (part.decode() for part in parts)
    except UnicodeDecodeError:
        return malformed
    # Nobody acts for another: a failed login, whether the password was right or not.
    return (name, password) if act_as in {"", name} else ("", "")


async def _login(session: TenantSession, initial: str) -> _Credentials:
    name = _decode(initial) if initial else await _ask(session, reply.CHALLENGE_USERNAME)
    if isinstance(name, Reply):
        return name
    password = await _ask(session, reply.CHALLENGE_PASSWORD)
    if isinstance(password, Reply):
        return password
    try:
        return name.decode(), password.decode()
    except UnicodeDecodeError:
        return reply.AUTH_BAD_RESPONSE.fill(mechanism="LOGIN")


async def _ask(session: TenantSession, challenge: Intermediate) -> bytes | Reply:
    session.write(challenge.wire())
    try:
        line = await session.line()
    except LineTooLong:
        return reply.AUTH_LINE_TOO_LONG
    if line == b"*":  # RFC 4954 section 4
        return reply.AUTH_CANCELLED
    return _decode(line)


def _decode(text: str | bytes) -> bytes | Reply:
    if text in {"=", b"="}:  # RFC 4954 section 4: an initial response that is empty
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return reply.AUTH_BAD_BASE64


async def _verify(session: TenantSession, name: str, password: str) -> Reply:
    context = session.context
    try:
        account = await context.accounts.authenticate(name, password) if name and password else None
    except PublicError:
        log.warning("login not possible", ip=session.visit.peer.ip, exc_info=True)
        context.meter.count("auth_total", result="unavailable")
        return reply.AUTH_UNAVAILABLE
    if account is None:
        _count_failure(session)
        return reply.AUTH_FAILED
    refusal = session.enter_account(Standing(account, proven=True))
    if refusal is not None:
        return refusal
    context.meter.count("auth_total", result="ok")
    log.debug("login", ip=session.visit.peer.ip, account=account.name)
    return reply.AUTH_OK
