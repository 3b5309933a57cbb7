"""Whether an HTML text shows a way to leave: ours, the sender's, one that nobody sees, or that leads nowhere.

What counts as one: a link of ours; a link that the sender's List-Unsubscribe names; a link that says what it
is for, by its words, its title, its image's ``alt``, its URL, or, where it only says "click here", by the
words beside it. It suffices when it can work and when it is seen on a wide screen and on a narrow one.

What would take too long to find out counts as missing, so that ours is added.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from selectolax.lexbor import LexborNode

from gateway.model.way_out import MISSING, Evidence, Finding, WayOut
from policies.way_out.circumstances import Circumstances, theirs
from policies.way_out.cover import Covers
from policies.way_out.doubtful import Doubtful
from policies.way_out.element import Document
from policies.way_out.media import VIEWS
from policies.way_out.page import CHILD, COMMENT, OF_TYPE, TEMPLATE, Links, Page, page_of
from policies.way_out.shown import why_not_seen
from policies.way_out.sight import Hidden, Sight
from policies.way_out.target import why_broken
from policies.way_out.words import (
    may_point,
    may_say_leave,
    says_here,
    says_leave,
    says_leave_in_url,
    those_that,
)

_MOST_CANDIDATES = 40  # that are looked at closely
_LAST = 40  # links whose neighbourhood is read: ways out stand at the end
_FOOT = 8  # links at the very end that are read before all others
_MOST_OUTSIDE = 500  # comments and templates that are searched
_EXCERPT = 200  # characters
_OPENING = re.compile(r"<a\s", re.IGNORECASE)
_LONGEST_ANCHOR = 2000  # characters of one in a comment
_TAG = re.compile(r"<[^>]*>")


class _CountsFromTheEnd(Exception):
    """A selector may depend on what stands last, and in this tree that is a line of the caller's."""


def in_html(html: str, circumstances: Circumstances) -> Finding:
    """Judge an HTML text."""
    return in_page(page_of(html), circumstances)


def in_page(page: Page, circumstances: Circumstances) -> Finding:
    """Judge an HTML text that is parsed already."""
    if b"<a" not in page.lower:
        return MISSING
    try:
        return _Search(page, circumstances).finding()
    except _CountsFromTheEnd:
        return in_html(page.html, circumstances)
    except Doubtful as doubt:
        return Finding(WayOut.MISSING, Evidence("doubtful", declaration=str(doubt)))


def of_our_own(page: Page, link: LexborNode) -> Finding:
    """Return how a page hides a link of ours that stands in it, MISSING where it does not.

    What its own style says, nothing outdoes; what stands around or over it may hide it all the same.
    """
    try:
        for covers in _screens(Document(page.tree, page.lower)):
            hidden = why_not_seen(covers, link, "")
            if hidden is not None:
                declaration = hidden.declaration[:_EXCERPT]
                return Finding(WayOut.HIDDEN, Evidence(hidden.rule, hidden.element.path(), declaration, ""))
    except Doubtful:
        pass  # nothing is said against a sender for what nobody can tell in time
    return MISSING


def _screens(document: Document) -> Iterator[Covers]:
    """Yield what is seen on each kind of screen, as far as they differ."""
    for view in VIEWS:
        if view is not VIEWS[0] and not document.views_differ:
            break
        yield Covers(Sight(document, view))


