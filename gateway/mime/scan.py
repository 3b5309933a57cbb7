"""From octets to offsets: the header fields and the tree of parts, in one pass and without decoding.

What it promises: ``scan`` takes any octets, in time linear in their number (times the depth, which is
bounded), and never raises. However hostile they are, 25 MiB of them take about a tenth of a second: what
could take longer has a limit. What is broken or beyond the limits is named by a slug in ``Message.defects``,
and the part of the tree behind it is left opaque: a multipart without ``parts``. Header fields behind
``FIELDS`` are not seen, and none of a header section that ends behind ``HEADERS``.

    no-header            the first line is no header field; nothing was scanned
    header-line          a line within a header section is no field
    part-header          a part begins with something that is no header field
    part-without-body    a part ends before the blank line that begins its body
    content-type         a Content-Type that cannot be read, or twice in one part
    content-encoding     a Content-Transfer-Encoding twice in one part, or an encoded multipart
    boundary-missing     a multipart that names no boundary, or two
    boundary-absent      a multipart in which its boundary never comes
    boundary-unclosed    a multipart that ends without its closing delimiter
    header-too-large, too-deep, too-many-parts, too-many-fields
"""

import re

from gateway.mime.content import ContentType, content_type_of, disposition_of, encoding_of
from gateway.model.message import Field, Message, Part

DEPTH = 20  # multiparts within multiparts
PARTS = 1000
FIELDS = 2000  # of the message and all its parts, lines that are none among them
HEADERS = 1_048_576  # octets of header sections, of the message and all its parts
LOOKALIKES = 10_000  # lines that begin like a boundary, and are none

# Octets looked through for boundaries, all levels together. Mail that nests deeper holds the weight of its
# attachments in the outer levels; a message that holds it in the twentieth was made to be looked through.
_SEARCHES_OF_ALL = 3
_SEARCHED_ANYWAY = 16_777_216
_LONGEST_VALUE = 32_768  # of a Content-* field; a longer one is read as one that says nothing known
_UNKNOWN = b"?"

_DEFAULT = ContentType("text/plain")  # RFC 2045 section 5.2
_OPAQUE = ContentType("")
_IN_DIGEST = ContentType("message/rfc822")  # RFC 2046 section 5.1.5

# A line end without a fold behind it (RFC 5322 sections 2.2 and 2.2.3), and a field's name; blanks between it
# and the colon are section 4.5's.
_FIELD_ENDS = re.compile(rb"\r\n(?![ \t])")
_NAME = re.compile(rb"([!-9;-~]++)[ \t]*+:")
_made = tuple.__new__  # a named tuple without its own constructor, which is a call of Python: half the time


def scan(raw: bytes) -> Message:
    """Return the message that these octets are."""
    one = _Scan(raw)
    root = one.root()
    return Message(raw, root, tuple(dict.fromkeys(one.defects)))


