"""SMTP from the client's side as octets: replies in, commands and framed content out. Pure.

What it promises: a reply is the same however the network cuts it up; lines and replies have bounds, and what
is no reply gives ``BadReply``. No command holds a CR, LF or other control but its own end; content with a
bare CR or LF gives ``UnfitContent`` and no octets (what receivers make of it is how mail is smuggled).
Parameters are written only where the hop offers their extension (RFC 5321 section 4.1.1.11).
"""

import re
from collections import deque
from functools import lru_cache

from gateway.mime.newlines import has_bare_newline
from gateway.model.address import Address, ascii_domain
from gateway.model.delivery import Notify, Recipient, Sender
from gateway.model.values import dataclass
from gateway.ports import Copy, HopReply

LINE_LIMIT = 8192  # octets; RFC 5321 section 4.5.3.1.5 allows 512, hops write more
REPLY_LIMIT = 32_768  # octets of all lines of one reply
_USUAL = 200  # octets; longer lines are not remembered
_TEXT_LIMIT = 1000  # characters that are kept of a reply

DATA = b"DATA\r\n"
RSET = b"RSET\r\n"
QUIT = b"QUIT\r\n"
LONE_DOT = b".\r\n"

_REPLY_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?\r*\n\Z")
_CONTROL = re.compile(r"[^\x20-\x7e]")
_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?: |\Z)")
_PARAMETER = re.compile(r"[\x21-\x3c\x3e-\x7e]+\Z")  # RFC 3461 section 4: xtext has no "="


class BadReply(Exception):
    """What came from the hop is no SMTP reply, or is beyond the bounds."""


class UnfitContent(ValueError):
    """Content that must never be sent: it holds a CR or LF that is not part of a CRLF."""


@dataclass(frozen=True, slots=True)
class WireReply:
    """One whole reply; its lines' text joined by spaces, printable ASCII, the enhanced code first."""

    code: int
    text: str


class ReplyParser:
    """Collects replies from octets; whole ones wait in ``replies``, also those before a BadReply."""

    def __init__(self) -> None:
        self.replies: deque[WireReply] = deque()
        self._buffer = b""
        self._texts: list[bytes] = []
        self._octets = 0

    @property
    def between_replies(self) -> bool:
        """Whether nothing of a further reply has come yet."""
        return not (self._buffer or self._texts)

    def feed(self, data: bytes) -> None:
        """Take what the network gave; raise BadReply."""
        buffer = self._buffer + data if self._buffer else data
        start = 0
        while (end := buffer.find(b"\n", start) + 1) > 0:
            self._take(buffer[start:end])
            start = end
        self._buffer = buffer[start:]
        # One octet more is to come at least: the LF.
        self._check(len(self._buffer) + 1)

    def _check(self, line: int) -> None:
        if line > LINE_LIMIT or self._octets + line > REPLY_LIMIT:
            raise BadReply("the reply is too long")

    def _take(self, line: bytes) -> None:
        self._check(len(line))
        if len(line) <= _USUAL and not self._texts and (known := _whole_reply(line)) is not None:
            self.replies.append(known)
            return
        match = _REPLY_LINE.match(line)
        if match is None:
            raise BadReply(f"no SMTP reply: {_printable(line[:80])}")
        code, more, text = match.groups()
        if more == b"-":
            self._octets += len(line)
            self._texts.append(text)
            return
        joined = _join([*self._texts, text or b""])
        self._texts = []
        self._octets = 0
        # Where lines differ in code the last one counts, as with Postfix.
        self.replies.append(WireReply(int(code), joined[:_TEXT_LIMIT]))


@lru_cache(maxsize=512)
def _whole_reply(line: bytes) -> WireReply | None:
    """Return the reply that the line is; None where it is none, or one of several lines.

    A hop says "250 2.1.5 Ok" a thousand times: it is read once.
    """
    match = _REPLY_LINE.match(line)
    if match is None or match[2] == b"-":
        return None
    return WireReply(int(match[1]), _printable(match[3] or b"")[:_TEXT_LIMIT])


def _printable(octets: bytes) -> str:
    text = octets.decode("ascii", "replace")
    return text if text.isprintable() and text.isascii() else _CONTROL.sub("?", text)


