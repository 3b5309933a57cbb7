"""A part's text as octets in which ASCII means itself, and where each of them stands in the part.

Most charsets are ASCII's kin: their text is looked at as it stands. In those with shifts (ISO-2022-JP, HZ,
UTF-7) and of two octets a character (UTF-16) an octet of ``<`` or ``{`` need not be that character, so such
a text is looked at in UTF-8, and ``place`` leads back.

What it promises: whatever a reader sees as ASCII stands in ``view`` as ASCII, and nothing else does; new
octets at a place read as they are meant, and the old ones around them as before. Labels lie: what is called
ASCII and holds escape sequences is ISO-2022-JP, as mail programs take it to be. How it fails: ``Untouchable``
("charset") for a charset that nobody knows, for text that is not what its label says, and for a place between
shifts.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

from gateway.mime.charset import ISO_2022_JP, Charset, Kin, charset_of
from gateway.mime.transfer import Gap, Untouchable, decode
from gateway.model.message import Message, Part

# From an escape away from ASCII to the one back. RFC 1468's JIS-Roman, "(J", is ASCII but for two signs, and
# many programs go back to it; RFC 1557's "$)C" at the start of a text only says what a shift will mean.
_SHIFTS = {
    "hz": re.compile(rb"~(?:\{.*?(?:~\}|(?=\n)|\Z)|~|\r?\n)", re.DOTALL),
    "utf-7": re.compile(rb"\+[A-Za-z0-9+/]*+-?"),
}
_ESCAPES = re.compile(
    rb"\x1b(?!\([BJ]|\$\)[A-G]).*?(?:\x1b\([BJ]|\Z)|\x0e[^\x0f]*+\x0f?|\x1b\([BJ]", re.DOTALL
)
_KOREAN = b"\x1b$)C"  # what a shift means, RFC 1557
_BACK_TO_ASCII = b"\x1b(B"
_ENDS_SHIFTED = re.compile(rb"\x1b(?!\([BJ])[^\x1b]*\Z")
_MARKS = {b"\xff\xfe": "-le", b"\xfe\xff": "-be"}

Pieces = tuple[tuple[int, int, int], ...]
"""Of each stretch of plain ASCII: its start in the view, its start in the octets, its length."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text. ``octets`` are the part's, ``view`` what to look at; one object for ASCII's kin."""

    octets: bytes
    view: bytes
    reads: str  # the codec of the view
    writes: str  # the codec of what goes in
    pieces: Pieces = ()
    mark: int = 0  # octets of a byte order mark, in a charset of wide characters
    shifted: bool = False  # the text ends before it has come back to ASCII

    def place(self, gap: Gap) -> Gap:
        """Return where a span of the view lies in the octets."""
        if self.octets is self.view:
            return gap
        first = self._place(gap[0])
        return first, first if gap[0] == gap[1] else self._place(gap[1])

    def _place(self, at: int) -> int:
        if not self.pieces:
            return self.mark + len(self.view[:at].decode().encode(self.writes))
        starts, octets, length = self.pieces[bisect_right(self.pieces, (at, len(self.octets) + 1, 0)) - 1]
        if not starts <= at <= starts + length:
            raise Untouchable("charset")
        return octets + at - starts

    @property
    def readable(self) -> str:
        """The text in characters; what its label gets wrong is replaced."""
        return self.view.decode(self.reads, "replace")


def text_of(message: Message, part: Part) -> Text:
    """Return a part's text; raise Untouchable where there is none that everybody would read."""
    octets = decode(message.raw, part)
    charset = charset_of(part.charset)
    if charset.reads == "latin-1" and charset.writes == "ascii" and octets.find(b"\x1b$") >= 0:
        charset = ISO_2022_JP
    match charset.kin:
        case Kin.ASCII:
            # What has no label, or none that we know, is UTF-8 more often than not.
            reads = "utf-8" if charset.reads == "latin-1" and charset.writes == "ascii" else charset.reads
            return Text(octets, octets, reads, "ascii" if part.encoding == "7bit" else charset.writes)
        case Kin.SHIFTED:
            return _shifted(octets, charset)
        case Kin.WIDE if part.encoding == "base64":
            return _wide(octets, part.charset)
        case _:
            raise Untouchable("charset")


def _shifted(octets: bytes, charset: Charset) -> Text:
    view = bytearray()
    pieces: list[tuple[int, int, int]] = []
    at = 0
    for shift in _SHIFTS.get(charset.reads, _ESCAPES).finditer(octets):
        pieces.append((len(view), at, shift.start() - at))
        view += octets[at : shift.start()]
        view += _decoded(shift[0], charset.reads)
        at = shift.end()
    pieces.append((len(view), at, len(octets) - at))
    view += octets[at:]
    shifted = charset.reads.startswith("iso2022") and _ENDS_SHIFTED.search(octets) is not None
    return Text(octets, bytes(view), "utf-8", charset.writes, tuple(pieces), shifted=shifted)


def _decoded(octets: bytes, codec: str) -> bytes:
    """Write a stretch between shifts in UTF-8; a shift alone is nothing."""
    if octets in {b"\x1b(B", b"\x1b(J"} or codec == "latin-1":
        return b""
    if codec == "iso2022_kr":
        octets = _KOREAN + octets
    return octets.decode(codec, "replace").encode("utf-8", "replace")


def _wide(octets: bytes, name: str) -> Text:
    family = "utf-32" if "32" in name else "utf-16"
    mark, order = b"", _MARKS.get(octets[:2], "")
    if order:
        mark = octets[:2] if family == "utf-16" else octets[:4]
    elif name.endswith(("le", "be")):
        order = "-" + name[-2:]
    else:  # RFC 2781 section 4.3 says big-endian; much of what has no mark is not, and says so by its zeros
        order = "-le" if octets[1::2].count(0) > octets[::2].count(0) else "-be"
    codec = family + order
    try:
        view = octets[len(mark) :].decode(codec).encode()
    except UnicodeError as error:
        raise Untouchable("charset") from error
    return Text(octets, view, "utf-8", codec, mark=len(mark))


def back_to_ascii(text: Text) -> bytes:
    """Return what must stand before new octets at the end of a text."""
    return _BACK_TO_ASCII if text.shifted else b""
