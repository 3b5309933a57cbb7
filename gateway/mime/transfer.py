"""Transfer encodings: a text part's octets, and changes to them written back into the raw message in place.

What it promises: ``decode`` gives the octets of a part of any of RFC 2045's encodings; ``place`` finds where
gaps between (or spans of) these octets lie in the raw message, once for all recipients; ``Placement.fill``
then gives the splices, so that any reader decodes the old octets with exactly the new ones in the gaps.
Lines of quoted-printable stay within 76 characters, lines of base64 keep their length, octets before the
first gap keep their form. How it fails: ``Untouchable`` with a slug that says why a part is left alone.
"""

import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from gateway.mime.newlines import has_bare_newline
from gateway.model.message import Part
from gateway.model.splice import Splice

Gap = tuple[int, int]
"""A span of a part's decoded octets that something new takes the place of; often an empty one."""

Fillers = tuple[bytes, bytes, bytes]
"""What may come behind something new in base64: nothing, or a little that does no harm; all of them of
another length modulo three."""

_QP_TOKEN = re.compile(rb"=[0-9A-Fa-f]{2}|.", re.DOTALL)
_SOFT_BREAK = b"=\r\n"
_MOST_ANEW = 65_536  # octets of base64 that are written, and kept, anew for each recipient, though they stay
_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)
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
    if part.encoding == "base64":
        return _from_base64(body)
    # What splits lines in one reader and not in another has no sure place.
    if has_bare_newline(body):
        raise Untouchable("bare-newline")
    match part.encoding:
        case "7bit" | "8bit" | "binary":
            return body
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case _:
            raise Untouchable("encoding")


