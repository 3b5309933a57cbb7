"""Transfer encodings: a text part's octets, and changes to them written back into the raw message in place.

What it promises: ``decode`` gives the octets of a part of any of RFC 2045's encodings; ``place`` finds where
gaps between (or spans of) these octets lie in the raw message, once for all recipients; ``Placement.fill``
then gives the splices, so that any reader decodes the old octets with exactly the new ones in the gaps.
Lines of quoted-printable stay within 76 characters, lines of base64 keep their length, octets before the
first gap keep their form. How it fails: ``Untouchable`` with a slug that says why a part is left alone.
"""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from gateway.mime.newlines import has_bare_newline
from gateway.model.message import Part
from gateway.model.splice import Splice

Gap = tuple[int, int]
"""A span of a part's decoded octets that something new takes the place of; often an empty one."""

_QP_TOKEN = re.compile(rb"=[0-9A-Fa-f]{2}|.", re.DOTALL)
_SOFT_BREAK = b"=\r\n"
_MOST_ANEW = 262_144  # octets of base64 that are written, and kept, anew for each recipient
_BASE64_LINE = 76  # RFC 2045 section 6.8


class Untouchable(Exception):
    """A part that cannot be changed safely; ``reason`` is a slug for counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Placement(Protocol):
    """The places of some gaps in the raw message."""

    def fill(self, news: Sequence[bytes]) -> list[Splice]:
        """Return the splices that put these octets into the gaps, one for each, in order."""
        ...


def decode(raw: bytes, part: Part) -> bytes:
    """Return a part's octets; raise Untouchable where readers would not agree on them."""
    body = raw[part.body_start : part.body_end]
    # What splits lines in one reader and not in another has no sure place.
    if has_bare_newline(body):
        raise Untouchable("bare-newline")
    match part.encoding:
        case "7bit" | "8bit" | "binary":
            return body
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "base64":
            return _from_base64(body)
        case _:
            raise Untouchable("encoding")


def place(raw: bytes, part: Part, octets: bytes, gaps: Sequence[Gap]) -> Placement:
    """Find the places of gaps, in order and apart from one another, in a part that ``decode`` gave."""
    match part.encoding:
        case "quoted-printable":
            return _place_in_quoted(raw, part, octets, gaps)
        case "base64":
            return _place_in_base64(raw, part, octets, gaps)
        case _:
            start = part.body_start
            return _Verbatim(tuple([(start + first, start + last) for first, last in gaps]))


@dataclass(frozen=True, slots=True)
class _Verbatim:
    """7bit, 8bit, binary: octets stand for themselves."""

    spans: tuple[Gap, ...]

    def fill(self, news: Sequence[bytes]) -> list[Splice]:
        return [Splice(start, end, new) for (start, end), new in zip(self.spans, news, strict=True)]


@dataclass(frozen=True, slots=True)
class _QuotedSpan:
    """A raw span, and what must stand around new lines so that the old ones read as before."""

    start: int
    end: int
    before: bytes
    may_end_hard: bool  # new lines that begin with a line end need no soft one before it
    ends_line: bool  # nothing of the old line stands behind it


@dataclass(frozen=True, slots=True)
class _Quoted:
    """Quoted-printable, RFC 2045 section 6.7."""

    spans: tuple[_QuotedSpan, ...]

    def fill(self, news: Sequence[bytes]) -> list[Splice]:
        splices = []
        for span, new in zip(self.spans, news, strict=True):
            after = b"" if span.ends_line or new.endswith(b"\r\n") else _SOFT_BREAK
            before = b"" if span.may_end_hard and new.startswith(b"\r\n") else span.before
            splices.append(Splice(span.start, span.end, before + quoted(new) + after))
        return splices


def quoted(octets: bytes) -> bytes:
    """Encode text with CRLF line ends; each line leaves room for a soft line break behind it."""
    if octets.endswith(b"\r\n"):
        return binascii.b2a_qp(octets, istext=True)
    # The line end shows the codec which line ends to use for soft breaks, and that one may follow.
    return binascii.b2a_qp(octets + b"\r\n", istext=True)[:-2]


