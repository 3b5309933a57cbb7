"""What a message's reader sees of it, in order: the texts that may carry a line of ours, and the others.

Mail programs show the texts of a multipart/mixed one below the other, one form of an alternative, the root
of a multipart/related; attachments, calendars, reports and other messages within the message are not its
text. A message without any text can carry a part of our own.

What it promises: only text that is shown as the message itself is ever named; what is signed is named as
such. A structure that is broken on the way to the text, so that readers see it in different ways, gives a
reason instead: a slug. Time linear in the number of parts.
"""

from dataclasses import dataclass
from enum import Enum

from gateway.mime.content import names_a_file, start_of
from gateway.model.message import Message, Part

_SEALED = {"multipart/signed": "signed", "multipart/encrypted": "encrypted"}
_SEALED |= {"application/pkcs7-mime": "encrypted", "application/x-pkcs7-mime": "encrypted"}
SEALED = frozenset({"signed", "encrypted", "inline-pgp"})
"""The reasons for which octets must stay that somebody else has signed or encrypted."""
# What is no body at all, or one that means what it says to a program: nothing is put beside it.
_FOR_PROGRAMS = {
    "multipart/report": "report",
    "multipart/digest": "digest",
    "multipart/form-data": "structure",
    "multipart/appledouble": "attachment",
    "text/calendar": "calendar",
}
_READ = frozenset({"text/plain", "text/html", "text/x-amp-html", "text/watch-html"})
_MAY_NAME_A_FILE = (b"content-type", b"content-disposition")


class Room(Enum):
    """How a message that shows no text we could change can carry a part of our own."""

    NONE = "not at all"
    WRAP_BEFORE = "the whole body becomes the second part of a multipart/mixed, ours is the first"
    WRAP_AFTER = "it becomes the first part, ours is the second: a reader sees it below"
    INSERT = "it is a multipart/mixed already: ours becomes its first part"


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that is shown. ``sealed``: why its octets must stay as they are, or ""."""

    part: Part
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Forms of the same text, of which a reader sees one."""

    forms: tuple["Row", ...]


Row = tuple[Shown | Choice, ...]
"""What is shown, from top to bottom."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """What is shown; ``reason``: why nothing of it may be changed, where that is so."""

    row: Row = ()
    reason: str = ""
    room: Room = Room.NONE


def bodies(message: Message) -> Bodies:
    """Return the texts that are the message itself."""
    if "no-header" in message.defects or "too-many-fields" in message.defects:
        return Bodies(reason="broken-" + message.defects[0])
    found = _bodies(message.raw, message.root)
    return Bodies(found.row, found.reason, _room(message.root, found))


def _bodies(raw: bytes, part: Part) -> Bodies:
    if part.broken:
        return Bodies(reason="broken-" + part.broken)
    match part.content_type:
        case kind if kind in _READ:
            found = Bodies(reason="attachment") if is_attachment(raw, part) else Bodies((Shown(part),))
        case kind if kind in _SEALED:
            found = _sealed(raw, part, _SEALED[kind])
        case kind if kind in _FOR_PROGRAMS:
            found = Bodies(reason=_FOR_PROGRAMS[kind])
        case "multipart/alternative":
            found = _of_alternative(raw, part)
        case "multipart/related":
            found = _bodies(raw, _root_of(raw, part)) if part.parts else Bodies(reason="no-text")
        case kind if kind.startswith("multipart/"):  # what is unknown is mixed, RFC 2046 section 5.1.3
            found = _one_below_the_other(raw, part)
        case _:
            found = Bodies(reason="structure")
    return found


def _sealed(raw: bytes, part: Part, reason: str) -> Bodies:
    """Name the text that is signed, so that it can be read; of what is encrypted there is none."""
    if part.content_type != "multipart/signed" or not part.parts:
        return Bodies(reason=reason)
    return Bodies(_seal(_bodies(raw, part.parts[0]).row, reason), reason)


def _seal(row: Row, reason: str) -> Row:
    return tuple(
        [
            Shown(one.part, reason)
            if isinstance(one, Shown)
            else Choice(tuple([_seal(form, reason) for form in one.forms]))
            for one in row
        ]
    )


def _of_alternative(raw: bytes, part: Part) -> Bodies:
    found = [_bodies(raw, child) for child in part.parts]
    forms = tuple([one.row for one in found if one.row])
    return Bodies((Choice(forms),) if forms else (), "" if forms else _first_reason(found))


def _one_below_the_other(raw: bytes, part: Part) -> Bodies:
    if any(child.boundary and child.boundary == part.boundary for child in part.parts):
        # Which of the two a delimiter ends, readers disagree.
        return Bodies(reason="broken-boundary-repeated")
    found = [_bodies(raw, child) for child in part.parts]
    row = tuple([shown for one in found for shown in one.row])
    return Bodies(row, "" if row else _first_reason(found))


def _first_reason(found: list[Bodies]) -> str:
    """Return why there is no text: what is sealed or broken is said before what is merely none."""
    reasons = [one.reason for one in found]
    said = [one for one in reasons if one in _SEALED.values() or one.startswith("broken-")]
    return said[0] if said else "no-text"


def _root_of(raw: bytes, part: Part) -> Part:
    """Return the root of a related: the part that ``start`` names, else the first (RFC 2387 section 3.2)."""
    start = start_of(_value(raw, part, b"content-type")).strip(b"<> \t")
    named = [one for one in part.parts if start and _value(raw, one, b"content-id").strip(b"<> \t") == start]
    return named[0] if named else part.parts[0]


def _value(raw: bytes, part: Part, name: bytes) -> bytes:
    for field in part.fields:
        if field.name == name:
            return raw[field.colon : field.end].replace(b"\r\n", b"").strip()
    return b""


def _room(root: Part, found: Bodies) -> Room:
    kind = root.content_type
    if root.broken or kind in _FOR_PROGRAMS or kind.startswith("message/"):
        return Room.NONE
    if kind in _SEALED or found.row:
        return Room.WRAP_AFTER
    if not kind.startswith("multipart/"):
        return Room.WRAP_BEFORE if "/" in kind else Room.NONE
    return (
        Room.INSERT if kind == "multipart/mixed" and root.parts and found.reason == "no-text" else Room.NONE
    )


def is_attachment(raw: bytes, part: Part) -> bool:
    """Whether a part is a file that goes along: it says so, or it has a file's name."""
    if part.disposition == "attachment":
        return True
    for field in part.fields:
        if field.name in _MAY_NAME_A_FILE and names_a_file(raw[field.colon : field.end]):
            return True
    return False
