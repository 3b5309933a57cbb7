"""What is known of a text that differs from a known one only in its words: what was read in that.

A tenant who merges names into a newsletter hands in another text for each reader. Its markup is the same, so
nothing is hidden or shown in it that was not before, and its footer goes to the same place. What can be new
are words for leaving, placeholders, and links of ours or of the sender's header: then the text is read anew.

A way out of the sender's own mostly has another target for each reader, and the header has the same. It stays
what it is while the target leads to the same host, says of itself what it did, and is named where it was.

What it promises: what ``footer_reading`` would have found. The one exception is a word for leaving whose
letters stand further apart than ``_AROUND`` octets of markup: a footer is added beside it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape, unescape
from typing import NamedTuple

from gateway.mime.insertion import Place
from gateway.mime.mould import Difference, Mould
from gateway.mime.needles import needle
from gateway.mime.transfer import Untouchable
from gateway.model.way_out import MISSING, Finding, WayOut
from policies.way_out.circumstances import Circumstances
from policies.way_out.placeholders import Form, Site, may_hold, sites
from policies.way_out.target import is_unfilled
from policies.way_out.words import holds_leave, may_point, says_leave_in_url, those_that

_AROUND = 256  # octets on either side of new words in which they may be part of others
_FRAMED = 500  # and of a new target in which it may be part of a placeholder
_FEW = 24  # pieces of new running text; to search around more takes as long as to read all
_TAG = re.compile(rb"<[^>]*+>")


class Cast(NamedTuple):
    """A text's placeholders, and where its footer goes."""

    sites: tuple[Site, ...]
    place: Place


def decides_by_markup(lower: bytes, found: Sequence[Site], finding: Finding) -> bool:
    """Whether what was found in a text, in lower case, may be found in others of its mould.

    A link is one whatever stands elsewhere, unless boxes lie about, which are as large as their words.
    """
    match finding.verdict:
        case WayOut.OWN:
            return b"position" not in lower
        case WayOut.SENDER:
            return not found and b"position" not in lower
        case _:  # the link for a placeholder says what it is for
            return not found and finding == MISSING


class Known:
    """A text of which all is known, for others of its mould; one that ``decides_by_markup``."""

    def __init__(self, mould: Mould, circumstances: Circumstances, cast: Cast, finding: Finding) -> None:
        self._mould = mould
        self._circumstances = circumstances
        self._cast = cast
        self.finding = finding

    @property
    def height(self) -> int:
        """The number of its lines: what is of the same mould has as many."""
        return self._mould.height

    def cast(self, view: bytes, lines: Sequence[bytes], circumstances: Circumstances) -> Cast | None:
        """Return where things stand in another text of this mould; None where that has to be read itself.

        ``lines``: those of the text, split once for all that it is compared to. ``circumstances``: those of
        its message, in which only what the header names may be other than here.
        """
        differences = self._mould.differences(lines)
        if differences is None or not self._finds_the_same(_Other(view, differences), circumstances):
            return None
        shift = _Shift(differences)
        place = self._cast.place
        return Cast(tuple(map(shift.site, self._cast.sites)), Place(shift(place.at), place.closing))

    def _finds_the_same(self, other: "_Other", circumstances: Circumstances) -> bool:
        if any(needle(one.encode()).is_in(other.both) for one in circumstances.ours):
            return False
        match self.finding.verdict:
            case WayOut.OWN:
                return not may_hold(other.both.lower())
            case WayOut.SENDER:
                return self._is_still_theirs(other, circumstances)
            case _:
                return self._is_still_missing(other, circumstances)

    # No way out -------------------------------------------------------------------------------------------

    def _is_still_missing(self, other: "_Other", circumstances: Circumstances) -> bool:
        if may_hold(other.both.lower()) or any(map(other.shows, circumstances.named)):
            return False
        # A link that only points is a way out if words for leaving stand beside it.
        if self._may_say_leave and any(map(may_point, self._running)):
            return False
        said = other.said()
        if said is None or holds_leave(_joined(said)):
            return False
        return not (self._may_say_leave and _may_point(said))

    @cached_property
    def _running(self) -> tuple[str, str]:
        return _read(self._mould.running(b"")), _read(self._mould.running(b" "))

    @cached_property
    def _may_say_leave(self) -> bool:
        return holds_leave(self._running[0])

    # One of the sender's ----------------------------------------------------------------------------------

    def _is_still_theirs(self, other: "_Other", circumstances: Circumstances) -> bool:
        if not (other.says_as_little(self._mould.view) and other.leads_as_before()):
            return False
        before, now = self._circumstances, circumstances
        if before.named == now.named:
            return all(before.is_named(one.old) == now.is_named(one.new) for one in other.targets)
        if self.finding.evidence.rule != "header":
            return not any(map(other.shows, now.named))
        # Every link that the header named before, and no other, leads to where this one says.
        named = [one for one in other.targets if before.is_named(one.old)]
        return (
            bool(named)
            and all(map(now.is_named, [one.new for one in named]))
            and not any(map(other.shows, before.named))
        )


