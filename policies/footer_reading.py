"""What a part's text says: its placeholders, the way out it shows, and where a footer would go in it.

It depends on the text and on how links of ours and of the sender's header look, not on the message around it;
so it is remembered for the last few texts, and for those that are one of them with other words in it. HTML is
parsed once: as a reader will get it, with a paragraph where the footer would stand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from selectolax.lexbor import LexborNode

from gateway.mime.enclosed import end_of_plain, is_armoured
from gateway.mime.insertion import PROBE_ID, Place, bounded, likely_end, place_in_html, probed
from gateway.mime.lastplan import LastReadings
from gateway.mime.mould import Mould
from gateway.mime.text import Text, text_of
from gateway.mime.transfer import Untouchable
from gateway.model.message import Message, Part
from gateway.model.way_out import MISSING, Evidence, Finding, WayOut
from policies.footer_edit import AMP, FOR_FEW, HTML, Edit, behind, edit_of
from policies.footer_merged import Cast, Known, decides_by_markup
from policies.footer_words import BOX_STYLE, LEAVE_STYLE
from policies.way_out.circumstances import Circumstances
from policies.way_out.look import in_page, of_our_own
from policies.way_out.page import POSITION, STYLE, Page
from policies.way_out.placeholders import Form, Site, sites
from policies.way_out.plain import in_plain

STAND_IN = "https://unsubscribe.invalid/here"  # the link of whoever gets the message
_COMPARED = 2  # known texts that one may be cast in the mould of
# What hides a whole page, as far as a style attribute says it plainly.
_HIDES = re.compile(
    r"opacity|filter|transform|translate|scale|rotate|zoom|clip|visib|display|overflow|:\s*-|\\",
    re.IGNORECASE,
)
# It hides the body until AMP's own script has run, in every AMP message: it says nothing of what is seen.
_AMP_BOILERPLATE = re.compile(rb"(<style\s+amp4email-boilerplate\s*>)[^<]*(?=</style>)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a part's text says, wherever it stands in a message.

    ``place``: where a footer would go; ``reason``: why it can go nowhere; ``ours``: what would hide it there.
    """

    text: Text
    sites: tuple[Site, ...]
    finding: Finding
    armoured: bool
    place: Place | None = None
    reason: str = ""
    ours: Finding = MISSING
    known: Known | None = None  # for texts that only have other words
    _edits: dict[Place | None, Edit] = field(default_factory=dict, compare=False)

    def edit(self, message: Message, part: Part, where: Place | None) -> Edit:
        """Return what puts links and a footer, where one is wanted, into a part with this text."""
        if where not in self._edits:
            self._edits[where] = edit_of(message, part, self.text, self.sites, where)
        return self._edits[where]


_HTML_READINGS, _READINGS = LastReadings[Reading](), LastReadings[Reading]()


def reading_of(message: Message, part: Part, circumstances: Circumstances) -> Reading:
    """Read a text; raise Untouchable where readers would not agree on what it says."""
    body = message.raw[part.body_start : part.body_end]
    # What the header names is nothing to the texts of the same newsletter for other readers.
    kin = (part.encoding, part.content_type, part.charset, part.format_flowed, circumstances.common)
    is_html = part.content_type in HTML
    last = _HTML_READINGS if is_html else _READINGS
    reading = last.of(body, kin, circumstances)
    if reading is None:
        text = text_of(message, part)
        # Split once: for those that it is compared to, and for those that will be compared to it.
        lines = text.view.split(b"\n") if is_html and _is_utf_8(text) else None
        reading = _merged(text, lines, circumstances, last.akin(kin)) if lines else None
        if reading is None:
            reading = _read(part, text, circumstances, lines)
            last.keep(body, kin, circumstances, reading)
    return reading


def _merged(
    text: Text, lines: Sequence[bytes], circumstances: Circumstances, readings: Iterable[Reading]
) -> Reading | None:
    """Return the reading of a text that is one of some others with other words in it."""
    kin = (one for one in readings if one.known is not None and one.known.height == len(lines))
    for one in islice(kin, _COMPARED):
        found = one.known.cast(text.view, lines, circumstances) if one.known is not None else None
        if found is not None:
            return Reading(text, found.sites, one.finding, one.armoured, found.place, one.reason, one.ours)
    return None


def _is_utf_8(text: Text) -> bool:
    return text.reads == "utf-8" and text.octets is text.view


