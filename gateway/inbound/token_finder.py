"""Where a letter says which mail it wants no more of: the text of a token, wherever programs put it. Pure.

What it promises: candidates in the order in which they are to be believed: Subject, To, then what stands in
the texts, because people also answer a newsletter, or forward it. Encoded words, folds and transfer encodings
are undone. Any octets give a result; the work is linear in what is looked at, and that is bounded. Whether a
candidate is a token of ours only its MAC can tell.

A detail of the address (``unsubscribe+detail@``) is taken and not looked into: a token has 79 characters, a
local part 64 at most (RFC 5321 section 4.5.3.1.1).
"""

import binascii
import re
from collections.abc import Iterator
from itertools import islice

from gateway.model.message import Message, Part

CANDIDATES = 50  # of one letter
_FIELD_LIMIT = 8192  # octets of one field
_FIELDS = 10  # of one name
_TEXTS = 20  # parts that are looked into
_TEXT_LIMIT = 262_144  # octets, of all texts together, as they stand in the message

_TOKEN = re.compile(rb"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{79}(?![A-Za-z0-9_-])")
_ENCODED_WORD = re.compile(rb"=\?[!->@-~]{1,60}\?([BbQq])\?([!->@-~]{0,400})\?=")  # RFC 2047 section 2
_BETWEEN_WORDS = re.compile(rb"(\?=)[ \t]+(?==\?)")
_BLANKS = re.compile(rb"[ \t]+")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def candidates(message: Message) -> Iterator[str]:
    """Yield what has the form of a token, each once, the most likely first."""
    found = dict.fromkeys(islice(_found(message), 4 * CANDIDATES))
    for octets in islice(found, CANDIDATES):
        yield octets.decode("ascii")


def _found(message: Message) -> Iterator[bytes]:
    for name in (b"subject", b"to"):
        for field in message.all(name)[:_FIELDS]:
            value = decoded_words(message.raw[field.colon : field.end][:_FIELD_LIMIT].replace(b"\r\n", b""))
            yield from _TOKEN.findall(value)
            # Some programs fold within a word that is longer than they think a line should be.
            yield from _TOKEN.findall(_BLANKS.sub(b"", value))
    for text in _texts(message):
        yield from _TOKEN.findall(text)


def decoded_words(value: bytes) -> bytes:
    """Return a field's value with its encoded words decoded (RFC 2047), in the charset they are in."""
    # RFC 2047 section 6.2: blanks between two encoded words are none.
    return _ENCODED_WORD.sub(_decoded, _BETWEEN_WORDS.sub(rb"\1", value))


def _decoded(word: re.Match[bytes]) -> bytes:
    if word[1] in b"Bb":
        return _from_base64(word[2])
    return binascii.a2b_qp(word[2], header=True)


def _texts(message: Message) -> Iterator[bytes]:
    """Yield the octets of texts, decoded, and of messages that go along."""
    left = _TEXT_LIMIT
    leaves = (part for part in message.root.walk() if not part.parts and _may_say_it(part))
    for part in islice(leaves, _TEXTS):
        body = message.raw[part.body_start : min(part.body_end, part.body_start + left)]
        left -= len(body)
        match part.encoding:
            case "quoted-printable":
                body = binascii.a2b_qp(body)
            case "base64":
                body = _from_base64(body)
        yield body.replace(b"\0", b"")  # of UTF-16, in which a token has an octet of nothing in each letter


def _may_say_it(part: Part) -> bool:
    return part.content_type.startswith(("text/", "message/")) or not part.content_type


def _from_base64(octets: bytes) -> bytes:
    """Return what can be read of base64, whatever stands in it; a piece at its end is left out."""
    letters = _NO_BASE64.sub(b"", octets)
    tail = b"=" * (-len(letters) % 4)
    return binascii.a2b_base64(letters + tail) if len(tail) < 3 else binascii.a2b_base64(letters[:-1])