class _Target(NamedTuple):
    """Where a link leads in one text and in the other."""

    old: str
    new: str


class _Other:
    """Another text of a mould, and what differs in it."""

    def __init__(self, view: bytes, differences: Sequence[Difference]) -> None:
        self._view = view
        self._differences = differences
        self.both = b"<".join([text for one in differences for text in (one.old, one.new)])

    @cached_property
    def targets(self) -> list[_Target]:
        """The targets that differ, as browsers read them."""
        pairs = [(one.old, one.new) for one in self._differences if one.is_target]
        # At once: none holds a line end, and entities are slow one by one.
        old, new = (_read(b"\n".join([pair[side] for pair in pairs])).split("\n") for side in (0, 1))
        return list(map(_Target, old, new)) if pairs else []

    def shows(self, url: str) -> bool:
        """Whether a link to a URL may stand here."""
        return url.encode() in self._view or ("&" in url and escape(url).encode() in self._view)

    def said(self) -> list[bytes] | None:
        """Return what is new, with what stands around it; None where that is too much to be read."""
        around = _words_around(self._view, self._differences)
        if len(around) > _FEW:
            return None
        return [one.new for one in self._differences if one.is_target] + around

    def says_as_little(self, before: bytes) -> bool:
        """Whether no words for leaving, and no placeholders, stand where words differ, here and there."""
        words = [text for one in self._differences if not one.is_target for text in (one.old, one.new)]
        if may_hold(b"<".join(words).lower()):
            return False
        for view, old in ((self._view, False), (before, True)):
            said = list(map(_between_tags, _words_around(view, self._differences, old=old)))
            if len(said) > _FEW:
                return False
            if holds_leave(_joined(said)) or _may_point(said):
                return False
        return True

    def leads_as_before(self) -> bool:
        """Whether each target leads to the host that it did, says as much of leaving, and is filled in."""
        if any(_host(one.old) != _host(one.new) for one in self.targets):
            return False
        numbers = range(len(self.targets))
        leaving = [
            those_that(says_leave_in_url, numbers, [one[side] for one in self.targets].__getitem__)
            for side in (0, 1)
        ]
        return leaving[0] == leaving[1] and not self._is_unfilled()

    def _is_unfilled(self) -> bool:
        if any(is_unfilled("\n".join([one[side] for one in self.targets])) for side in (0, 1)):
            return True
        here = _around(self._view, self._differences, _FRAMED)
        return any(one.is_target and may_hold(one.new.lower()) and _holds_site(text) for one, text in here)


class _Shift:
    """Where what stood in one text stands in another: outside of what differs."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self._differences = differences

    def __call__(self, at: int) -> int:
        return at + sum([len(one.new) - len(one.old) for one in self._differences if one.start < at])

    def site(self, site: Site) -> Site:
        return replace(site, start=self(site.start), end=self(site.end))


def _around(
    view: bytes, differences: Sequence[Difference], reach: int, *, old: bool = False
) -> Iterator[tuple[Difference, bytes]]:
    """Yield what differs, with so many octets on either side. ``old``: the view is that of the old text."""
    longer = 0
    for one in differences:
        start = one.start + longer
        length = len(one.old) if old else len(one.new)
        longer += length - len(one.old)
        yield one, view[max(start - reach, 0) : start + length + reach]


def _words_around(view: bytes, differences: Sequence[Difference], *, old: bool = False) -> list[bytes]:
    """Return the running text that differs, with what stands around it."""
    return [text for one, text in _around(view, differences, _AROUND, old=old) if not one.is_target]


def _holds_site(octets: bytes) -> bool:
    try:
        return bool(sites(octets, Form.HTML))
    except Untouchable:
        return True


def _joined(pieces: Sequence[bytes], between: bytes = b"") -> str:
    """Return the text of some pieces of HTML. ``between``: what stands where markup was."""
    return _read(_TAG.sub(between, b"\n".join(pieces)))


def _may_point(pieces: Sequence[bytes]) -> bool:
    return may_point(_joined(pieces)) or may_point(_joined(pieces, b" "))


def _between_tags(piece: bytes) -> bytes:
    """Return a piece of HTML without the tags that it begins and ends in the middle of."""
    begin, end = piece.find(b">") + 1, piece.rfind(b"<")
    begin = begin if 0 < begin < piece.find(b"<") else 0
    return piece[begin : end if end > piece.rfind(b">") else None]


def _host(url: str) -> list[str]:
    return url.split("/", 3)[:3]


def _read(octets: bytes) -> str:
    said = octets.decode("utf-8", "replace")
    if "&" not in said:
        return said
    return said.replace("&amp;", "&") if said.count("&") == said.count("&amp;") else unescape(said)