class _Search:
    """One look at one text. Links go by their numbers."""

    def __init__(self, page: Page, circumstances: Circumstances) -> None:
        self._page = page
        self._links = Links(page, circumstances)
        self._circumstances = circumstances
        self._known: dict[tuple[int, ...], Finding] = {}  # the same links are often of several kinds

    def finding(self) -> Finding:
        """Judge one kind of links after another, the surest first, until one of a kind suffices."""
        found = MISSING
        for judged in self._judged():
            if judged.verdict.suffices:
                return judged
            found = judged if found is MISSING else found
        return self._out_of_the_tree() if found is MISSING else found

    def _judged(self) -> Iterator[Finding]:
        links, hrefs = range(len(self._links.nodes)), self._links.hrefs
        if self._circumstances.is_hinted_in(self._links.all_hrefs):
            yield self._of([link for link in links if self._circumstances.is_ours(hrefs[link])])
            yield self._of([link for link in links if self._circumstances.is_named(hrefs[link])])
        foot = those_that(says_leave, links[-_FOOT:], self._links.label) if len(links) > 2 * _FOOT else []
        # Where one of these suffices, no other is read; where none does, they come again among the others.
        if foot and (judged := self._of(foot)).verdict.suffices:
            yield judged
        labels = self._links.labels
        if may_say_leave("\n".join((*labels, self._links.all_hrefs))):
            yield self._of(those_that(says_leave, links, labels.__getitem__))
            yield self._of(those_that(says_leave_in_url, links, hrefs.__getitem__))
        yield self._of(self._pointing(links[-_LAST:]))
        yield self._of(self._by_images(links[-_LAST:]))

    def _pointing(self, links: Sequence[int]) -> list[int]:
        """Return the links that say "here", or show their own URL, in a sentence about leaving."""
        labels = self._links.labels
        together = "\n".join([labels[link] for link in links])
        if not may_point(together):
            return []
        pointing = [link for link in links if "://" in labels[link] or says_here(labels[link])]
        return [link for link in pointing if says_leave(self._links.beside(link))]

    def _by_images(self, links: Sequence[int]) -> list[int]:
        """Return the links whose image says it."""
        silent = [link for link in links if not self._links.labels[link].strip()]
        return [link for link in silent if says_leave(self._links.images(link))]

    def _of(self, links: Sequence[int]) -> Finding:
        if not links:
            return MISSING
        if self._page.has_more and self._counts_from_the_end():
            raise _CountsFromTheEnd
        together = tuple(links[:_MOST_CANDIDATES])
        if together not in self._known:
            working = [link for link in together if not self._why_broken(link)]
            self._known[together] = self._of_working(working) if working else self._broken(together[0])
        return self._known[together]

    def _counts_from_the_end(self) -> bool:
        return not self._page.marks.isdisjoint((CHILD, OF_TYPE))

    def _why_broken(self, link: int) -> str:
        href = self._links.hrefs[link]
        return "" if self._circumstances.is_ours(href) else why_broken(href, self._circumstances.reserved)

    def _broken(self, link: int) -> Finding:
        document = self._document()
        path = document.element(self._links.nodes[link]).path()
        href = f"href:{self._links.hrefs[link][:_EXCERPT]}"
        return Finding(WayOut.BROKEN, Evidence(self._why_broken(link), path, href, self._excerpt(link)))

    def _document(self) -> Document:
        return Document(self._page.tree, self._page.lower)

    def _of_working(self, links: Sequence[int]) -> Finding:
        """Judge by what is seen of these links: on every kind of screen, one of them must be."""
        document = self._document()
        seen = links[0]
        for covers in _screens(document):
            why: Hidden | None = None
            for link in links:
                hidden = self._why_not_seen(covers, link)
                if hidden is None:
                    seen = link
                    break
                why = why or hidden
            else:
                assert why is not None  # there is at least one link
                where = f" (on a {covers.sight.view.name} screen)" if document.views_differ else ""
                evidence = Evidence(
                    why.rule, why.element.path(), why.declaration[:_EXCERPT] + where, self._excerpt(links[0])
                )
                return Finding(WayOut.HIDDEN, evidence)
        href = self._links.hrefs[seen]
        if self._circumstances.is_ours(href):
            return Finding(WayOut.OWN, Evidence("ours"))
        return theirs("header" if self._circumstances.is_named(href) else "words", href)

    def _why_not_seen(self, covers: Covers, link: int) -> Hidden | None:
        # A link of ours is one whatever it says.
        label = "" if self._circumstances.is_ours(self._links.hrefs[link]) else self._links.label(link)
        return why_not_seen(covers, self._links.nodes[link], label)

    def _excerpt(self, link: int) -> str:
        return (self._links.nodes[link].html or "")[:_EXCERPT]

    # Where no reader sees it at all -------------------------------------------------------------------------

    def _out_of_the_tree(self) -> Finding:
        """Look for a link in comments, and in templates."""
        for where, text in islice(self._outside(), _MOST_OUTSIDE):
            for anchor in _anchors(text):
                if self._circumstances.is_ours_within(anchor) or says_leave(_TAG.sub(" ", anchor)):
                    return Finding(WayOut.HIDDEN, Evidence(where, "", "", anchor[:_EXCERPT]))
        return MISSING

    def _outside(self) -> Iterator[tuple[str, str]]:
        if COMMENT in self._page.marks:
            yield from _comments(self._page.html)
        if TEMPLATE in self._page.marks:
            for template in self._page.tree.tags("template"):
                yield "template", template.html or ""


def _comments(html: str) -> Iterator[tuple[str, str]]:
    at = html.find("<!--")
    while at >= 0:
        end = html.find("-->", at)
        comment = html[at : end if end >= 0 else None]
        yield "mso-only" if "[if" in comment[:40] else "comment", comment
        at = html.find("<!--", end) if end >= 0 else -1


def _anchors(text: str) -> Iterator[str]:
    for piece in _OPENING.split(text, _MOST_CANDIDATES)[1:]:
        yield "<a " + piece[:_LONGEST_ANCHOR].partition("</")[0]
