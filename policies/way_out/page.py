"""An HTML text as its reader gets it, and its links as columns: targets, words, what stands beside them.

A newsletter holds dozens of links, and one of them, or none, is for leaving. So what is cheap to read of all
is read of all, in as few calls as there are columns, and only when somebody asks for it.
"""

from dataclasses import dataclass
from functools import cached_property

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from gateway.mime.needles import Needles
from policies.way_out.circumstances import Circumstances
from policies.way_out.doubtful import Doubtful
from policies.way_out.target import cleaned

_MOST_LINKS = 5000  # in one text
_FIRST, _END = 10, 60  # links of a long text whose words are read: at its beginning and at its end
_MOST_LETTERS = 1_000_000  # of all links' texts together: links within links count many times
_AT_ONCE = 16  # links whose texts are taken before they are counted
_BESIDE, _MOST_BESIDE = 160, 12  # characters and nodes of the neighbourhood, on either side
_WRAPPING = frozenset({"b", "i", "u", "em", "strong", "span", "font", "small"})
_ENDING = frozenset(
    {"a", "p", "div", "td", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4", "img", "hr"}
)


# What calls for a closer look.
STYLE, POSITION, AREA, COMMENT, TEMPLATE = b"<style", b"position", b"<area", b"<!--", b"<template"
CHILD, OF_TYPE = b"-child", b"-of-type"
_MARKS = Needles(STYLE, POSITION, AREA, COMMENT, TEMPLATE, CHILD, OF_TYPE)


@dataclass(frozen=True)
class Page:
    """An HTML text, parsed. ``lower``: its octets in lower case, in UTF-8 or as they came.

    ``has_more``: the tree has a line of the caller's at its end, which the text has not.
    """

    octets: bytes  # UTF-8
    lower: bytes
    tree: LexborHTMLParser
    has_more: bool = False

    @property
    def html(self) -> str:
        """The text in characters."""
        return self.octets.decode("utf-8", "replace")

    @cached_property
    def marks(self) -> frozenset[bytes]:
        """What it holds of ``STYLE`` and the others."""
        return _MARKS.those_in(self.lower)


def page_of(html: str) -> Page:
    """Parse a text."""
    octets = html.encode("utf-8", "replace")
    # Style sheets are parsed for events that nobody listens to here; without them it takes half the time.
    tree = LexborHTMLParser(octets, options=LexborDocumentOptions.WO_EVENTS)
    return Page(octets, octets.lower(), tree)


class Links:
    """The links of a page that have a target, by number; raise Doubtful for more than can be read in time."""

    def __init__(self, page: Page, circumstances: Circumstances) -> None:
        nodes = _nodes(page, circumstances)
        found = [(node, has) for node in nodes if "href" in (has := node.attributes)]
        self.nodes = [node for node, _ in found]
        self.hrefs = [has["href"] or "" for _, has in found]
        self._titles = {
            link: has.get("title") or has.get("alt") or ""
            for link, (_, has) in enumerate(found)
            if "title" in has or "alt" in has
        }
        self.all_hrefs = "|".join(self.hrefs)
        if not self.all_hrefs.isprintable() or " " in self.all_hrefs:
            self.hrefs = list(map(cleaned, self.hrefs))
            self.all_hrefs = "|".join(self.hrefs)

    def label(self, link: int) -> str:
        """Return the words of one link."""
        text = self.nodes[link].text()
        return f"{text} {self._titles[link]}" if link in self._titles else text

    @cached_property
    def labels(self) -> list[str]:
        """The words of all links."""
        labels: list[str] = []
        left = _MOST_LETTERS
        for first in range(0, len(self.nodes), _AT_ONCE):
            texts = [node.text() for node in self.nodes[first : first + _AT_ONCE]]
            left -= sum(map(len, texts))
            if left < 0:
                raise Doubtful("too many links")
            labels += texts
        for link, title in self._titles.items():
            labels[link] += f" {title}"
        return labels

    def images(self, link: int) -> str:
        """Return what the images in a link say."""
        return " ".join([image.attributes.get("alt") or "" for image in self.nodes[link].css("img")])

    def beside(self, link: int) -> str:
        """Return the text before and after a link, up to the next link or block."""
        node = self.nodes[link]
        while (
            node.parent is not None
            and node.parent.tag in _WRAPPING
            and node.prev is None
            and node.next is None
        ):
            node = node.parent
        before, after = "", ""
        at, steps = node.prev, 0
        while at is not None and at.tag not in _ENDING and len(before) < _BESIDE and steps < _MOST_BESIDE:
            before = at.text() + before
            at, steps = at.prev, steps + 1
        at, steps = node.next, 0
        while at is not None and at.tag not in _ENDING and len(after) < _BESIDE and steps < _MOST_BESIDE:
            after += at.text()
            at, steps = at.next, steps + 1
        return f"{before[-_BESIDE:]} {after[:_BESIDE]}"


def _nodes(page: Page, circumstances: Circumstances) -> list[LexborNode]:
    nodes = page.tree.tags("a")
    if AREA in page.marks:
        nodes += page.tree.tags("area")
    if len(nodes) > _MOST_LINKS:
        raise Doubtful("too many links")
    if len(nodes) <= _FIRST + _END or circumstances.may_be_in(page.octets):
        return nodes
    return nodes[:_FIRST] + nodes[-_END:]
