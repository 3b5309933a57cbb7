"""The desk of postmaster@ and abuse@: what people write to them goes on to a person, whole.

What it promises: 250 means that the letter waits in the queue, enclosed in a mail of ours to ``[inbound]
operator``: octet for octet, under the trace that the last host adds (RFC 5321 section 4.4). It goes with the
null sender, so that a forward which cannot be delivered makes no more mail; it is held in the queue then, and
counted. ``Reply-To`` is who wrote.
How it fails: without an operator, and beyond ``[inbound] forwards``, RCPT is answered with a transient
refusal: the letter waits at its sender's. A full spool is a PublicError.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gateway.inbound.desk import Taken
from gateway.inbound.house_mail import HouseMail, Outgoing, written
from gateway.inbound.letter import Letter
from gateway.inbound.token_finder import decoded_words
from gateway.mime.headers import date_time, field, one_line, phrase, printable, structured
from gateway.model import reply
from gateway.model.address import Address, parse_address
from gateway.model.facts import QuotaFact
from gateway.model.rate import parse_rate
from gateway.model.reply import Reply
from gateway.ports import Clock, Quota
from gateway.settings.schema import InboundSection

_SUBJECT = 200  # characters of the letter's own
_KEY = b"inbound-forwards"


@dataclass(frozen=True, slots=True)
class ForwardWorld:
    """What the desk needs; what a reload swaps comes as a callable."""

    section: Callable[[], InboundSection]
    quota: Quota
    outgoing: Outgoing
    clock: Clock


class ForwardDesk:
    """Hands letters on to the operator. ``name`` is the mailbox's."""

    def __init__(self, name: str, world: ForwardWorld) -> None:
        self._name = name
        self._world = world

    def admit(self) -> Reply | None:
        """Say whether there is somebody to hand it to, and whether he can bear one more."""
        section = self._world.section()
        if not section.operator:
            return reply.MAILBOX_UNMANNED.fill(mailbox=self._name)
        rates = (parse_rate(section.forwards),)
        return _too_many(self._world.quota.check(_KEY, rates, rates[0].amount, self._world.clock.now()))

    async def take(self, letter: Letter) -> Taken:
        """Put the letter into the queue, to the operator."""
        section, outgoing = self._world.section(), self._world.outgoing
        rates = (parse_rate(section.forwards),)
        refusal = _too_many(self._world.quota.reserve(_KEY, rates, rates[0].amount, self._world.clock.now()))
        if refusal is not None or not section.operator:
            return Taken(refusal or reply.MAILBOX_UNMANNED.fill(mailbox=self._name), "closed")
        mail = outgoing.begin()
        operator = parse_address(section.operator)
        await outgoing.hand_on(mail, operator, compose(mail, letter, operator))
        return Taken(reply.LETTER_TAKEN, "forwarded")


def _too_many(fact: QuotaFact) -> Reply | None:
    return reply.OVER_QUOTA.fill(rate=fact.rate, seconds=math.ceil(fact.wait)) if fact.wait else None


def compose(mail: HouseMail, letter: Letter, operator: Address) -> bytes:
    """Return the mail to the operator. Pure."""
    boundary = f"=_{mail.id}"  # nobody knows it before this, so no letter can hold it
    enclosed = _trace(mail, letter) + letter.message.raw
    encoding = "7bit" if enclosed.isascii() else "8bit"
    return b"".join(
        (
            *_head(mail, letter, operator),
            f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n'.encode("ascii"),
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii"),
            f"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n".encode("ascii"),
            _explanation(letter).encode("ascii"),
            f"\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n".encode("ascii"),
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii"),
            enclosed,
            f"\r\n--{boundary}--\r\n".encode("ascii"),
        )
    )


def _head(mail: HouseMail, letter: Letter, operator: Address) -> tuple[bytes, ...]:
    subject = decoded_words((letter.message.value(b"subject") or b"")[:1000]).decode("utf-8", "replace")
    name = phrase(f"{letter.recipient.local.lower()} of {mail.hostname}")
    author = letter.sender.address
    is_written = author is not None and not author.needs_smtputf8
    replies_to = (structured("Reply-To", f"<{written(author)}>"),) if author and is_written else ()
    return (
        structured("From", f"{name} <postmaster@{mail.hostname}>"),
        f"To: <{written(operator)}>\r\n".encode(),
        field("Subject", f"[{letter.recipient.local.lower()}] {printable(subject)[:_SUBJECT]}".rstrip()),
        one_line("Date", date_time(int(mail.now))),
        one_line("Message-ID", f"<{mail.id}@{mail.hostname}>"),
        *replies_to,
        b"Auto-Submitted: auto-generated\r\n",  # RFC 3834 section 5: no program may answer it
        b"MIME-Version: 1.0\r\n",
    )


def _explanation(letter: Letter) -> str:
    """Say what is enclosed; whatever a stranger has written is made printable ASCII."""
    sender = f"<{letter.sender.address}>" if letter.sender.address else "<>, the null sender"
    lines = (
        f"Enclosed is a message to {_ascii(str(letter.recipient))}, as it came",
        f"from {letter.client.ip}, which calls itself {_ascii(letter.client.helo)},",
        f"with the envelope's sender {_ascii(sender)}.",
    )
    return "".join(f"{line}\r\n" for line in lines)


def _trace(mail: HouseMail, letter: Letter) -> bytes:
    """Return what the host that delivers puts on top: RFC 5321 section 4.4."""
    address = letter.sender.address
    client = letter.client
    literal = f"IPv6:{client.ip}" if ":" in client.ip else client.ip
    return (
        f"Return-Path: <{address or ''}>\r\n"
        f"Received: from {client.helo} ([{literal}])\r\n"
        f"\tby {mail.hostname} with {client.protocol} id {letter.id};\r\n"
        f"\t{date_time(int(letter.received_at))}\r\n"
    ).encode()


def _ascii(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text)
