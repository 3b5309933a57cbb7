"""Header fields: building them so that nothing can be injected, and reading what judging depends on.

What it promises: a field that is built here is ASCII, ends in CRLF, holds no other line end than its folds
and no NUL, and no line of it is longer than RFC 5322 section 2.1.1 allows. How it fails: ``UnsafeField`` for
a value that cannot be written so; ``BadFrom`` for a message whose author cannot be told.
"""

import base64
import re
from datetime import UTC, datetime
from functools import lru_cache

from gateway.mime.lastplan import LastPlan
from gateway.mime.mailbox import BadMailbox, only_mailbox
from gateway.model.address import Address, MalformedAddress, parse_address
from gateway.model.message import Message

LINE_LIMIT = 998  # octets without the CRLF, RFC 5322 section 2.1.1
_FOLD_AT = 76  # RFC 2047 section 2 for lines with encoded words; also within RFC 5322's 78
_WORD_OCTETS = 39  # 64 characters with all around them (RFC 2047 allows 75): room for a field's name before

# Octets of a From: field: many lines. Beyond that nobody names one author, and to read it would take seconds.
_LONGEST_FROM = 32_768

_NAME = re.compile(r"[!-9;-~]+\Z")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN_VALUE = re.compile(r"[\t -~]*\Z")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_IN_BRACKETS = re.compile(rb"<([^<>]*)>[^<>]*\Z")
_BLANKS = re.compile(rb"\s+")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class UnsafeField(ValueError):
    """A name or a value that would break the header section, or end it."""


class BadFrom(ValueError):
    """The From: field does not name exactly one author; the message says why, in words a client may see."""


def field(name: str, value: str) -> bytes:
    """Build an unstructured field: encoded words where needed (RFC 2047), folded at blanks.

    Raise UnsafeField for control characters and for a word that fits no line.
    """
    if not _NAME.match(name) or _CONTROLS.search(value.replace("\t", " ")):
        raise UnsafeField(f"no field name, or control characters in {name!r}")
    if not _PLAIN_VALUE.match(value) or "=?" in value:
        value = encoded_words(value)
    return _folded(f"{name}:", value)


def structured(name: str, value: str) -> bytes:
    """Build a field of parts that are written already, as by ``phrase``, folded at blanks.

    Raise UnsafeField for anything but printable ASCII.
    """
    if not _NAME.match(name) or not value.isascii() or not value.isprintable():
        raise UnsafeField(f"no field name, or more than printable ASCII in {name!r}")
    return _folded(f"{name}:", value)


def one_line(name: str, value: str) -> bytes:
    """Build a field that is never folded: a folded List-Unsubscribe breaks some verifiers.

    Raise UnsafeField where the value is not printable ASCII or the line would be too long.
    """
    line = f"{name}: {value}"
    if len(line) > LINE_LIMIT or not line.isascii() or not line.isprintable():
        raise UnsafeField(f"{name} is no printable ASCII within one line of {LINE_LIMIT} octets")
    return line.encode("ascii") + b"\r\n"


def phrase(text: str) -> str:
    """Write a display name (RFC 5322 section 3.2.5): atoms, a quoted string, or encoded words.

    Control characters become blanks: a name is never a reason to refuse mail.
    """
    text = printable(text)
    if not text or (_ATOMS.match(text) and "=?" not in text):
        return text
    if text.isascii() and "=?" not in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return encoded_words(text)


def printable(text: str) -> str:
    """Put one blank for every run of control characters, and none at the ends."""
    return _CONTROLS.sub(" ", text).strip()


def encoded_words(text: str) -> str:
    """Write any text as RFC 2047 encoded words, parted by blanks; no character is cut in two."""
    words: list[str] = []
    piece: list[str] = []
    size = 0
    for char in text:
        octets = len(char.encode())
        if size + octets > _WORD_OCTETS:
            words.append("".join(piece))
            piece, size = [], 0
        piece.append(char)
        size += octets
    words.append("".join(piece))
    return " ".join(f"=?utf-8?B?{base64.b64encode(word.encode()).decode()}?=" for word in words if word)


def _folded(name: str, value: str) -> bytes:
    lines, line = [], name
    for word in value.split(" "):
        if len(line) + 1 + len(word) > _FOLD_AT and word.strip() and line.strip() and line != name:
            lines.append(line)
            line = ""
        line += " " + word
        if len(line) > LINE_LIMIT:
            raise UnsafeField(f"a word in {name} is longer than a line may be")
    lines.append(line)
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


@lru_cache(maxsize=64)
def date_time(at: int) -> str:
    """Return the time (seconds since the epoch) as RFC 5322 section 3.3 writes it, in UTC."""
    moment = datetime.fromtimestamp(at, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02d} {month} {moment.year:04d} {moment:%H:%M:%S} +0000"


def parse_from(message: Message) -> Address:
    """Return the one author of a message; raise BadFrom where there is none, or more, or any doubt."""
    author = _author(message)
    if isinstance(author, str):
        raise BadFrom(author)
    return author


def _find_author(message: Message) -> Address | str:
    """Return the author, or why there is none that everybody would agree on."""
    fields = message.all(b"from")
    if len(fields) != 1:  # RFC 5322 section 3.6
        return f"there are {len(fields)} From: fields"
    if fields[0].end - fields[0].colon > _LONGEST_FROM:
        raise BadFrom("it is too long")
    try:
        return parse_address(only_mailbox(message.text_of(fields[0])))
    except (BadMailbox, MalformedAddress) as error:
        return str(error)


_author = LastPlan(_find_author)  # several ask for it, one after another


def list_named(message: Message) -> str:
    """Return the list that a message names: X-Consentry-List, else List-Id, else ""."""
    value = message.value(b"x-consentry-list")
    if value:
        return value.strip(b"<> \t").decode("utf-8", "replace")
    return _list_id(message.value(b"list-id") or b"")


def newsletter_named(message: Message) -> str:
    """Return the mailing that a message says it belongs to: X-Consentry-Newsletter, or ""."""
    return (message.value(b"x-consentry-newsletter") or b"").decode("utf-8", "replace")


def _list_id(value: bytes) -> str:
    """Return the identifier of a List-Id (RFC 2919 section 2).

    One without brackets is taken as it stands: to overlook it would send the message to the default list.
    """
    match = _IN_BRACKETS.search(value)
    return _BLANKS.sub(b"", match[1] if match else value).decode("utf-8", "replace")
