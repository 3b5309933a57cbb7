"""Where a message gets a footer and where its placeholders stand: worked out once, whoever gets the message.

A reader sees the texts of a message one below the other, and of an alternative one form. The footer belongs
at the end: into the last text that can take it, in each form of it, unless one of the texts that are seen
together already shows a way to leave. A message without any text gets a part of our own, and so does one
whose text cannot take a footer, or would hide it: below what its sender wrote.

What no reader could be sure of is left as it is, with the reason in ``Plan.rewriting``. A placeholder in such
a place is named in ``Plan.unfilled``: it must not be sent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

from gateway.mime.insertion import Place
from gateway.mime.lastplan import LastPlan
from gateway.mime.structure import SEALED, Bodies, Choice, Room, Row, Shown, bodies
from gateway.mime.transfer import Untouchable, leniently
from gateway.model.message import Message, Part
from gateway.model.splice import Splice
from gateway.model.way_out import MISSING, Finding, Rewriting, WayOut, worst
from policies.footer_edit import FOR_FEW, HTML, Edit, Lines
from policies.footer_fields import EncodedSite, in_fields
from policies.footer_reading import STAND_IN, Reading, reading_of
from policies.way_out.circumstances import Circumstances
from policies.way_out.header import own_header
from policies.way_out.placeholders import Site, unmistakable

ADDED, PROVIDED, HEADERS_ONLY = "added", "sender provides", "headers only: "
WRAPPED, AS_A_PART = "added, wrapped", "added, as a part"

_MOST_HTML = 6_291_456  # octets as they come, of all texts of a message: some 70 ns each, if they are hostile

_OUTCOMES = {Room.INSERT: AS_A_PART, Room.WRAP_BEFORE: WRAPPED, Room.WRAP_AFTER: WRAPPED}


@dataclass(frozen=True, slots=True)
class Terms:
    """What of the settings decides about places."""

    own_header_counts: bool = True
    own_link_counts: bool = True
    wraps_sealed: bool = False
    reserved: frozenset[str] = frozenset()  # top-level names of RFC 2606 that count as real ones


@dataclass(frozen=True, slots=True)
class Plan:
    """What rewriting does to a message, whoever gets it."""

    edits: tuple[tuple[Edit, int], ...]  # each with where its part's body begins
    in_fields: tuple[Site | EncodedSite, ...]
    rewriting: Rewriting
    room: Room = Room.NONE
    body: tuple[Splice, ...] = ()  # what begins a body where there is none
    unfilled: str = ""  # why a placeholder cannot be replaced, or ""


@lru_cache(maxsize=8)
def plans(terms: Terms, ours: str) -> Callable[[Message], Plan]:
    """Return what plans under these terms; one for all who ask, so that explaining finds it worked out.

    ``ours``: how the links of this house begin, "" where that is not known.
    """
    return LastPlan(partial(_plan, terms=terms, ours=ours))


def _plan(message: Message, *, terms: Terms, ours: str) -> Plan:
    return _Planning(message, terms, ours).plan()


class _Planning:
    """One message being looked at."""

    def __init__(self, message: Message, terms: Terms, ours: str) -> None:
        self._message = message
        self._terms = terms
        named = own_header(message, terms.reserved).links
        self._circumstances = Circumstances((STAND_IN, ours) if ours else (STAND_IN,), named, terms.reserved)
        self._header_counts = terms.own_header_counts and bool(named)
        self._edits: dict[int, tuple[Edit, int]] = {}  # by the start of the part
        self._readings: dict[int, Reading | str] = {}
        self._ours: list[Finding] = []  # what hides the footers that go in
        self._unfilled = ""
        self._html_left = _MOST_HTML

    def plan(self) -> Plan:
        found = bodies(self._message)
        reason = found.reason
        finding = self._found(found.row)
        if found.row:
            # What is hidden or broken is never made good by a header.
            by_header = self._header_counts and not finding.verdict.is_tampering
            reason = "" if by_header or self._suffices(found.row) else self._add(found.row)
        hidden = next((one for one in self._ours if one != MISSING), MISSING)
        if finding == MISSING:
            finding = hidden
        for shown in _texts(found.row):
            self._fill_in(shown)
        reason = reason or hidden.evidence.rule
        room = self._room(found, reason)
        if not found.row and room is not Room.WRAP_BEFORE and self._sees_placeholder(self._message.root):
            self._unfilled = found.reason
        edits = tuple(self._edits.values())
        added = any(isinstance(piece, Lines) for edit, _ in edits for piece in edit.pieces)
        outcome = _beside(room, found, reason) or (ADDED if added else _said(reason))
        fields, body = in_fields(self._message, room), _body(self._message) if added else ()
        return Plan(
            edits, fields.sites, Rewriting(outcome, finding), room, body, self._unfilled or fields.held
        )

    def _room(self, found: Bodies, reason: str) -> Room:
        """Return how a part of our own comes in. ``reason``: why one is wanted, or ""."""
        by_header = self._header_counts and not found.row
        return Room.NONE if not reason or by_header or self._stays(reason) else found.room

    def _stays(self, reason: str) -> bool:
        """Whether a text is left alone, and the message around it too."""
        return reason in SEALED and not self._terms.wraps_sealed

    def _sees_placeholder(self, part: Part) -> bool:
        """Whether a reader may see one in what is left as it is."""
        body = self._message.raw[part.body_start : part.body_end]
        return any(map(unmistakable, (body, *leniently(body, part.encoding))))

    def _suffices(self, row: Row) -> bool:
        """Whether one of the texts that are seen together shows a way to leave."""
        return any(self._has_way_out(one) for one in row)

    def _has_way_out(self, one: Shown | Choice) -> bool:
        if isinstance(one, Choice):
            return all(self._suffices(form) for form in one.forms)
        return self._shows_one(one)

    def _found(self, row: Row) -> Finding:
        """Return the way out of texts that are seen together: one of them is enough for all."""
        findings = [self._finding(one) if isinstance(one, Shown) else self._of_forms(one) for one in row]
        return next((one for one in findings if one.verdict.suffices), worst(findings))

    def _of_forms(self, choice: Choice) -> Finding:
        return worst([self._found(form) for form in choice.forms])

    def _finding(self, shown: Shown) -> Finding:
        reading = self._reading(shown.part)
        return MISSING if isinstance(reading, str) else reading.finding

    def _add(self, row: Row) -> str:
        """Put a footer at the end of texts that are seen together; return why not, "" where it is done."""
        reasons: list[str] = []
        for one in reversed(row):
            reasons.append(self._add_to_forms(one) if isinstance(one, Choice) else self._add_to_text(one))
            if not reasons[-1]:
                return ""
            # What stands above is no place for the forms that cannot have one, if the others have it here.
            if any(self._shows_one(text) for text in _texts((one,))):
                break
        return next((why for why in reasons if not self._stays(why)), reasons[0])

    def _shows_one(self, shown: Shown) -> bool:
        match self._finding(shown).verdict:
            case WayOut.OWN:
                return True
            case WayOut.SENDER:
                return self._terms.own_link_counts
            case _:
                return False

    def _add_to_forms(self, choice: Choice) -> str:
        """Each form needs its own. Where one cannot have it, none has, and all have it elsewhere.

        A form for a few programs is no reason beside one for all: where it is broken, they show that one.
        """
        edits, ours = dict(self._edits), list(self._ours)
        wanting = [form for form in choice.forms if not self._suffices(form)]
        reasons = [self._add(form) for form in wanting]
        for_few = all(map(_for_few, choice.forms))
        counted = [
            why for form, why in zip(wanting, reasons, strict=True) if why and (for_few or not _for_few(form))
        ]
        below = next((why for why in counted if not self._stays(why)), "")
        if below:
            self._edits, self._ours = edits, ours
            return below
        return "" if "" in reasons or not counted else counted[0]

    def _add_to_text(self, shown: Shown) -> str:
        reading = self._reading(shown.part)
        if isinstance(reading, str):
            return reading
        reason = self._sealed(shown, reading) or reading.reason
        if reason:
            return reason
        try:
            self._edits[shown.part.start] = self._edit(shown.part, reading, reading.place)
        except Untouchable as untouchable:
            return untouchable.reason
        self._ours.append(reading.ours)
        return ""

    def _sealed(self, shown: Shown, reading: Reading) -> str:
        """Return why the octets of a text must stay, or ""."""
        return shown.sealed or ("inline-pgp" if reading.armoured and not self._terms.wraps_sealed else "")

    def _fill_in(self, shown: Shown) -> None:
        """Replace the placeholders of a text, if that has not been done together with its footer."""
        reading = self._reading(shown.part)
        if isinstance(reading, str):
            if self._sees_placeholder(shown.part):
                self._unfilled = reading
        elif reading.sites and shown.part.start not in self._edits:
            self._unfilled = self._sealed(shown, reading) or self._unfilled
            try:
                self._edits[shown.part.start] = self._edit(shown.part, reading, None)
            except Untouchable as untouchable:
                self._unfilled = untouchable.reason

    def _edit(self, part: Part, reading: Reading, where: Place | None) -> tuple[Edit, int]:
        return reading.edit(self._message, part, where), part.body_start

    def _reading(self, part: Part) -> Reading | str:
        """Return what a text says, or why nobody can tell."""
        if part.start not in self._readings:
            self._readings[part.start] = self._read(part)
        return self._readings[part.start]

    def _read(self, part: Part) -> Reading | str:
        if part.content_type in HTML:
            self._html_left -= part.body_end - part.body_start
            if self._html_left < 0:
                return "long-html"
        try:
            return reading_of(self._message, part, self._circumstances)
        except Untouchable as untouchable:
            return untouchable.reason


def _beside(room: Room, found: Bodies, reason: str) -> str:
    """Say that a part of our own comes in, and why, where there is a text that a footer could stand in."""
    outcome = _OUTCOMES.get(room, "")
    return f"{outcome}: {reason}" if outcome and found.row else outcome


def _said(reason: str) -> str:
    return HEADERS_ONLY + reason if reason else PROVIDED


def _for_few(form: Row) -> bool:
    """Whether only some mail programs know this form of a text."""
    return all(text.part.content_type in FOR_FEW for text in _texts(form))


def _texts(row: Row) -> Iterator[Shown]:
    for one in row:
        if isinstance(one, Shown):
            yield one
        else:
            for form in one.forms:
                yield from _texts(form)


def _body(message: Message) -> tuple[Splice, ...]:
    """Return the blank line that a message without a body needs before it (RFC 5322 section 2.1)."""
    raw, end = message.raw, len(message.raw)
    if message.root.body_start < end or raw.endswith(b"\r\n\r\n") or raw == b"\r\n":
        return ()
    return (Splice(end, end, b"\r\n" if raw.endswith(b"\r\n") or not raw else b"\r\n\r\n"),)
