"""The content of a message, from octets as they come to what the pipeline takes. No I/O.

What it promises: DATA ends at CRLF.CRLF and nowhere else (RFC 5321 section 4.1.1.4), wherever the chunks
break; what follows the end stays in the buffer. The content that comes out has CRLF line ends only: no bare
CR or LF ever passes (SMTP smuggling, CVE-2023-51764). What is over the limit, or finds no room in
memory, is read to its end and thrown away, so that the session lives on.
How it fails: ``content`` gives a Reply instead of octets.
"""

from collections.abc import Callable
from typing import Literal

from gateway.mime.newlines import has_bare_newline
from gateway.model import reply
from gateway.model.reply import Reply

BareNewlines = Literal["rewrite", "refuse"]
Hold = Callable[[int], bool]
"""Asked whether that many octets in all may be kept (``contents.Share.grow_to``)."""

_END = b"\r\n.\r\n"


def repair_newlines(octets: bytes) -> bytes:
    """Turn a bare LF into CRLF and a bare CR into a space."""
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")


def _flaw(octets: bytes, limit: int) -> Reply | None:
    if len(octets) > limit:
        return reply.TOO_BIG.fill(limit=limit)
    if b"\0" in octets:
        return reply.HAS_NUL
    return None


def _first_end(raw: bytearray, start: int) -> int:
    """Return where the first end of data is, or -1.

    Mostly it is the only one, and CPython searches backwards in a third of the time.
    """
    last = raw.rfind(_END, start)
    if last < 0 or raw.rfind(_END, start, last + len(_END) - 1) < 0:
        return last
    return raw.find(_END, start)


class DotReader:
    """Reads one content that DATA announced."""

    __slots__ = ("_hold", "_limit", "_longest", "_raw", "_refusal")

    def __init__(self, limit: int, hold: Hold) -> None:
        self._limit = limit
        self._hold = hold
        # Each line on the wire may have a dot more than it is counted with: ".\r\n" comes as "..\r\n".
        self._longest = limit + limit // 3 + len(_END)
        self._refusal: Reply | None = None
        # The CRLF that ended the DATA command begins the first line: "." may be all there is.
        self._raw = bytearray(b"\r\n")

    def take(self, buffer: bytearray) -> bool:
        """Take from the buffer what belongs to the content; True when its end was there."""
        raw = self._raw
        known = max(0, len(raw) - len(_END) + 1)
        raw += buffer
        buffer.clear()
        end = _first_end(raw, known)
        if end >= 0:
            buffer += raw[end + len(_END) :]
            del raw[end + 2 :]
        self._weigh()
        return end >= 0

    def _weigh(self) -> None:
        """Keep what there is, or no more than an end of data that has begun."""
        raw = self._raw
        if self._refusal is None:
            if len(raw) > self._longest:
                self._refusal = reply.TOO_BIG.fill(limit=self._limit)
                self._hold(0)
            elif not self._hold(len(raw)):
                self._refusal = reply.CONTENTS_FULL
        if self._refusal is not None:
            del raw[: -len(_END)]

    def content(self, bare_newlines: BareNewlines) -> bytes | Reply:
        """Return the content without its dots, or what is wrong with it."""
        raw = bytes(self._raw)
        if self._refusal is not None:
            return self._refusal
        if has_bare_newline(raw):
            if bare_newlines == "refuse":
                return reply.BARE_NEWLINE
            raw = repair_newlines(raw)
        # RFC 5321 section 4.5.2. After the repair, because clients that send bare LF stuff dots there too.
        if raw.rfind(b"\r\n.") >= 0:  # less than half of what the replacement costs, and mostly there is none
            raw = raw.replace(b"\r\n.", b"\r\n")
        content = raw[2:]
        return _flaw(content, self._limit) or content


class ChunkReader:
    """Collects one content that comes in BDAT chunks (RFC 3030 section 2)."""

    __slots__ = ("_hold", "_keeps", "_left", "_limit", "_raw", "_refusal")

    def __init__(self, limit: int, hold: Hold) -> None:
        self._limit = limit
        self._hold = hold
        self._refusal: Reply | None = None
        self._keeps = True
        self._left = 0
        self._raw = bytearray()

    def expect(self, size: int) -> None:
        """Announce a chunk of that many octets."""
        self._left = size
        if len(self._raw) + size > self._limit:
            self._refuse(reply.TOO_BIG.fill(limit=self._limit))

    def discard(self) -> None:
        """Throw away what was read and what is still to come."""
        self._keeps = False
        self._raw.clear()
        self._hold(0)

    def _refuse(self, why: Reply) -> None:
        if self._refusal is None:
            self._refusal = why
        self.discard()

    @property
    def refusal(self) -> Reply | None:
        """Why the chunks announced so far cannot be kept: over the limit, or no room for them."""
        return self._refusal

    def take(self, buffer: bytearray) -> bool:
        """Take from the buffer what belongs to the chunk; True when the chunk is whole."""
        piece = buffer[: self._left]
        del buffer[: len(piece)]
        self._left -= len(piece)
        if self._keeps:
            self._raw += piece
            if not self._hold(len(self._raw)):
                self._refuse(reply.CONTENTS_FULL)
        return self._left == 0

    def content(self, bare_newlines: BareNewlines) -> bytes | Reply:
        """Return the content, its last line ended, or what is wrong with it."""
        raw = bytes(self._raw)
        if has_bare_newline(raw):
            if bare_newlines == "refuse":
                return reply.BARE_NEWLINE
            raw = repair_newlines(raw)
        if raw and not raw.endswith(b"\r\n"):
            raw += b"\r\n"
        return _flaw(raw, self._limit) or raw
