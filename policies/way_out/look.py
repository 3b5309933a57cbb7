"""Whether a text shows a way to leave: ours, the sender's, one that nobody sees, or one that leads nowhere.

What counts as one: a link of ours; a link that the sender's List-Unsubscribe names; a link that says what it
is for, by its words, its title, its image's ``alt``, its URL, or, where it only says "click here", by the
words beside it. It suffices when it can work and when it is seen on a wide screen and on a narrow one.

What would take too long to find out counts as missing, so that ours is added.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from gateway.model.way_out import MISSING, Evidence, Finding, WayOut
from policies.way_out.declarations import Doubtful
from policies.way_out.element import Document, Element
from policies.way_out.media import VIEWS
from policies.way_out.sight import Hidden, Sight
from policies.way_out.target import cleaned, web_host, why_broken
from policies.way_out.words import says_here, says_leave, those_that

_MOST_LINKS = 5000  # in one text
_MOST_CANDIDATES = 40  # that are looked at closely
_MOST_LETTERS = 1_000_000  # of all links' texts together: links within links count many times
_MOST_LEAVES = 40  # texts and images in one link
_END = 60  # links of a long text whose words are read, beside the first few
_LAST = 40  # links whose neighbourhood is read: ways out stand at the end
_BESIDE, _MOST_BESIDE = 160, 12  # characters and nodes of it, on either side
_MOST_OUTSIDE = 500  # comments and templates that are searched
_EXCERPT = 200  # characters
_URL = re.compile(r"(?:https?://|mailto:)[^\s<>\"']+", re.IGNORECASE)
_NOT_LONGER = re.compile(r"\.?[\w/=%~-]")
_OPENING = re.compile(r"<a\s", re.IGNORECASE)
_LONGEST_ANCHOR = 2000  # characters of one in a comment
_TAG = re.compile(r"<[^>]*>")
_SEEN = re.compile(r"\w")
_WRAPPING = frozenset({"b", "i", "u", "em", "strong", "span", "font", "small"})
_ENDING = frozenset(
    {"a", "p", "div", "td", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4", "img", "hr"}
)
_CLOSELY = 4000  # characters of a plain text that are read word by word
_REGION = (
    16_384  # characters at the end of a plain text whose URLs are looked at, and a quarter at its beginning
)
_FIRST = 10  # links at the beginning of a long text
_NEAR = 240  # characters of plain text around a URL, in so many lines
_LINES_BEFORE, _LINES_AFTER = 2, 1


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a text is judged by, beside itself.

    ``ours``: how our links begin, none of them empty. ``named``: the sender's own, from its header.
    ``reserved``: top-level names of RFC 2606 that count as real ones.
    """

    ours: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()

    def is_ours(self, url: str) -> bool:
        """Whether a URL is a link of ours."""
        return url.startswith(self.ours)

    def is_hinted_in(self, text: str) -> bool:
        """Whether a text holds a link of ours, or one that the sender's header names."""
        return any(one in text for one in (*self.ours, *self.named))

    def is_ours_within(self, text: str) -> bool:
        """Whether a text holds a link of ours."""
        return any(one in text for one in self.ours)

    def is_named_within(self, text: str) -> bool:
        """Whether a text holds a URL that the sender's header names, and not only a longer one."""
        for one in self.named:
            at = text.find(one)
            while at >= 0:
                if not _NOT_LONGER.match(text, at + len(one)):
                    return True
                at = text.find(one, at + 1)
        return False

    def is_named(self, url: str) -> bool:
        """Whether a URL is one that the sender's header names; more may follow in its query."""
        return any(url.startswith(one) and not _NOT_LONGER.match(url, len(one)) for one in self.named)


def _theirs(rule: str, href: str) -> Finding:
    return Finding(WayOut.SENDER, Evidence(rule), web_host(href))


def _in_url(url: str) -> bool:
    """Whether a URL says what it is for."""
    # Backwards: CPython needs half the time for that.
    return url.lower().rfind("unsub") >= 0 or says_leave(url)


# HTML -------------------------------------------------------------------------------------------------------


class _Link:
    """One ``<a>`` or ``<area>`` with a target."""

    __slots__ = ("by_words", "href", "label", "node")

    def __init__(self, node: LexborNode, attributes: dict[str, str | None]) -> None:
        self.node = node
        self.href = cleaned(attributes["href"] or "")
        title = attributes.get("title") or attributes.get("alt") or ""
        text = node.text()
        self.label = f"{text} {title}" if title else text
        self.by_words = False


def in_html(html: str, circumstances: Circumstances, tree: LexborHTMLParser | None = None) -> Finding:
    """Judge an HTML text. ``tree``: of the same text, with a line of the caller's at its end, if any."""
    if "<a" not in html and "<A" not in html:
        return MISSING
    try:
        return _Search(html, _own_tree(html, tree), circumstances).finding()
    except Doubtful as doubt:
        return Finding(WayOut.MISSING, Evidence("doubtful", declaration=str(doubt)))


