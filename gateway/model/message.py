"""A message as offsets into its raw bytes: what ``gateway.mime.scan`` found, nothing decoded twice.

All offsets are octets from the start of ``raw``. Lines end in CRLF: the SMTP side sees to that.
"""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.model.values import dataclass


class Field(NamedTuple):
    """One header field. ``start`` to ``end`` is the whole field with its folds and last CRLF.

    A named tuple, because a message has many: it is built in a third of the time of a frozen dataclass.
    """

    name: bytes  # lower case
    start: int
    colon: int  # offset just after the colon
    end: int


class Part(NamedTuple):
    """One MIME entity. The root part is the message itself.

    ``body_end`` excludes the CRLF that belongs to the boundary after it (RFC 2046 section 5.1.1).
    """

    start: int  # of its header section
    fields: tuple[Field, ...]
    body_start: int
    body_end: int
    content_type: str  # "text/plain", lower case; defaults filled in
    charset: str  # lower case, "" when not said
    encoding: str  # 7bit, 8bit, binary, quoted-printable, base64, lower case; "" unknown
    boundary: bytes
    disposition: str  # inline, attachment, lower case; "" when not said
    format_flowed: bool
    delsp: bool
    parts: tuple["Part", ...] = ()
    broken: str = ""  # what is wrong with this part itself, so that readers read it in different ways

    def walk(self) -> Iterator["Part"]:
        """Yield this part and all below it, depth first, in the order of the bytes."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.parts))


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was scanned. ``defects`` are slugs of what was found broken, in order."""

    raw: bytes
    root: Part
    defects: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """The message's own header fields, in order."""
        return self.root.fields

    def all(self, name: bytes) -> tuple[Field, ...]:
        """Return the fields of that lower-case name."""
        return tuple(field for field in self.root.fields if field.name == name)

    def value(self, name: bytes) -> bytes | None:
        """Return the unfolded, stripped value of the first field of that lower-case name, or None."""
        for field in self.root.fields:
            if field.name == name:
                return self.text_of(field)
        return None

    def text_of(self, field: Field) -> bytes:
        """Return a field's value, unfolded (RFC 5322 section 2.2.3) and stripped."""
        return self.raw[field.colon : field.end].replace(b"\r\n", b"").strip()
