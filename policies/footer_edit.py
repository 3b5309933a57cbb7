"""What is put into one part's text, and where: links in place of placeholders, and a footer's lines.

It depends on the part and its text alone, so it serves whoever gets the message, and the next message with
the same text. Who gets it is a matter of ``Edit.fill``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.mime.insertion import Place
from gateway.mime.text import Text, back_to_ascii
from gateway.mime.transfer import Gap, Placement, place
from gateway.model.message import Message, Part
from gateway.model.splice import Splice
from policies.way_out.placeholders import Site

AMP = "text/x-amp-html"
FOR_FEW = frozenset({AMP, "text/watch-html"})  # forms that stand beside one for all
HTML = FOR_FEW | {"text/html"}
_AFTER_A_FOOTER = ("", " ", "  ")  # what gives it the length that base64 needs


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
    """What is put into one part, in order: links where placeholders stand, and the footer, if one is wanted.

    ``codec`` is what links are written in anew; "" where they stay as they are, in ASCII's kin.
    """

    placement: Placement
    pieces: tuple[Site | Lines, ...]
    codec: str
    begin: int  # of the body that the placement was worked out for

    def fill(self, news: Sequence[bytes], begin: int) -> list[Splice]:
        """Return the splices that put these octets into a part with the same body that begins there."""
        splices = self.placement.fill(news)
        shift = begin - self.begin
        return [Splice(one.start + shift, one.end + shift, one.new) for one in splices] if shift else splices


def edit_of(message: Message, part: Part, text: Text, sites: Sequence[Site], where: Place | None) -> Edit:
    """Find the places of a text's placeholders, and of a footer where one is wanted.

    Raise Untouchable where they have none that every reader would agree on.
    """
    pieces: list[tuple[Gap, Site | Lines, tuple[str, str, str]]] = [
        (site.gap, site, site.fillers) for site in sites
    ]
    if where is not None:
        at = behind(sites, where.at)
        place_of_footer = Place(at, where.closing)
        pieces.append(((at, at), _lines(part, text, place_of_footer), _AFTER_A_FOOTER))
        pieces.sort(key=lambda piece: piece[0])
    codec = text.writes
    fillers = [(a.encode(codec), b.encode(codec), c.encode(codec)) for _, _, (a, b, c) in pieces]
    placement = place(message.raw, part, text.octets, [text.place(gap) for gap, _, _ in pieces], fillers)
    anew = codec if text.octets is not text.view else ""
    return Edit(placement, tuple([piece for _, piece, _ in pieces]), anew, part.body_start)


def behind(sites: Sequence[Site], at: int) -> int:
    """Return a place as it is, or where the placeholder ends that it lies in: none is cut in two."""
    return next((site.end for site in sites if site.start < at < site.end), at)


def _lines(part: Part, text: Text, where: Place) -> Lines:
    view, at = text.view, where.at
    newline = "\n" if part.encoding == "base64" and b"\n" in view and b"\r\n" not in view else "\r\n"
    html = part.content_type in HTML
    lead = _html_lead(view, where, newline) if html else _text_lead(view[:at], newline, part)
    trail = newline if at < len(view) or not view or view.endswith(b"\n") else ""
    return Lines(
        "amp" if part.content_type == AMP else "html" if html else "text",
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
