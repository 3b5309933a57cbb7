"""Where a line for the reader goes in a part's text: at the end of plain text, at the end of what HTML shows.

For HTML the place is found on the octets and then proved: a real HTML5 parser (lexbor) reads the text with a
paragraph put in at that place, and the paragraph has to stand in ``<body>`` itself, whole, with nothing that
the place is behind coming after it. Where something was left open (a table, a hidden ``<div>``, a
``<font>``), it is closed first. A place within an attribute, a comment, a script, a frameset fails the proof,
and the next one is tried.

What it promises: what stands at ``Place.at``, behind ``Place.closing``, is shown, whatever the markup; time
linear in the text. How it fails: ``Untouchable``, where no place is shown, or the text is too long to prove
it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from gateway.mime.markup import body_start, careful_end, is_tame
from gateway.mime.transfer import Untouchable

# What a parser's work is bounded by, since in the worst case it grows with the square of what is open.
_LONGEST = 4_194_304  # octets of HTML that are parsed at all
_SHORT = 65_536  # octets, and tags: below both even the worst takes a tenth of a second
_FEW_TAGS = 5000
_LEAST_TAG = 3  # octets
_MOST_OPEN = 200  # elements that are closed before a footer
_MOST_BESIDE = 50  # nodes of the body, from each end, among which the footer is looked for

PROBE_ID = "consentry-probe"
_PROBE = f'<p id="{PROBE_ID}"><a href="x">x</a></p>'.encode()
_HERE = "consentry-here"
_HERE_OCTETS = f"<!--{_HERE}-->".encode()
# Style sheets are parsed for events that nobody listens to here; without them it takes half the time.
_OPTIONS = LexborDocumentOptions.WO_EVENTS
_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")  # of an element that an end tag can name
_OPEN_ALWAYS = frozenset({"html", "body", "head"})
_UNSEEN = frozenset({"script", "style", "link", "meta", "title", "-comment", "!--"})
_HIDES = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*\.?0*\s*(?:;|!|\Z)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line goes, and what closes the elements that would swallow it."""

    at: int
    closing: bytes = b""


def bounded(lower: bytes) -> None:
    """Raise Untouchable for a text, in lower case, whose parse would take too long."""
    if len(lower) > _LONGEST:
        raise Untouchable("long-html")
    if len(lower) > _FEW_TAGS * _LEAST_TAG and not _is_short(lower) and not is_tame(lower):
        raise Untouchable("deep-html")


def _is_short(lower: bytes) -> bool:
    # Taken out, because CPython counts an octet in three times that.
    return len(lower) <= _SHORT and len(lower) - len(lower.replace(b"<", b"")) <= _FEW_TAGS


def probed(before: bytes, after: bytes) -> LexborHTMLParser:
    """Parse a text with the paragraph between its two pieces: one parse serves whoever looks at its tree."""
    return LexborHTMLParser(b"".join((before, _PROBE, after)), options=_OPTIONS)


def likely_end(lower: bytes) -> int:
    """Return the offset of the last ``</body>``, else ``</html>``, else the end: mostly that is it."""
    return next((at for at in (lower.rfind(b"</body"), lower.rfind(b"</html")) if at >= 0), len(lower))


def place_in_html(view: bytes, lower: bytes, end: int, tree: LexborHTMLParser) -> Place:
    """Return where a footer goes that its reader will see; raise Untouchable where that is nowhere.

    ``end``: the likely one, where the paragraph stands in the text's ``tree``.
    """
    if _is_shown(tree):
        return Place(end)
    for at in _others(lower, end):
        place = _closed(view, at)
        if place is not None:
            return place
    raise Untouchable("html")


def _others(lower: bytes, first: int) -> Iterator[int]:
    """Yield the other places to be tried: an exact look at the markup, and the top of the body."""
    yield first
    careful = careful_end(lower)
    if careful != first:
        yield careful
    if b"<frameset" not in lower:  # a line before the frames would take their place
        yield body_start(lower)


# The proof --------------------------------------------------------------------------------------------------


def _is_shown(tree: LexborHTMLParser) -> bool:
    """Whether the probe is the last thing that the body shows, whole, and the body is shown."""
    probe = _probe(tree)
    return probe is not None and _is_whole(probe) and all(map(_is_blank, _after(probe.next)))


def _probe(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the probe where it is a child of a body that is shown: frames have none."""
    body = tree.body
    if body is None or body.tag != "body" or _is_hidden(body):
        return None
    for node in chain(
        islice(_before(body.last_child), _MOST_BESIDE), islice(_after(body.first_child), _MOST_BESIDE)
    ):
        if node.tag == "p" and node.attributes.get("id") == PROBE_ID:
            return node
    return None


def _is_hidden(body: LexborNode) -> bool:
    for node in (body, body.parent):
        attributes = node.attributes if node is not None else {}
        if attributes and ("hidden" in attributes or _HIDES.search(attributes.get("style") or "")):
            return True
    return False


def _is_whole(probe: LexborNode) -> bool:
    """Whether nothing that was left open before, such as a link, came into it."""
    link = probe.first_child
    return link is not None and link.tag == "a" and link.attributes.get("href") == "x"


def _after(node: LexborNode | None) -> Iterator[LexborNode]:
    while node is not None:
        yield node
        node = node.next


def _before(node: LexborNode | None) -> Iterator[LexborNode]:
    while node is not None:
        yield node
        node = node.prev


def _is_blank(node: LexborNode) -> bool:
    if node.is_text_node:
        return not (node.text_content or "").strip()
    return node.is_comment_node or node.tag in _UNSEEN


# What was left open -----------------------------------------------------------------------------------------


def _closed(view: bytes, at: int) -> Place | None:
    """Return the place with what has to be closed before it, or None where nobody would see it even so."""
    names = _left_open(view[:at])
    if names is None:
        return None
    place = Place(at, b"".join(f"</{name}>".encode() for name in names))
    for _ in range(2):
        probe = _probe(probed(view[:at] + place.closing, view[at:]))
        if probe is None:
            return None
        if _is_whole(probe):
            return place
        # Formatting that was never closed goes on in every element after it, until it is closed by name.
        place = Place(at, place.closing + b"".join(f"</{name}>".encode() for name in _crept_in(probe)))
    return None


def _left_open(before: bytes) -> list[str] | None:
    """Return the elements that are open at the end of some HTML, the innermost first; None for too many."""
    here = _here(LexborHTMLParser(before + _HERE_OCTETS, options=_OPTIONS).root)
    names: list[str] = []
    node = here.parent if here is not None else None
    while node is not None and node.tag and node.tag not in _OPEN_ALWAYS:
        if len(names) == _MOST_OPEN:
            return None
        if node.is_element_node and _NAME.match(node.tag):
            names.append(node.tag)
        node = node.parent
    return names


def _here(root: LexborNode | None) -> LexborNode | None:
    """Return our comment: it is the last one in the document, on the way down to the right or beside it."""
    node, found = root, None
    while node is not None:
        for one in (node, node.prev):
            if one is not None and one.is_comment_node and one.comment_content == _HERE:
                found = one
        node = node.last_child
    return found


def _crept_in(probe: LexborNode) -> list[str]:
    names: list[str] = []
    node = probe.first_child
    while node is not None and node.tag and not (node.tag == "a" and node.attributes.get("href") == "x"):
        if len(names) == _MOST_OPEN:
            break
        names.append(node.tag)
        node = node.first_child
    return [name for name in names if _NAME.match(name)]
