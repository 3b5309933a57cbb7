"""Where a message gets a footer and where its placeholders stand: worked out once, whoever gets the message.

A reader sees the texts of a message one below the other, and of an alternative one form. The footer belongs
at the end: into the last text that can take it, in each form of it, unless one of the texts that are seen
together already shows a way to leave. A message without any text gets a part of our own.

What no reader could be sure of is left as it is, with the reason in ``Plan.outcome``. A placeholder in such a
place is named in ``Plan.unfilled``: it must not be sent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

from gateway.mime.enclosed import end_of_plain, is_armoured
from gateway.mime.insertion import Place, place_in_html
from gateway.mime.lastplan import LastPlan, LastReadings
from gateway.mime.structure import Bodies, Choice, Room, Row, Shown, bodies
from gateway.mime.text import Text, back_to_ascii, text_of
from gateway.mime.transfer import Gap, Placement, Untouchable, place
from gateway.model.message import Message, Part
from gateway.model.splice import Splice
from policies.list_headers import REPLACED
from policies.own_headers import takes_out
from policies.unsubscribe_link import own_links, placeholders, shows_link

ADDED, PROVIDED, HEADERS_ONLY = "added", "sender provides", "headers only: "
WRAPPED, AS_A_PART = "added, wrapped", "added, as a part"

_MOST_LINKS = 1000  # placeholders in one part
# One of them behind a link gives it the length that base64 needs: a browser never sends it. A line of ours is
# followed by blanks.
_AFTER_A_LINK, _AFTER_A_FOOTER = ("", "#", "#u"), ("", " ", "  ")
_AMP = "text/x-amp-html"
_HTML = frozenset({"text/html", _AMP, "text/watch-html"})
_OUTCOMES = {Room.INSERT: AS_A_PART, Room.WRAP_BEFORE: WRAPPED, Room.WRAP_AFTER: WRAPPED}


@dataclass(frozen=True, slots=True)
class Terms:
    """What of the settings decides about places."""

    own_header_counts: bool = True
    wraps_sealed: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """How a footer is written in its place: ``form`` is the template, ``newline`` its line ends."""

    form: str  # text, html, amp
    codec: str
    flowed: bool
    newline: str
    lead: bytes
    trail: bytes


@dataclass(frozen=True, slots=True)
class Edit:
    """What is put into one part: links where placeholders stand, and the footer, if one is wanted."""

    placement: Placement
    links: int
    html: bool
    codec: str
    footer: Lines | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What rewriting does to a message, whoever gets it."""

    edits: tuple[Edit, ...]
    in_fields: tuple[Gap, ...]
    outcome: str
    room: Room = Room.NONE
    body: tuple[Splice, ...] = ()  # what begins a body where there is none
    unfilled: str = ""  # why a placeholder cannot be replaced, or ""


@lru_cache(maxsize=8)
def plans(terms: Terms) -> Callable[[Message], Plan]:
    """Return what plans under these terms; one for all who ask, so that explaining finds it worked out."""
    return LastPlan(partial(_plan, terms=terms))


def _plan(message: Message, *, terms: Terms) -> Plan:
    return _Planning(message, terms).plan()


