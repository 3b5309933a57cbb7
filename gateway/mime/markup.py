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

# Their text ends with their own end tag only; that of "template" is kept apart by the parser.
_RAW = rb"(?:script|style|title|textarea|xmp|iframe|noembed|noframes|template)(?=[\s/>])"
_ATTRIBUTES = (
    rb"(?:[\s/]*+[^\s/>][^\s/>=]*+"
    rb"(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\s>]*+)|(?!\s*+=)))*+[\s/]*+>"
)
_TOKEN = re.compile(
    rb"<(?:!--(?:-?>|.*?--!?>)"  # a comment
    rb"|(?:(" + _RAW + rb")" + _ATTRIBUTES + rb".*?(?=</\1))"
    rb"|(?!"
    + _RAW
    + rb"|plaintext)(/?[a-z][^\s/>]*+)"
    + _ATTRIBUTES
    + rb"|(?:\?|!(?!--)|/(?![a-z]))[^>]*+>"  # what parsers take for a comment
    rb"|([!?/a-z]))",  # what never ends
    re.DOTALL,
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
    for token in _TOKEN.finditer(lower):
        if token.lastindex == 2:
            yield Tag(token[2], token.start(), token.end())
        elif token.lastindex == 3:
            yield Tag(b"", token.start(), len(lower))
            return
    yield Tag(b"", len(lower), len(lower))


def texts(lower: bytes) -> Iterator[tuple[int, int]]:
    """Yield where running text begins and ends: what is outside of tags, comments and raw text."""
    at = 0
    for token in _TOKEN.finditer(lower):
        if token.start() > at:
            yield at, token.start()
        if token.lastindex == 3:
            return
        at = token.end()
    if at < len(lower):
        yield at, len(lower)


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
    for token in _TOKEN.finditer(lower):
        if token.lastindex == 3:
            break
        if token.end() - token.start() > _LONG_TAG and not _has_few_attributes(token[0]):
            return False
        name = token[2]
        if name is None or name in _PASSING:
            continue
        if name.startswith(b"/"):
            if still_open[name[1:]]:
                still_open[name[1:]] -= 1
                depth -= 1
            continue
        still_open[name] += 1
        depth += 1
        if depth > _DEEPEST:
            return False
    return True


def _has_few_attributes(tag: bytes) -> bool:
    attributes = sum(1 for _ in _ATTRIBUTE.finditer(tag))
    return attributes <= _MOST_ATTRIBUTES or _parted(tag) <= _MOST_ATTRIBUTES


def _parted(tag: bytes) -> int:
    """Return at least the number of a tag's attributes: of its words, quoted values taken as one."""
    return len(re.sub(rb"=\s*+(?:\"[^\"]*+\"|'[^']*+')", b"= ", tag).split())
