"""Encoded words of header fields (RFC 2047): what a reader sees in their place, and such words written anew.

What it promises: ``runs`` finds encoded words that are shown as one text, in time linear in the field,
whatever its octets; ``written`` gives words within the limits of RFC 2047 section 2, whatever the text.
Nothing here fails.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from gateway.mime.charset import Kin, charset_of
from gateway.mime.headers import encoded_words

_WORD = re.compile(rb"=\?([!->@-~]{1,60})\?([BbQq])\?([!->@-~]{0,4000})\?=")
_BETWEEN = re.compile(rb"(?:[ \t]|\r\n[ \t])*\Z")  # RFC 2047 section 6.2: blanks between two words are none
_BLANKS = b" \t"
_FOLD = b"\r\n "
_ROOM = 12  # characters before a run: one of our words has 64 at most
_Q_OCTET = re.compile(rb"=([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Run:
    """Encoded words beside one another. ``exact``: whether writing the text anew says the same."""

    start: int
    end: int
    text: str
    exact: bool


def runs(raw: bytes, start: int, end: int) -> Iterator[Run]:
    """Yield the runs of encoded words in a span of a message, in order."""
    words: list[re.Match[bytes]] = []
    for word in _WORD.finditer(raw, start, end):
        if words and not _BETWEEN.match(raw[words[-1].end() : word.start()]):
            yield _run(words)
            words = []
        words.append(word)
    yield from [_run(words)] if words else ()


def _run(words: list[re.Match[bytes]]) -> Run:
    pieces: list[str] = []
    exact = True
    # A character is often cut in two between words, though section 5 forbids it.
    for name, together in groupby(words, key=lambda word: word[1].partition(b"*")[0].lower()):
        charset = charset_of(name.decode("ascii"))
        octets = b"".join(map(_octets, together))
        text = octets.decode(charset.reads, "replace")
        known = charset.kin is not Kin.NONE and (charset.writes != "ascii" or octets.isascii())
        exact = exact and known and "\ufffd" not in text
        pieces.append(text)
    return Run(words[0].start(), words[-1].end(), "".join(pieces).replace("\0", ""), exact)


def _octets(word: re.Match[bytes]) -> bytes:
    if word[2] in b"Bb":
        content = word[3].rstrip(b"=")
        try:
            return binascii.a2b_base64(content + b"=" * (-len(content) % 4))
        except binascii.Error:
            return b""
    # Section 4.2: an underline is a blank, whatever a blank is in the charset.
    return _Q_OCTET.sub(lambda octet: bytes([int(octet[1], 16)]), word[3].replace(b"_", b" "))


def written(text: str) -> bytes:
    """Write a text as encoded words, each on a line of its own but the first."""
    return encoded_words(text).replace(" ", _FOLD.decode()).encode("ascii")


def folded(raw: bytes, field_start: int, run: Run) -> tuple[int, int, bytes, bytes]:
    """Return the span that words of any length may take the place of, and the folds around them.

    Lines with encoded words have at most 76 characters (RFC 2047 section 2), whatever stood beside a run.
    """
    line = max(raw.rfind(b"\r\n", field_start, run.start) + 2, field_start)
    blank_before, blank_after = raw[run.start - 1] in _BLANKS, raw[run.end : run.end + 1] in (b" ", b"\t")
    before = _FOLD if blank_before and run.start - line > _ROOM else b""
    after = _FOLD if blank_after else b""
    return run.start - len(before[2:]), run.end + len(after[2:]), before, after