class _Scan:
    """One pass over one message: what is left of the limits, and the defects so far."""

    __slots__ = (
        *("defects", "fields_left", "headers_left", "lookalikes_left", "parts_left", "raw", "search_left"),
    )

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.defects: list[str] = []
        self.fields_left = FIELDS
        self.headers_left = HEADERS
        self.lookalikes_left = LOOKALIKES
        self.search_left = _SEARCHES_OF_ALL * len(raw) + _SEARCHED_ANYWAY
        self.parts_left = PARTS

    def root(self) -> Part:
        """The message itself. Without a header section it is one opaque body."""
        fields, body, broken = self._header(0, len(self.raw), "no-header")
        end = len(self.raw)
        return self._entity(fields, (0, end if body < 0 else body, end), _DEFAULT, DEPTH, broken)

    def _header(self, start: int, end: int, headless: str) -> tuple[tuple[Field, ...], int, str]:
        """Return the fields, where the body begins, or -1, and what is broken; ``headless``: all of it."""
        raw = self.raw
        if raw.startswith(b"\r\n", start, end):
            return (), start + 2, ""
        blank = raw.find(b"\r\n\r\n", start, min(end, start + self.headers_left + 2))
        stop = end if blank < 0 else blank + 2
        if stop - start > self.headers_left:
            self.defects.append("header-too-large")
            return (), start, "header-too-large"
        self.headers_left -= stop - start
        fields: list[Field] = []
        at, broken = start, ""
        lines = _FIELD_ENDS.split(raw[start:stop])
        if not lines[-1]:  # behind the last line end
            del lines[-1]
        for line in lines[: self.fields_left]:
            after = at + len(line) + 2
            if after > stop:  # noqa: PLR1730 - a call for each field; the last one, where it has no line end
                after = stop
            name = _NAME.match(line)
            if name is not None:
                fields.append(_made(Field, (name[1].lower(), at, at + name.end(), after)))
            elif at == start:
                self.defects.append(headless)
                return (), start, headless
            else:
                broken = "header-line"
                self.defects.append(broken)
            at = after
        if len(lines) > self.fields_left:
            broken = "too-many-fields"
            self.defects.append(broken)
        self.fields_left = max(self.fields_left - len(lines), 0)
        return tuple(fields), -1 if blank < 0 else blank + 4, broken

    def _part(self, start: int, end: int, default: ContentType, depth: int) -> Part:
        """One part of a multipart."""
        fields, body, broken = self._header(start, end, "part-header")
        if broken in {"part-header", "header-too-large"}:
            return self._entity((), (start, start, end), _OPAQUE, depth, broken)
        if body < 0:
            broken = broken or "part-without-body"
            self.defects.append("part-without-body")
            body = end
        return self._entity(fields, (start, body, end), default, depth, broken)

    def _entity(
        self,
        fields: tuple[Field, ...],
        place: tuple[int, int, int],
        default: ContentType,
        depth: int,
        broken: str,
    ) -> Part:
        """What the fields say of the body, and the parts within it. A place is a start, a body, an end."""
        kind, encoding, disposition = default, "7bit", ""
        types = encodings = 0
        for field in fields:
            name = field.name
            if name == b"content-type":
                types += 1
                kind = content_type_of(self._value(field))
            elif name == b"content-transfer-encoding":
                encodings += 1
                encoding = encoding_of(self._value(field))
            elif name == b"content-disposition":
                disposition = disposition_of(self._value(field))
        if kind.defect or types > 1:
            broken = broken or kind.defect or "content-type"
            self.defects.append(kind.defect or "content-type")
        if encodings > 1:
            broken = broken or "content-encoding"
            self.defects.append("content-encoding")
        parts: tuple[Part, ...] = ()
        if kind.name.startswith("multipart/") and not kind.defect and types < 2:
            known = len(self.defects)
            parts = self._multipart(kind, encoding, place, depth)
            if not parts and self.defects[known:]:
                broken = broken or self.defects[-1]
        return Part(
            place[0],
            fields,
            place[1],
            place[2],
            kind.name,
            kind.charset,
            encoding,
            kind.boundary,
            disposition,
            kind.format_flowed,
            kind.delsp,
            parts,
            broken,
        )

    def _value(self, field: Field) -> bytes:
        if field.end - field.colon > _LONGEST_VALUE:
            return _UNKNOWN
        return self.raw[field.colon : field.end].replace(b"\r\n", b"").strip()

    def _multipart(
        self, kind: ContentType, encoding: str, place: tuple[int, int, int], depth: int
    ) -> tuple[Part, ...]:
        """The parts of a multipart; none where it is broken beyond reading, or beyond the limits."""
        if encoding not in {"7bit", "8bit", "binary"}:  # RFC 2045 section 6.4
            self.defects.append("content-encoding")
            return ()
        self.search_left -= place[2] - place[1]
        if depth == 0 or self.search_left < 0:
            self.defects.append("too-deep")
            return ()
        spans = self._spans(kind.boundary, place[1], place[2])
        if spans is None:
            self.defects.append("too-many-parts")
            return ()
        self.parts_left -= len(spans)
        default = _IN_DIGEST if kind.name == "multipart/digest" else _DEFAULT
        return tuple([self._part(first, last, default, depth - 1) for first, last in spans])

    def _spans(self, boundary: bytes, body: int, end: int) -> list[tuple[int, int]] | None:
        """Where each part begins and ends (RFC 2046 section 5.1.1); None when there are too many to tell."""
        raw, marker = self.raw, b"\r\n--" + boundary
        spans: list[tuple[int, int]] = []
        opened, closed = -1, False
        # The blank line's own CRLF may be the one that belongs to the first delimiter.
        at = raw.find(marker, max(body - 2, 0), end)
        while at >= 0:
            after = at + len(marker)
            closed = raw.startswith(b"--", after, end)
            line_end = raw.find(b"\r\n", after, end)
            stop = end if line_end < 0 else line_end
            if raw[after + 2 * closed : stop].strip(b" \t"):  # a longer word that begins like the boundary
                closed = False
                self.lookalikes_left -= 1
                if self.lookalikes_left < 0:
                    return None
                at = raw.find(marker, after, end)
                continue
            if opened >= 0:
                if len(spans) >= self.parts_left:
                    return None
                spans.append((opened, max(opened, at)))
            opened = stop if line_end < 0 else line_end + 2
            if closed:
                break
            at = raw.find(marker, line_end, end) if line_end >= 0 else -1
        if not closed:
            self.defects.append("boundary-absent" if opened < 0 else "boundary-unclosed")
            if opened >= 0:
                spans.append((opened, end))
        return spans