class _Planning:
    """One message being looked at."""

    def __init__(self, message: Message, terms: Terms) -> None:
        self._message = message
        self._terms = terms
        self._named = own_links(message)
        self._header_counts = terms.own_header_counts and bool(self._named)
        self._edits: dict[int, Edit] = {}  # by the start of the part
        self._readings: dict[int, _Reading | str] = {}
        self._unfilled = ""

    def plan(self) -> Plan:
        found = bodies(self._message)
        reason = found.reason
        if found.row:
            reason = "" if self._header_counts or self._suffices(found.row) else self._add(found.row)
        for shown in _texts(found.row):
            self._fill_in(shown)
        room = self._room(found, reason)
        if not found.row and room is not Room.WRAP_BEFORE and self._sees_placeholder(self._message.root):
            self._unfilled = found.reason
        edits = tuple(self._edits.values())
        added = any(edit.footer is not None for edit in edits)
        outcome = ADDED if added else _OUTCOMES[room] if reason and room in _OUTCOMES else _said(reason)
        fields, body = _in_fields(self._message, room), _body(self._message) if added else ()
        return Plan(edits, fields, outcome, room, body, self._unfilled)

    def _room(self, found: Bodies, reason: str) -> Room:
        """Return how a part of our own comes in, where one is wanted."""
        sealed = found.room is Room.WRAP_AFTER
        if not reason or self._edits or self._header_counts or (sealed and not self._terms.wraps_sealed):
            return Room.NONE
        return found.room

    def _sees_placeholder(self, part: Part) -> bool:
        return bool(placeholders(self._message.raw[part.body_start : part.body_end]))

    def _suffices(self, row: Row) -> bool:
        """Whether one of the texts that are seen together shows a way to leave."""
        return any(self._has_way_out(one) for one in row)

    def _has_way_out(self, one: Shown | Choice) -> bool:
        if isinstance(one, Choice):
            return all(self._suffices(form) for form in one.forms)
        return self._shows_one(one)

    def _add(self, row: Row) -> str:
        """Put a footer at the end of texts that are seen together; return why not, "" where it is done."""
        reason = ""
        for one in reversed(row):
            reason = self._add_to_forms(one) if isinstance(one, Choice) else self._add_to_text(one)
            # What stands above is no place for the forms that cannot have one, if the others have it here.
            if not reason or any(self._shows_one(text) for text in _texts((one,))):
                break
        return reason

    def _shows_one(self, shown: Shown) -> bool:
        reading = self._reading(shown.part)
        return isinstance(reading, _Reading) and reading.suffices

    def _add_to_forms(self, choice: Choice) -> str:
        """Each form needs its own; one that cannot have it does not hold up the others."""
        reasons = [self._add(form) for form in choice.forms if not self._suffices(form)]
        return "" if "" in reasons else reasons[0]

    def _add_to_text(self, shown: Shown) -> str:
        reading = self._reading(shown.part)
        if isinstance(reading, str):
            return reading
        reason = self._sealed(shown, reading) or reading.reason
        if reason:
            return reason
        try:
            self._edits[shown.part.start] = _edit(self._message, shown.part, reading, reading.place)
        except Untouchable as untouchable:
            return untouchable.reason
        return ""

    def _sealed(self, shown: Shown, reading: "_Reading") -> str:
        """Return why the octets of a text must stay, or ""."""
        return shown.sealed or ("inline-pgp" if reading.armoured and not self._terms.wraps_sealed else "")

    def _fill_in(self, shown: Shown) -> None:
        """Replace the placeholders of a text, if that has not been done together with its footer."""
        reading = self._reading(shown.part)
        if isinstance(reading, str):
            if self._sees_placeholder(shown.part):
                self._unfilled = reading
        elif reading.gaps and shown.part.start not in self._edits:
            self._unfilled = self._sealed(shown, reading) or self._unfilled
            try:
                self._edits[shown.part.start] = _edit(self._message, shown.part, reading, None)
            except Untouchable as untouchable:
                self._unfilled = untouchable.reason

    def _reading(self, part: Part) -> "_Reading | str":
        """Return what a text says, or why nobody can tell."""
        if part.start not in self._readings:
            self._readings[part.start] = self._read(part)
        return self._readings[part.start]

    def _read(self, part: Part) -> "_Reading | str":
        body = self._message.raw[part.body_start : part.body_end]
        named, needless = self._named, self._header_counts
        circumstances = (part.encoding, part.content_type, part.charset, named, needless)
        try:
            return _READINGS.get(body, circumstances, lambda: _read(self._message, part, named, needless))
        except Untouchable as untouchable:
            return untouchable.reason


def _said(reason: str) -> str:
    return HEADERS_ONLY + reason if reason else PROVIDED


def _texts(row: Row) -> Iterator[Shown]:
    for one in row:
        if isinstance(one, Shown):
            yield one
        else:
            for form in one.forms:
                yield from _texts(form)