def leniently(body: bytes, encoding: str) -> Iterator[bytes]:
    """Yield what a reader may make of a body that ``decode`` gives nothing for."""
    match encoding:
        case "base64":
            letters = body.translate(None, _NOT_BASE64)
            yield binascii.a2b_base64(letters[: len(letters) // 4 * 4])
        case "quoted-printable":
            yield binascii.a2b_qp(body)


def place(
    raw: bytes, part: Part, octets: bytes, gaps: Sequence[Gap], fillers: Sequence[Fillers] = ()
) -> Placement:
    """Find the places of gaps, in order and apart from one another, in a part that ``decode`` gave.

    ``fillers``, one for each gap: with them a long part of base64 need not be written anew from the first gap
    to its end. Without them such a part is left alone.
    """
    match part.encoding:
        case "quoted-printable":
            return _place_in_quoted(raw, part, octets, gaps)
        case "base64":
            return _place_in_base64(raw, part, octets, gaps, fillers)
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
        text = _lines_of(_filled(self.octets, self.gaps, news), self.width)
        return [Splice(self.start, self.end, text)]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Whole groups of base64 around some gaps. ``whole``: more follows, which must keep its step of three."""

    start: int
    end: int
    octets: bytes
    gaps: tuple[Gap, ...]
    fillers: Fillers  # behind the last of them
    whole: bool


@dataclass(frozen=True, slots=True)
class _InStep:
    """Base64 of which only the groups around each gap are encoded anew; fillers make their lengths right."""

    stretches: tuple[_Stretch, ...]

    def fill(self, news: Sequence[bytes]) -> list[Splice]:
        splices, rest = [], iter(news)
        for one in self.stretches:
            mine = list(islice(rest, len(one.gaps)))
            grown = sum(map(len, mine)) - sum(last - first for first, last in one.gaps)
            if one.whole:
                mine[-1] += next(filler for filler in one.fillers if (grown + len(filler)) % 3 == 0)
            text = _lines_of(_filled(one.octets, one.gaps, mine), _BASE64_LINE)
            splices.append(Splice(one.start, one.end, b"\r\n" + text + (b"\r\n" if one.whole else b"")))
        return splices


def _filled(octets: bytes, gaps: Sequence[Gap], news: Sequence[bytes]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for (first, last), new in zip(gaps, news, strict=True):
        pieces += (octets[at:first], new)
        at = last
    pieces.append(octets[at:])
    return b"".join(pieces)


def _lines_of(octets: bytes, width: int) -> bytes:
    text = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join([text[i : i + width] for i in range(0, len(text), width)])


def _from_base64(body: bytes) -> bytes:
    try:
        # In strict mode a bare CR or LF is no more allowed than any other octet that is not base64's.
        return binascii.a2b_base64(_unfolded(body), strict_mode=True)
    except binascii.Error as error:
        raise Untouchable("bare-newline" if has_bare_newline(body) else "broken-base64") from error


def _unfolded(body: bytes) -> bytes | bytearray:
    """Return base64 without its line ends, and without what is behind it."""
    text = body.rstrip(b" \t\r\n")
    width = _width(text)
    if not width or body[len(text) :].strip(b" \t") not in {b"", b"\r\n"}:
        return body.replace(b"\r\n", b"").rstrip(b" \t")
    unfolded = bytearray(text)  # by steps: to look for each takes five times as long
    del unfolded[width + 1 :: width + 2]
    del unfolded[width :: width + 1]
    return unfolded


def _width(text: bytes) -> int:
    """Return the width of lines that are all equally long, but for the last; 0 where they are not."""
    width = max(text.find(b"\r\n"), 0)
    returns, feeds = text[width :: width + 2], text[width + 1 :: width + 2]
    full = len(returns)
    even = returns == b"\r" * full and feeds == b"\n" * full and text.count(b"\r") == full
    return width if even else 0


def _place_in_base64(
    raw: bytes, part: Part, octets: bytes, gaps: Sequence[Gap], fillers: Sequence[Fillers]
) -> Placement:
    body = raw[part.body_start : part.body_end].rstrip(b" \t\r\n")
    width, skipped = _untouched_lines(body, gaps[0][0])
    rest = len(body) - skipped * (width + 2)
    if rest > _MOST_ANEW:
        if not fillers:
            raise Untouchable("long-base64")
        return _in_step(part.body_start, body, octets, gaps, fillers)
    first = skipped * (width // 4 * 3)
    return _Base64(
        part.body_start + skipped * (width + 2),
        part.body_start + len(body),
        octets[first:],
        tuple([(start - first, last - first) for start, last in gaps]),
        width,
    )


def _in_step(
    start: int, body: bytes, octets: bytes, gaps: Sequence[Gap], fillers: Sequence[Fillers]
) -> _InStep:
    """Find the groups of four characters that the gaps lie in; those that share one are written together."""
    starts = [0]  # of each line, in the characters without line ends
    for line in body.split(b"\r\n"):
        starts.append(starts[-1] + len(line))
    stretches: list[_Stretch] = []
    by_gap = dict(zip(gaps, fillers, strict=True))
    for together in _sharing_groups(gaps):
        group, end = together[0][0] // 3, -(-together[-1][1] // 3)
        whole = end * 3 <= len(octets) and together[-1][1] < len(octets)
        stretches.append(
            _Stretch(
                start + _raw_offset(starts, group * 4),
                start + _raw_offset(starts, end * 4) if whole else start + len(body),
                octets[group * 3 : end * 3],
                tuple([(first - group * 3, last - group * 3) for first, last in together]),
                by_gap[together[-1]],
                whole,
            )
        )
    return _InStep(tuple(stretches))


def _sharing_groups(gaps: Sequence[Gap]) -> list[list[Gap]]:
    together: list[list[Gap]] = []
    for gap in gaps:
        last = together[-1][-1][1] if together else -1
        if gap[0] == last or gap[0] // 3 < -(-last // 3):
            together[-1].append(gap)
        else:
            together.append([gap])
    return together


def _raw_offset(starts: list[int], character: int) -> int:
    """Return the offset of a character of base64 in lines that end in CRLF."""
    line = bisect_right(starts, character) - 1
    return character + 2 * line


def _untouched_lines(body: bytes, point: int) -> tuple[int, int]:
    """Return the width of the lines, and how many of them lie wholly before a decoded offset."""
    width = _width(body)
    # Lines of different lengths make the offsets uncertain: then all is encoded anew.
    if not width or width % 4:
        return _BASE64_LINE, 0
    return width, min(point // (width // 4 * 3), len(body) // (width + 2))