def _read(
    part: Part, text: Text, circumstances: Circumstances, lines: Sequence[bytes] | None = None
) -> Reading:
    lower = text.view.lower()
    if part.content_type in HTML:
        return _read_html(part, text, lower, circumstances, lines)
    found = sites(text.view, Form.PLAIN, circumstances.ours[1:], lower)
    sent = _filled(text.view, found) if found else text.view
    finding = in_plain(sent.decode(text.reads, "replace"), circumstances)
    return Reading(text, found, finding, is_armoured(text.view), Place(end_of_plain(text.view)))


def _read_html(
    part: Part, text: Text, lower: bytes, circumstances: Circumstances, lines: Sequence[bytes] | None
) -> Reading:
    found = sites(text.view, Form.HTML, circumstances.ours[1:], lower)
    try:
        bounded(lower)
    except Untouchable as untouchable:
        doubt = Finding(WayOut.MISSING, Evidence("doubtful", declaration=untouchable.reason))
        return Reading(text, found, doubt, armoured=False, reason=untouchable.reason)
    end = likely_end(lower)
    is_amp = part.content_type == AMP
    before, after = _as_seen(text, found, end, is_amp=is_amp)
    tree = probed(before, after)
    sent = before + after if found or is_amp or text.reads != "utf-8" else text.view
    page = Page(sent, sent.lower() if found or is_amp else lower, tree, has_more=True)
    finding = in_page(page, circumstances)
    try:
        place = place_in_html(text.view, lower, end, tree)
    except Untouchable as untouchable:
        return Reading(text, found, finding, armoured=False, reason=untouchable.reason)
    if place.closing and is_amp:  # it is valid as it is, or not shown at all
        return Reading(text, found, finding, armoured=False, reason="html")
    ours = MISSING if finding.verdict.suffices else _of_our_own(page, text, place, end, is_amp=is_amp)
    if ours != MISSING and part.content_type in FOR_FEW:  # there it would say nothing to anybody
        return Reading(text, found, finding, armoured=False, reason=ours.evidence.rule)
    known = None
    if lines and not is_amp and decides_by_markup(lower, found, finding):
        mould = Mould(text.view, lower, lines)
        known = Known(mould, circumstances, Cast(found, place), finding)
    return Reading(text, found, finding, armoured=False, place=place, ours=ours, known=known)


def _of_our_own(page: Page, text: Text, place: Place, end: int, *, is_amp: bool) -> Finding:
    """Return how a text would hide a footer of ours. ``end``: where the page's paragraph stands."""
    if page.marks.isdisjoint((STYLE, POSITION)) and not _may_hide(page.tree.body):
        return MISSING
    if place != Place(end):
        before, after = _as_seen(text, (), place.at, is_amp=is_amp)
        page = replace(page, tree=probed(before + place.closing, after))
    link = page.tree.css_first(f"#{PROBE_ID} > a")
    if link is None or link.parent is None:
        return MISSING
    if not is_amp:  # which may have nothing important
        link.parent.attrs["style"], link.attrs["style"] = BOX_STYLE, LEAVE_STYLE
    return of_our_own(page, link)


def _may_hide(body: LexborNode | None) -> bool:
    """Whether the body, or the root that it stands in, has a style that may hide all in it."""
    nodes = (body, body.parent if body is not None else None)
    return any(node is not None and _HIDES.search(node.attributes.get("style") or "") for node in nodes)


def _as_seen(text: Text, found: Sequence[Site], end: int, *, is_amp: bool) -> tuple[bytes, bytes]:
    """Return a text as somebody will see it, before its end and after."""
    before, after = _as_sent(text, found, end)
    if is_amp:
        return _AMP_BOILERPLATE.sub(rb"\1", before), _AMP_BOILERPLATE.sub(rb"\1", after)
    return before, after


def _as_sent(text: Text, found: Sequence[Site], end: int) -> tuple[bytes, bytes]:
    """Return a text in UTF-8 as somebody will get it, before its end and after."""
    end = behind(found, end)
    before, after = text.view[:end], text.view[end:]
    if found:
        before = _filled(before, [site for site in found if site.end <= end])
        after = _filled(after, [site for site in found if site.end > end], end)
    if text.reads == "utf-8":
        return before, after
    return before.decode(text.reads, "replace").encode(), after.decode(text.reads, "replace").encode()


def _filled(view: bytes, found: Sequence[Site], start: int = 0) -> bytes:
    """Fill the stand-in into a piece of a text that begins at ``start``."""
    pieces: list[bytes] = []
    at = 0
    for site in found:
        pieces += (view[at : site.start - start], site.fill(STAND_IN))
        at = site.end - start
    return b"".join((*pieces, view[at:]))
