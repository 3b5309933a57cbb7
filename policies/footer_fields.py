"""Placeholders in header fields: filled in for each reader, also within encoded words (RFC 2047).

Only what is no ordinary text anywhere counts here, in fields that no other policy takes out or replaces. A
placeholder that shows when encoded words are decoded, and cannot be filled in, is a reason to refuse: it is
half in a word and half outside, or in a charset that cannot be written; or its field goes with the body into
a part of a wrapped message, where nobody looks for it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.mime.encoded_words import Run, folded, runs, written
from gateway.mime.structure import Room
from gateway.model.message import Field, Message
from policies.list_headers import REPLACED
from policies.own_headers import takes_out
from policies.way_out.placeholders import Site, unmistakable

_ENCODED = b"=?"
_HELD, _MOVED = "encoded-word", "moved-field"  # why a placeholder cannot be replaced


@dataclass(frozen=True, slots=True)
class EncodedSite:
    """A run of encoded words with placeholders in it; ``text`` has a NUL for each, folds stand around it."""

    start: int
    end: int
    before: bytes
    text: str
    after: bytes

    def fill(self, url: str) -> bytes:
        """Return the words for the reader whose link this is."""
        return b"".join((self.before, written(self.text.replace("\0", url)), self.after))


@dataclass(frozen=True, slots=True)
class InFields:
    """The placeholders of a header section, in no order. ``held``: why one cannot be replaced, or ""."""

    sites: tuple[Site | EncodedSite, ...] = ()
    held: str = ""


NONE = InFields()


def in_fields(message: Message, room: Room) -> InFields:
    """Find the placeholders in the fields that stay. ``room``: what becomes of the Content-* fields."""
    if not message.fields:
        return NONE
    head = message.raw[: message.root.body_start]
    plain = unmistakable(head)
    encoded = _ENCODED in head
    if not plain and not encoded:
        return NONE
    found: list[Site | EncodedSite] = []
    held = ""
    moved = room in {Room.WRAP_BEFORE, Room.WRAP_AFTER}
    for field in _own_fields(message):
        outside = [site for site in plain if field.colon <= site.start and site.end <= field.end]
        inside: list[EncodedSite] = []
        if encoded and message.raw.find(_ENCODED, field.colon, field.end) >= 0:
            words = list(runs(message.raw, field.colon, field.end))
            outside = [site for site in outside if not _within(site, words)]
            inside, doubt = _in_words(message, field, words, len(outside))
            held = held or doubt
        if moved and field.name.startswith(b"content-"):
            held = held or (_MOVED if inside or outside else "")
        else:
            found += (*inside, *outside)
    return InFields(tuple(found), held)


def _within(site: Site, words: list[Run]) -> bool:
    return any(run.start <= site.start < run.end for run in words)


def _in_words(
    message: Message, field: Field, words: list[Run], outside: int
) -> tuple[list[EncodedSite], str]:
    """Return the runs that show placeholders, and why one of these must stay, or "".

    ``outside``: how many others the field has.
    """
    found: list[EncodedSite] = []
    held = ""
    shown: list[bytes] = []
    at = field.colon
    for run in words:
        text = run.text.encode("utf-8", "replace")
        sites = unmistakable(text)
        if sites:
            text = _without(text, sites)
            start, end, before, after = folded(message.raw, field.start, run)
            found.append(EncodedSite(start, end, before, text.decode(), after))
            held = held or ("" if run.exact else _HELD)
        shown += (message.raw[at : run.start], text)
        at = run.end
    shown.append(message.raw[at : field.end])
    # What a reader sees may have one that neither the words nor what is around them has by itself.
    if len(unmistakable(b"".join(shown).replace(b"\r\n", b""))) > outside:
        held = _HELD
    return found, held


def _without(text: bytes, sites: tuple[Site, ...]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for site in sites:
        pieces += (text[at : site.start], b"\0")
        at = site.end
    return b"".join((*pieces, text[at:]))


def _own_fields(message: Message) -> Iterator[Field]:
    """Yield the fields that nobody else takes out or replaces."""
    return (field for field in message.fields if field.name not in REPLACED and not takes_out(field.name))