def _own_tree(html: str, tree: LexborHTMLParser | None) -> LexborHTMLParser:
    """Return the tree of a text; one with a line more at its end will do, but for what counts from there."""
    if tree is None or html.rfind("-child") >= 0 or html.rfind("-of-type") >= 0:
        return LexborHTMLParser(html, options=LexborDocumentOptions.WO_EVENTS)
    return tree


class _Search:
    """One look at one text."""

    def __init__(self, html: str, tree: LexborHTMLParser, circumstances: Circumstances) -> None:
        self._html = html
        self._tree = tree
        self._circumstances = circumstances

    def finding(self) -> Finding:
        """Judge one kind of links after another, the surest first, until one of a kind suffices."""
        found = MISSING
        for links in self._kinds(self._links()):
            judged = self._of(links[:_MOST_CANDIDATES])
            if judged.verdict.suffices:
                return judged
            found = judged if found is MISSING else found
        return self._out_of_the_tree() if found is MISSING else found

    def _kinds(self, links: Sequence[_Link]) -> Iterator[Sequence[_Link]]:
        yield [link for link in links if self._circumstances.is_ours(link.href)]
        worded = those_that(says_leave, links, lambda link: link.label)
        for link in worded:
            link.by_words = True
        if self._circumstances.named:
            yield [link for link in links if self._circumstances.is_named(link.href)]
        yield worded
        yield those_that(_in_url, links, lambda link: link.href)
        yield self._pointing(links[-_LAST:])
        yield self._by_images(links[-_LAST:])

    def _of(self, links: Sequence[_Link]) -> Finding:
        if not links:
            return MISSING
        working = [link for link in links if not self._why_broken(link)]
        return self._of_working(working) if working else self._broken(links[0])

    def _links(self) -> list[_Link]:
        found: list[_Link] = []
        letters = 0
        nodes = [*self._tree.tags("a"), *self._tree.tags("area")]
        if len(nodes) > _MOST_LINKS:
            raise Doubtful("too many links")
        if len(nodes) > _FIRST + _END and not self._circumstances.is_hinted_in(self._html):
            nodes = nodes[:_FIRST] + nodes[-_END:]
        for node in nodes:
            attributes = node.attributes
            if "href" not in attributes:
                continue
            found.append(_Link(node, attributes))
            letters += len(found[-1].label)
            if letters > _MOST_LETTERS:
                raise Doubtful("too many links")
        return found

    def _pointing(self, links: Sequence[_Link]) -> list[_Link]:
        """Return the links that say "here", or show their own URL, in a sentence about leaving."""
        pointing = [link for link in links if "://" in link.label or says_here(link.label)]
        return [link for link in pointing if says_leave(_beside(link.node))]

    def _by_images(self, links: Sequence[_Link]) -> list[_Link]:
        """Return the links whose image says it."""
        silent = [link for link in links if not link.label.strip()]
        return [
            link
            for link in silent
            if says_leave(" ".join([image.attributes.get("alt") or "" for image in link.node.css("img")]))
        ]

    def _why_broken(self, link: _Link) -> str:
        if self._circumstances.is_ours(link.href):
            return ""
        return why_broken(link.href, self._circumstances.reserved)

    def _broken(self, link: _Link) -> Finding:
        document = Document(self._tree, len(self._html))
        evidence = Evidence(
            self._why_broken(link),
            document.element(link.node).path(),
            f"href:{link.href[:_EXCERPT]}",
            _excerpt(link),
        )
        return Finding(WayOut.BROKEN, evidence)

    def _of_working(self, links: Sequence[_Link]) -> Finding:
        """Judge by what is seen of these links: on every kind of screen, one of them must be."""
        document = Document(self._tree, len(self._html))
        seen = links[0]
        for view in VIEWS:
            if view is not VIEWS[0] and not document.views_differ:
                break
            sight = Sight(document, view)
            why: Hidden | None = None
            for link in links:
                hidden = _why_not_seen(document, sight, link)
                if hidden is None:
                    seen = link
                    break
                why = why or hidden
            else:
                assert why is not None  # there is at least one link
                where = f" (on a {view.name} screen)" if document.views_differ else ""
                evidence = Evidence(
                    why.rule, why.element.path(), why.declaration[:_EXCERPT] + where, _excerpt(links[0])
                )
                return Finding(WayOut.HIDDEN, evidence)
        if self._circumstances.is_ours(seen.href):
            return Finding(WayOut.OWN, Evidence("ours"))
        return _theirs("header" if self._circumstances.is_named(seen.href) else "words", seen.href)

    def _out_of_the_tree(self) -> Finding:
        """Look for a link where no reader sees it at all: in comments, and in templates."""
        for where, text in islice(self._outside(), _MOST_OUTSIDE):
            for anchor in _anchors(text):
                if self._circumstances.is_ours_within(anchor) or says_leave(_TAG.sub(" ", anchor)):
                    return Finding(WayOut.HIDDEN, Evidence(where, "", "", anchor[:_EXCERPT]))
        return MISSING

    def _outside(self) -> Iterator[tuple[str, str]]:
        at = self._html.find("<!--")
        while at >= 0:
            end = self._html.find("-->", at)
            comment = self._html[at : end if end >= 0 else None]
            yield "mso-only" if "[if" in comment[:40] else "comment", comment
            at = self._html.find("<!--", end) if end >= 0 else -1
        for template in self._tree.tags("template"):
            yield "template", template.html or ""