def _place_in_quoted(raw: bytes, part: Part, octets: bytes, gaps: Sequence[Gap]) -> _Quoted:
    places = _quoted_places(raw, part, len(octets), sorted({point for gap in gaps for point in gap}))
    spans = []
    for first, last in gaps:
        start, end = places[first], places[last]
        ends_line = end == part.body_end or raw.startswith(b"\r\n", end)
        before, may_end_hard = _before(raw, part, start)
        spans.append(_QuotedSpan(start, end, before, may_end_hard, ends_line))
    return _Quoted(tuple(spans))


def _before(raw: bytes, part: Part, start: int) -> tuple[bytes, bool]:
    """Return what ends the old line in front of something new, and whether a line end can do so too."""
    if start == part.body_start or raw.startswith(b"\r\n", start - 2):
        return b"", True
    if start == part.body_end and raw[start - 1] == ord("="):
        return b"\r\n", False  # a soft break whose line end is the boundary's
    # Blanks at the end of a line would be lost to the reader (RFC 2045 section 6.7, rule 3).
    return _SOFT_BREAK, raw[start - 1] not in b" \t"


def _quoted_places(raw: bytes, part: Part, size: int, points: list[int]) -> dict[int, int]:
    """Return the raw offset of each decoded offset, from the end on, near which most of them lie."""
    places: dict[int, int] = {}
    first, end, rest = part.body_start, part.body_end, size
    while points and points[-1] == size:
        places[points.pop()] = end
    while points and end > first:
        before = raw.rfind(b"\r\n", first, end - 2 if raw.endswith(b"\r\n", first, end) else end)
        start = first if before < 0 else before + 2
        line = raw[start:end]
        octets = binascii.a2b_qp(line)
        end, rest = start, rest - len(octets)
        while points and points[-1] >= rest:
            point = points.pop()
            places[point] = start + _column(line, octets[: point - rest])
    return places


def _column(line: bytes, octets: bytes) -> int:
    """Return how many characters at the start of a line stand for these octets at the start of its text."""
    column = 0
    for token in islice(_QP_TOKEN.finditer(line), len(octets)):
        column = token.end()
    if binascii.a2b_qp(line[:column]) != octets:
        raise Untouchable("broken-quoted-printable")
    return column


@dataclass(frozen=True, slots=True)
class _Base64:
    """Base64: all from the line of the first gap on is encoded anew."""

    start: int
    end: int
    octets: bytes  # what stood there
    gaps: tuple[Gap, ...]  # in these octets
    width: int

    def fill(self, news: Sequence[bytes]) -> list[Splice]:
        pieces: list[bytes] = []
        at = 0
        for (first, last), new in zip(self.gaps, news, strict=True):
            pieces += (self.octets[at:first], new)
            at = last
        pieces.append(self.octets[at:])
        text = binascii.b2a_base64(b"".join(pieces), newline=False)
        lines = [text[i : i + self.width] for i in range(0, len(text), self.width)]
        return [Splice(self.start, self.end, b"\r\n".join(lines))]


def _from_base64(body: bytes) -> bytes:
    try:
        return binascii.a2b_base64(body.replace(b"\r\n", b"").rstrip(b" \t"), strict_mode=True)
    except binascii.Error as error:
        raise Untouchable("broken-base64") from error


def _place_in_base64(raw: bytes, part: Part, octets: bytes, gaps: Sequence[Gap]) -> _Base64:
    body = raw[part.body_start : part.body_end].rstrip(b" \t\r\n")
    width, skipped = _untouched_lines(body, gaps[0][0])
    if len(body) - skipped * (width + 2) > _MOST_ANEW:
        raise Untouchable("long-base64")
    first = skipped * (width // 4 * 3)
    return _Base64(
        part.body_start + skipped * (width + 2),
        part.body_start + len(body),
        octets[first:],
        tuple([(start - first, last - first) for start, last in gaps]),
        width,
    )


def _untouched_lines(body: bytes, point: int) -> tuple[int, int]:
    """Return the width of the lines, and how many of them lie wholly before a decoded offset."""
    width = body.find(b"\r\n")
    if width <= 0 or width % 4:
        return _BASE64_LINE, 0
    lines = body.split(b"\r\n")
    # Lines of other lengths make the offsets uncertain: then all is encoded anew.
    if any(len(line) != width for line in lines[:-1]):
        return _BASE64_LINE, 0
    return width, min(point // (width // 4 * 3), len(lines) - 1)
