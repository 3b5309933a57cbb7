"""A part of our own beside a body that cannot carry a line: the message becomes, or is, a multipart/mixed.

What it promises: nothing of the old body is touched, nor of the fields that describe it, Content-*, which go
with it into its part; all other fields keep their place. The multipart's Content-Type stands where
the old one stood, or last. How it fails: not at all, if the boundary is one that its sender cannot have
known.
"""

from gateway.mime.structure import Room
from gateway.model.message import Message
from gateway.model.splice import Splice

_OURS = (
    b'Content-Type: text/plain; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"Content-Disposition: inline\r\n\r\n"
)


def beside(message: Message, room: Room, text: bytes, boundary: bytes) -> list[Splice]:
    """Return the splices that put a text, in quoted-printable, beside the body of a message that has room.

    The last of them stands behind whatever else is put into the body, the others before it.
    """
    root = message.root
    if room is Room.INSERT:
        first = root.parts[0].start
        return [Splice(first, first, _OURS + text + b"\r\n--" + root.boundary + b"\r\n")]
    ours, line = _OURS + text, b"--" + boundary
    described = [field for field in root.fields if field.name.startswith(b"content-")]
    theirs = b"".join(
        [message.raw[field.start : field.end].removesuffix(b"\r\n") + b"\r\n" for field in described]
    )
    at, end = root.body_start, len(message.raw)
    if room is Room.WRAP_BEFORE:
        before = line + b"\r\n" + ours + b"\r\n" + line + b"\r\n" + theirs + b"\r\n"
        after = b"\r\n" + line + b"--\r\n"
    else:
        before = line + b"\r\n" + theirs + b"\r\n"
        after = b"\r\n" + line + b"\r\n" + ours + b"\r\n" + line + b"--\r\n"
    return [
        *_header(message, boundary),
        Splice(at, at, _blank_line(message) + before),
        Splice(end, end, after),
    ]


def _header(message: Message, boundary: bytes) -> list[Splice]:
    """Put the multipart's Content-Type in place of the old one, and take the other Content-* fields out."""
    mixed = b'Content-Type: multipart/mixed;\r\n boundary="' + boundary + b'"\r\n'
    goes = [
        field
        for field in message.root.fields
        if field.name.startswith(b"content-") and not _still_true(message, field.name)
    ]
    if not goes:
        return [_last(message, mixed)]
    place = next((field for field in goes if field.name == b"content-type"), goes[0])
    return [Splice(field.start, field.end, mixed if field is place else b"") for field in goes]


def _last(message: Message, mixed: bytes) -> Splice:
    """Put the multipart's Content-Type last, with the MIME-Version that it wants (RFC 2045 section 4).

    Where there are Content-* fields, that is somebody else's to add.
    """
    fields = message.root.fields
    end = fields[-1].end if fields else 0
    if not any(field.name == b"mime-version" or field.name.startswith(b"content-") for field in fields):
        mixed = b"MIME-Version: 1.0\r\n" + mixed
    return Splice(end, end, mixed)


def _still_true(message: Message, name: bytes) -> bool:
    """Whether a field holds for the multipart too: what is in it may be 8bit only if it says so itself."""
    return name == b"content-transfer-encoding" and message.root.encoding in {"8bit", "binary"}


def _blank_line(message: Message) -> bytes:
    """Return what ends the header section, where the message does not."""
    before = message.raw[: message.root.body_start]
    if before.endswith(b"\r\n\r\n"):
        return b""
    return b"\r\n" if before.endswith(b"\r\n") else b"\r\n\r\n"