def _anchors(text: str) -> Iterator[str]:
    for piece in _OPENING.split(text, _MOST_CANDIDATES)[1:]:
        yield "<a " + piece[:_LONGEST_ANCHOR].partition("</")[0]


def _excerpt(link: _Link) -> str:
    return (link.node.html or "")[:_EXCERPT]


def _beside(node: LexborNode) -> str:
    """Return the text before and after a link, up to the next link or block."""
    while (
        node.parent is not None and node.parent.tag in _WRAPPING and node.prev is None and node.next is None
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


def _why_not_seen(document: Document, sight: Sight, link: _Link) -> Hidden | None:
    """Return why a reader does not see a link, or not what it is for; None where one does."""
    element = document.element(link.node)
    if element.tag == "area":
        return _why_no_map(document, sight, element)
    seen: list[str] = []
    hidden: list[Hidden] = []
    for leaf in islice(_leaves(link.node), _MOST_LEAVES):
        within = document.element(leaf if leaf.is_element_node else leaf.parent)  # type: ignore[arg-type]
        why = sight.why_not_read(within) if leaf.is_text_node else sight.why_no_image(within)
        if why is not None:
            hidden.append(why)
        else:
            seen.append(leaf.text_content or "" if leaf.is_text_node else f"image {within.attribute('alt')}")
    if not seen:
        return hidden[0] if hidden else Hidden("empty", element, "")
    words = " ".join(seen)
    if not _SEEN.search(words):
        return Hidden("no-words", element, "")
    return (
        hidden[0]
        if hidden and link.by_words and not says_leave(f"{words} {element.attribute('title')}")
        else None
    )


def _leaves(node: LexborNode) -> Iterator[LexborNode]:
    """Yield the texts and images in a link."""
    for one in node.traverse(include_text=True):
        if one.tag == "img" or (one.is_text_node and (one.text_content or "").strip()):
            yield one


def _why_no_map(document: Document, sight: Sight, area: Element) -> Hidden | None:
    """Return why the image that an ``<area>`` lies on is not seen."""
    name = area.parent.attribute("name") if area.parent is not None else ""
    for image in document.tree.tags("img"):
        if name and image.attributes.get("usemap") == f"#{name}":
            return sight.why_no_image(document.element(image))
    return Hidden("empty", area, "")


# Plain text -------------------------------------------------------------------------------------------------


def in_plain(text: str, circumstances: Circumstances) -> Finding:
    """Judge a plain text: all of it is seen, and mail programs make its URLs links."""
    if "://" not in text and "mailto:" not in text.lower():
        return MISSING
    if circumstances.is_ours_within(text):
        return Finding(WayOut.OWN, Evidence("ours"))
    if circumstances.is_named_within(text):
        return _theirs("header", circumstances.named[0])
    if text.lower().rfind("unsub") < 0 and not says_leave(_read_closely(text)):
        return MISSING
    broken = MISSING
    for part, url in _urls(text):
        target = url[0].rstrip(".,;:!?)]}'*_")
        if not _in_url(target) and not says_leave(_around(part, url)):
            continue
        why = why_broken(target, circumstances.reserved)
        if not why:
            return _theirs("words", target)
        if broken is MISSING:
            evidence = Evidence(why, "", f"url:{target[:_EXCERPT]}", _line(part, url))
            broken = Finding(WayOut.BROKEN, evidence)
    return broken


def _urls(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield URLs from the end on, where most ways out stand, and of a long text those of its beginning."""
    for size in (_REGION // 8, _REGION):
        part = text[-size:]
        for url in reversed(list(_URL.finditer(part))):
            yield part, url
    if len(text) > _REGION:
        part = text[: _REGION // 4]
        for url in _URL.finditer(part):
            yield part, url


def _read_closely(text: str) -> str:
    """Return what of a text is read word by word: its beginning and its end, where ways out stand."""
    return text if len(text) <= _CLOSELY else f"{text[: _CLOSELY // 4]}\n{text[-_CLOSELY * 3 // 4 :]}"


def _around(text: str, url: re.Match[str]) -> str:
    """Return the line that a URL stands in, the two before it and the one after."""
    before = text[max(0, url.start() - _NEAR) : url.start()].split("\n")[-1 - _LINES_BEFORE :]
    after = text[url.end() : url.end() + _NEAR].split("\n")[: 1 + _LINES_AFTER]
    return "\n".join((*before, *after))


def _line(text: str, url: re.Match[str]) -> str:
    start = text.rfind("\n", 0, url.start()) + 1
    return text[max(start, url.start() - _EXCERPT // 2) : url.end() + _EXCERPT // 4].strip()[:_EXCERPT]