def _join(lines: list[bytes]) -> str:
    """Join the lines of a reply; RFC 2034 section 4 repeats the enhanced code in each."""
    texts = [_printable(line) for line in lines]
    first = _ENHANCED.match(texts[0])
    if first is None:
        return " ".join(texts)
    code = first[0].rstrip()
    return " ".join([texts[0], *(text.removeprefix(code).lstrip() for text in texts[1:])])


@dataclass(frozen=True, slots=True)
class Offers:
    """What a hop said at EHLO that concerns a copy."""

    pipelining: bool = False
    size_known: bool = False  # RFC 1870: SIZE was offered
    size_limit: int = 0  # octets; 0: none
    eight_bit: bool = False
    smtputf8: bool = False
    dsn: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """MAIL and RCPT as they go out, CRLF included."""

    mail: bytes
    rcpt: bytes


def write_envelope(copy: Copy, offers: Offers) -> Envelope | HopReply:
    """Write a copy's commands for a hop, or say at once why it can never take it."""
    size = len(copy.content)
    if 0 < offers.size_limit < size:
        # RFC 1870 section 6.1: a client that knows the limit does not try.
        return _refuse(
            552, "5.3.4", f"Content of {size} octets is over the next hop's limit of {offers.size_limit}"
        )
    if not offers.smtputf8 and _needs_smtputf8(copy):
        # RFC 6531 section 3.2 and RFC 5321 section 2.4: neither downgraded nor sent.
        return _refuse(
            553, "5.6.7", "The next hop does not offer SMTPUTF8, which this address or header needs"
        )
    mail = f"MAIL FROM:<{_mailbox(copy.sender.address)}>{_mail_parameters(copy, offers)}\r\n".encode()
    rcpt = f"RCPT TO:<{_mailbox(copy.delivery.recipient.address)}>"
    if offers.dsn:
        rcpt += _rcpt_parameters(copy.delivery.recipient)
    envelope = Envelope(mail, f"{rcpt}\r\n".encode())
    for command in (envelope.mail, envelope.rcpt):
        if command.count(b"\r") != 1 or command.count(b"\n") != 1:
            raise UnfitContent("an address with a line end")
    return envelope


def _refuse(code: int, enhanced: str, text: str) -> HopReply:
    return HopReply(code, enhanced, text, "", "")


def _needs_smtputf8(copy: Copy) -> bool:
    sender = copy.sender.address
    if copy.delivery.recipient.address.needs_smtputf8 or (sender is not None and sender.needs_smtputf8):
        return True
    if not copy.sender.smtputf8:
        return False
    # The sender said SMTPUTF8; the copy needs it only when its header section uses it.
    end = copy.content.find(b"\r\n\r\n")
    return not copy.content[: end if end >= 0 else None].isascii()


def _mailbox(address: Address | None) -> str:
    if address is None:
        return ""
    # A-labels are understood by every hop, with SMTPUTF8 or without (RFC 6531 section 3.2).
    return f"{address.local}@{address.domain if address.domain.isascii() else ascii_domain(address.domain)}"


def _mail_parameters(copy: Copy, offers: Offers) -> str:
    sender: Sender = copy.sender
    text = f" SIZE={len(copy.content)}" if offers.size_known else ""
    if offers.eight_bit and not copy.content.isascii():
        text += " BODY=8BITMIME"  # RFC 6152 section 3
    if offers.smtputf8 and (sender.smtputf8 or _needs_smtputf8(copy)):
        text += " SMTPUTF8"
    if offers.dsn:
        if sender.ret in {"FULL", "HDRS"}:
            text += f" RET={sender.ret}"
        if _PARAMETER.match(sender.envid):
            text += f" ENVID={sender.envid}"
    return text


_NOTIFY_ORDER = (Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)


def _rcpt_parameters(recipient: Recipient) -> str:
    text = ""
    if recipient.notify:
        text += " NOTIFY=" + ",".join(one for one in _NOTIFY_ORDER if one in recipient.notify)
    if _PARAMETER.match(recipient.orcpt):
        text += f" ORCPT={recipient.orcpt}"
    return text


def frame(content: bytes) -> tuple[bytes, bytes]:
    """Return the content dot-stuffed and its end (RFC 5321 section 4.5.2); clean content is not copied."""
    if has_bare_newline(content):
        raise UnfitContent("content with a bare CR or LF")
    # Backwards, because CPython needs half the time for that where nothing is found.
    stuffed = content.replace(b"\r\n.", b"\r\n..") if content.rfind(b"\r\n.") >= 0 else content
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed, b".\r\n" if not stuffed or stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
