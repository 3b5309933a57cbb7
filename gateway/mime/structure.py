"""Which parts of a message its reader reads: those that may carry a line of ours.

What it promises: only text that is shown as the message itself, never an attachment; both forms of an
alternative. A structure that a change could break, or that is broken, gives a reason instead: a slug.
"""

from dataclasses import dataclass

from gateway.mime.content import names_a_file
from gateway.model.message import Message, Part

_SEALED = {"multipart/signed": "signed", "multipart/encrypted": "encrypted"}
_SEALED |= {"application/pkcs7-mime": "encrypted", "application/x-pkcs7-mime": "encrypted"}
_MAY_NAME_A_FILE = (b"content-type", b"content-disposition")


@dataclass(frozen=True, slots=True)
class Bodies:
    """The parts that are read, in order; none of them, and a reason, where nothing may be changed."""

    parts: tuple[Part, ...] = ()
    reason: str = ""


def bodies(message: Message) -> Bodies:
    """Return the text parts that are the message itself."""
    if message.defects:
        return Bodies(reason="broken-" + message.defects[0])
    root = message.root
    if (
        root.body_start == len(message.raw)
        and not message.raw.endswith(b"\r\n\r\n")
        and message.raw != b"\r\n"
    ):
        return Bodies(reason="no-body")
    return _bodies(message.raw, root)


def _bodies(raw: bytes, part: Part) -> Bodies:
    match part.content_type:
        case "text/plain" | "text/html":
            return Bodies(reason="attachment") if is_attachment(raw, part) else Bodies((part,))
        case "multipart/alternative":
            return _of_alternative(raw, part)
        case "multipart/mixed":
            return _first(raw, part.parts)
        case "multipart/related":
            return _first(raw, part.parts[:1])  # RFC 2387 section 3.2: the root is the first
        case kind:
            return Bodies(reason=_SEALED.get(kind, "structure"))


def _of_alternative(raw: bytes, part: Part) -> Bodies:
    found: list[Part] = []
    for child in part.parts:
        below = _bodies(raw, child)
        if below.reason in _SEALED.values():
            return below
        found.extend(below.parts)
    return Bodies(tuple(found), "" if found else "no-text")


def _first(raw: bytes, parts: tuple[Part, ...]) -> Bodies:
    for child in parts:
        below = _bodies(raw, child)
        if below.parts or below.reason in _SEALED.values():
            return below
    return Bodies(reason="no-text")


def is_attachment(raw: bytes, part: Part) -> bool:
    """Whether a part is a file that goes along: it says so, or it has a file's name."""
    if part.disposition == "attachment":
        return True
    for field in part.fields:
        if field.name in _MAY_NAME_A_FILE and names_a_file(raw[field.colon : field.end]):
            return True
    return False
