"""MAIL and RCPT: what stands behind the verb, as values. No I/O.

What it promises: one regular expression for the path and one table of parameters for each command, because
they run for every message. Paths follow RFC 5321 section 4.1.2; source routes are read and dropped (section
C). Values of ENVID and ORCPT keep their case and their xtext (RFC 3461 section 4).
How it fails: the answer is a Reply instead of a Sender or a Recipient.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.model import reply
from gateway.model.address import Address, MalformedAddress, parse_address
from gateway.model.delivery import Notify, Recipient, Sender
from gateway.model.reply import Reply

# A path in angle brackets: a source route, then a mailbox whose local part may be a quoted string.
_PATH = r'<(?:@[^:<>" ]*:)?([^"<> ]*(?:"(?:[^"\\]|\\.)*"[^"<> ]*)*)>'
# Some clients put a space after the colon (the RFC does not); it harms nobody.
_MAIL = re.compile(rf"FROM: *{_PATH}(?: +(.*))?\Z", re.IGNORECASE)
_RCPT = re.compile(rf"TO: *{_PATH}(?: +(.*))?\Z", re.IGNORECASE)

_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"  # RFC 3461 section 4
_ENVID = re.compile(rf"{_XTEXT}{{1,100}}\Z")  # RFC 3461 section 4.4
_ORCPT = re.compile(rf"[A-Za-z0-9!#$%&'*/?^_`{{|}}~\-]+;{_XTEXT}+\Z")  # RFC 3461 section 4.2
_ORCPT_UTF8 = re.compile(r"(?i:utf-8);(?:[!-<>-~]|[\u00a0-\U0010ffff])+\Z")  # RFC 6533 section 3
_ORCPT_LIMIT = 500  # RFC 3461 section 4.2
_AUTH = re.compile(rf"(?:<>|{_XTEXT}+)\Z")  # RFC 4954 section 5
_SIZE = re.compile(r"[0-9]{1,20}\Z", re.ASCII)  # RFC 1870 section 4

MAIL_SYNTAX = "MAIL FROM:<address> [parameters]"
RCPT_SYNTAX = "RCPT TO:<address> [parameters]"


class _BadParameter(Exception):
    """A parameter that is unknown, malformed or there twice; the message is its keyword."""


_Fields = dict[str, Any]
_Reader = Callable[[str], _Fields | None]
"""Reads a parameter's value into fields of the result; None when the value is malformed."""


def _size(value: str) -> _Fields | None:
    return {"size": int(value)} if _SIZE.match(value) else None


def _body(value: str) -> _Fields | None:
    known = {"7BIT": False, "8BITMIME": True}.get(value.upper())  # RFC 6152 section 3
    return None if known is None else {"body_8bit": known}


def _smtputf8(value: str) -> _Fields | None:
    return None if value else {"smtputf8": True}  # RFC 6531 section 3.4: takes no value


def _ret(value: str) -> _Fields | None:
    return {"ret": value.upper()} if value.upper() in {"FULL", "HDRS"} else None


def _envid(value: str) -> _Fields | None:
    return {"envid": value} if _ENVID.match(value) else None


def _auth(value: str) -> _Fields | None:
    # RFC 4954 section 5: a server that does not trust the client takes it and behaves as for AUTH=<>.
    return {} if _AUTH.match(value) else None


def _notify(value: str) -> _Fields | None:
    words = value.upper().split(",")
    if not set(words) <= set(Notify) or len(set(words)) != len(words):
        return None
    if "NEVER" in words and len(words) > 1:  # RFC 3461 section 4.1
        return None
    return {"notify": frozenset(Notify(word) for word in words)}


def _orcpt(value: str) -> _Fields | None:
    known = len(value.encode()) <= _ORCPT_LIMIT and (_ORCPT.match(value) or _ORCPT_UTF8.match(value))
    return {"orcpt": value} if known else None


_MAIL_PARAMETERS: Mapping[str, _Reader] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": _smtputf8,
    "RET": _ret,
    "ENVID": _envid,
    "AUTH": _auth,
}
_RCPT_PARAMETERS: Mapping[str, _Reader] = {"NOTIFY": _notify, "ORCPT": _orcpt}


def _read_parameters(text: str, table: Mapping[str, _Reader]) -> _Fields:
    """Return the fields that the parameters say; raise _BadParameter."""
    fields: _Fields = {}
    seen: set[str] = set()
    for parameter in text.split(" "):
        if not parameter:
            continue
        keyword, equals, value = parameter.partition("=")
        name = keyword.upper()
        reader = table.get(name)
        if reader is None or name in seen or (equals and not value):
            raise _BadParameter(keyword)
        seen.add(name)
        read = reader(value)
        if read is None:
            raise _BadParameter(keyword)
        fields |= read
    return fields


def parse_mail(argument: str, size_limit: int) -> Sender | Reply:
    """Read ``FROM:<...> ...``; the null sender ``<>`` has no address."""
    match = _MAIL.match(argument)
    if match is None:
        return reply.BAD_SYNTAX.fill(syntax=MAIL_SYNTAX)
    mailbox, parameters = match.groups()
    try:
        fields = _read_parameters(parameters, _MAIL_PARAMETERS) if parameters else {}
        address = parse_address(mailbox) if mailbox else None
    except _BadParameter as error:
        return reply.BAD_PARAMETER.fill(parameter=error)
    except MalformedAddress as error:
        return reply.BAD_SENDER_ADDRESS.fill(why=error)
    sender = Sender(address, **fields)
    if not mailbox.isascii() and not sender.smtputf8:
        return reply.NEEDS_SMTPUTF8  # RFC 6531 section 3.5
    if sender.size > size_limit:
        return reply.TOO_BIG.fill(limit=size_limit)  # RFC 1870 section 6.1
    return sender


def parse_rcpt(argument: str, sender: Sender, hostname: str) -> Recipient | Reply:
    """Read ``TO:<...> ...``; ``hostname`` is the domain of a bare ``<Postmaster>``."""
    match = _RCPT.match(argument)
    if match is None:
        return reply.BAD_SYNTAX.fill(syntax=RCPT_SYNTAX)
    mailbox, parameters = match.groups()
    try:
        fields = _read_parameters(parameters, _RCPT_PARAMETERS) if parameters else {}
        address = _recipient_address(mailbox, hostname)
    except _BadParameter as error:
        return reply.BAD_PARAMETER.fill(parameter=error)
    except MalformedAddress as error:
        return reply.BAD_RECIPIENT_ADDRESS.fill(why=error)
    if not argument.isascii() and not sender.smtputf8:
        return reply.NEEDS_SMTPUTF8
    return Recipient(address, **fields)


def _recipient_address(mailbox: str, hostname: str) -> Address:
    if mailbox.lower() == "postmaster":  # RFC 5321 section 4.1.1.3
        return Address(mailbox, hostname.lower())
    return parse_address(mailbox)