# What a text says
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a part's text says, wherever it stands in a message.

    ``suffices``: it needs no footer. ``place``: where one would go; ``reason``: why it can go nowhere.
    """

    text: Text
    gaps: list[Gap]
    suffices: bool
    armoured: bool
    place: Place | None = None
    reason: str = ""


_READINGS = LastReadings[_Reading]()


def _read(message: Message, part: Part, named: tuple[bytes, ...], needless: bool) -> _Reading:  # noqa: FBT001 - one of the circumstances
    text = text_of(message, part)
    html = part.content_type in _HTML
    armoured = not html and is_armoured(text.view)
    gaps = placeholders(text.view)
    if len(gaps) > _MOST_LINKS:
        raise Untouchable("too-many-placeholders")
    if gaps or needless:
        return _Reading(text, gaps, True, armoured)
    lower = text.view.lower()
    read_as = part._replace(content_type="text/html") if html else part
    if shows_link(read_as, text.view, lower, named):
        return _Reading(text, gaps, True, armoured)
    try:
        found = place_in_html(text.view, lower) if html else Place(end_of_plain(text.view))
    except Untouchable as untouchable:
        return _Reading(text, gaps, False, armoured, reason=untouchable.reason)
    if found.closing and part.content_type == _AMP:  # it is valid as it is, or not shown at all
        return _Reading(text, gaps, False, armoured, reason="html")
    return _Reading(text, gaps, False, armoured, found)


# How it is written there
# --------------------------------------------------------------------------------------


def _edit(message: Message, part: Part, reading: _Reading, where: Place | None) -> Edit:
    """Find the places of a text's placeholders, and of a footer where one is wanted."""
    text, gaps = reading.text, list(reading.gaps)
    fillers = [_AFTER_A_LINK] * len(gaps)
    footer = None
    if where is not None:
        footer = _lines(part, text, where)
        gaps.append((where.at, where.at))
        fillers.append(_AFTER_A_FOOTER)
    codec = text.writes
    written = [(a.encode(codec), b.encode(codec), c.encode(codec)) for a, b, c in fillers]
    placement = place(message.raw, part, text.octets, [text.place(gap) for gap in gaps], written)
    return Edit(placement, len(reading.gaps), part.content_type in _HTML, text.writes, footer)


def _lines(part: Part, text: Text, where: Place) -> Lines:
    view, at = text.view, where.at
    newline = "\n" if part.encoding == "base64" and b"\n" in view and b"\r\n" not in view else "\r\n"
    html = part.content_type in _HTML
    lead = _html_lead(view, where, newline) if html else _text_lead(view[:at], newline, part)
    trail = newline if at < len(view) or not view or view.endswith(b"\n") else ""
    return Lines(
        "amp" if part.content_type == _AMP else "html" if html else "text",
        text.writes,
        part.format_flowed and not html,
        newline,
        (back_to_ascii(text) if at == len(view) else b"") + lead.encode(text.writes),
        trail.encode(text.writes),
    )


def _html_lead(view: bytes, where: Place, newline: str) -> str:
    begun = where.at == 0 or view[where.at - 1] == ord("\n")
    return ("" if begun else newline) + where.closing.decode("ascii")


def _text_lead(before: bytes, newline: str, part: Part) -> str:
    """End the last line, and leave one blank."""
    if not before:
        return ""
    lead = newline if before.endswith(b"\n") else newline * 2
    # RFC 3676 section 4.2: a line that flows takes the next one, even a blank one, into its paragraph.
    flows = part.format_flowed and before.rstrip(b"\r\n").endswith(b" ")
    return lead + newline if flows else lead


def _body(message: Message) -> tuple[Splice, ...]:
    """Return the blank line that a message without a body needs before it (RFC 5322 section 2.1)."""
    raw, end = message.raw, len(message.raw)
    if message.root.body_start < end or raw.endswith(b"\r\n\r\n") or raw == b"\r\n":
        return ()
    return (Splice(end, end, b"\r\n" if raw.endswith(b"\r\n") or not raw else b"\r\n\r\n"),)


def _in_fields(message: Message, room: Room) -> tuple[Gap, ...]:
    """Return where the placeholder stands in fields that no other policy takes out or replaces."""
    gaps = placeholders(message.raw[: message.root.body_start]) if message.fields else []
    spans = list(_own_fields(message, room)) if gaps else []
    return tuple([gap for gap in gaps if any(start <= gap[0] and gap[1] <= end for start, end in spans)])


def _own_fields(message: Message, room: Room) -> Iterator[Gap]:
    moved = room in {Room.WRAP_BEFORE, Room.WRAP_AFTER}
    for field in message.fields:
        if field.name in REPLACED or takes_out(field.name) or (moved and field.name.startswith(b"content-")):
            continue
        yield field.colon, field.end
