"""HTML's tags, comments and raw text told apart as the HTML standard's tokenizer does (its section 13.2.5).

An exact look, for markup that the quick one of ``insertion`` was wrong about: ``</body>`` in the value of an
attribute, a quote or a comment that never ends. All of it takes a text in lower case and time linear in it.

``is_tame`` says whether a parser will get through the text in such a time too: parsers look through all open
elements, and all attributes of a tag, again and again.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

_TAG = re.compile(
    rb"<(/?[a-z][^\s/>]*+)"
    rb"(?:[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\s>]*+)|(?!\s*+=)))*+[\s/]*+>"
)
_OPENS_TAG = re.compile(rb"</?[a-z]")
_COMMENT = re.compile(rb"<!--(?:-?>|.*?--!?>)", re.DOTALL)
# Their text ends with their own end tag only; that of "template" is kept apart by the parser.
_RAW = frozenset(
    {b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes", b"template"}
)


_ATTRIBUTE = re.compile(rb"[\s/\"'][^\s/>\"']")
# What ends by itself where the next of its kind begins, or has no end: it does not heap up.
_PASSING = frozenset(
    b"p li dd dt option td th tr br img hr input meta link area base col embed source wbr".split()
)
_DEEPEST = 1000
_MOST_ATTRIBUTES = 1000
_LONG_TAG = 2 * _MOST_ATTRIBUTES  # octets; a shorter one cannot hold more


class Tag(NamedTuple):
    """A tag outside of comments and raw text. ``name``: with "/" for an end tag; "" is the end of it all."""

    name: bytes
    start: int
    end: int


def tags(lower: bytes) -> Iterator[Tag]:
    """Yield the tags, and last one with no name: it starts where the text, or what never ends, does."""
    at = lower.find(b"<")
    while at >= 0:
        end, name = _token(lower, at)
        if end < 0:
            break
        if name:
            yield Tag(name, at, end)
        at = lower.find(b"<", end)
    yield Tag(b"", at if at >= 0 else len(lower), len(lower))


def _token(lower: bytes, at: int) -> tuple[int, bytes]:
    """Return where what begins with "<" ends, -1 for never, and the name if it is a tag."""
    if lower.startswith(b"<!--", at):
        comment = _COMMENT.match(lower, at)
        return (comment.end() if comment else -1), b""
    if _OPENS_TAG.match(lower, at):
        tag = _TAG.match(lower, at)
        if tag is None or tag[1] == b"plaintext":
            return -1, b""
        if tag[1] in _RAW:
            end = lower.find(b"</" + tag[1], tag.end())
            return end, b""
        return tag.end(), tag[1]
    if lower.startswith((b"<!", b"<?", b"</"), at):
        return lower.find(b">", at) + 1 or -1, b""
    return at + 1, b""


def careful_end(lower: bytes) -> int:
    """Return the start of the last ``</body>``, else ``</html>``, else where the text or its reading ends."""
    found: dict[bytes, int] = {}
    for tag in tags(lower):
        found[tag.name] = tag.start
    return found.get(b"/body", found.get(b"/html", found[b""]))


def body_start(lower: bytes) -> int:
    """Return where the body begins: behind ``<body>``, ``</head>``, ``<html>`` or the document type."""
    at = _document_type(lower)
    for tag in tags(lower):
        if tag.name == b"body":
            return tag.end
        if tag.name in {b"html", b"/head"}:
            at = tag.end
    return at


def _document_type(lower: bytes) -> int:
    found = re.match(rb"\s*<!doctype[^>]*>", lower)
    return found.end() if found else 0


def is_tame(lower: bytes) -> bool:
    """Whether at most a thousand elements are ever open in each other, and a tag has no more attributes."""
    still_open: Counter[bytes] = Counter()
    depth = 0
    for tag in tags(lower):
        if tag.end - tag.start > _LONG_TAG and tag.name:
            attributes = sum(1 for _ in _ATTRIBUTE.finditer(lower, tag.start, tag.end))
            if attributes > _MOST_ATTRIBUTES and _parted(lower[tag.start : tag.end]) > _MOST_ATTRIBUTES:
                return False
        name = tag.name.lstrip(b"/")
        if name in _PASSING:
            continue
        if tag.name != name:
            depth -= still_open[name] > 0
            still_open[name] -= still_open[name] > 0
        elif name:
            still_open[name] += 1
            depth += 1
            if depth > _DEEPEST:
                return False
    return True


def _parted(tag: bytes) -> int:
    """Return at least the number of a tag's attributes: of its words, quoted values taken as one."""
    return len(re.sub(rb"=\s*+(?:\"[^\"]*+\"|'[^']*+')", b"= ", tag).split())
