"""What is known of a text that differs from a known one only in its words: what was read in that.

A tenant who merges names into a newsletter hands in another text for each reader. Its markup is the same, so
nothing is hidden or shown in it that was not before, and its footer goes to the same place. What can be new
are words for leaving, placeholders, and links of ours or of the sender's header: then the text is read anew.

What it promises: what ``footer_reading`` would have found. The one exception is a word for leaving whose
letters stand further apart than ``_AROUND`` octets of markup: a footer is added beside it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from html import unescape
from typing import NamedTuple

from gateway.mime.insertion import Place
from gateway.mime.mould import Difference, Mould
from gateway.model.way_out import MISSING, Finding, WayOut
from policies.way_out.circumstances import Circumstances
from policies.way_out.placeholders import Site, may_hold
from policies.way_out.words import holds_leave, may_point

_AROUND = 256  # octets on either side of new words in which they may be part of others
_FEW = 24  # pieces of new running text; to search around more takes as long as to read all
_TAG = re.compile(rb"<[^>]*+>")


class Cast(NamedTuple):
    """A text's placeholders, and where its footer goes."""

    sites: tuple[Site, ...]
    place: Place


class Known:
    """A text of which all is known, for others of its mould. ``lower``: the text in lower case."""

    def __init__(
        self,
        mould: Mould,
        lower: bytes,
        circumstances: Circumstances,
        *,
        sites: Sequence[Site],
        finding: Finding,
        place: Place,
    ) -> None:
        self._lower = lower
        self._sites = sites
        self._hints = tuple(circumstances.hints)
        self.finding = finding
        self._place = place
        self._mould = mould

    @property
    def height(self) -> int:
        """The number of its lines: what is of the same mould has as many."""
        return self._mould.height

    def cast(self, view: bytes, lines: Sequence[bytes]) -> Cast | None:
        """Return where things stand in another text of this mould; None where that has to be read itself.

        ``lines``: those of the text, split once for all that it is compared to.
        """
        differences = self._mould.differences(lines)
        if differences is None or not self._decides_by_markup or self._says_something_new(view, differences):
            return None
        shift = _Shift(differences)
        return Cast(tuple(map(shift.site, self._sites)), Place(shift(self._place.at), self._place.closing))

    @cached_property
    def _decides_by_markup(self) -> bool:
        """Whether new words, if they are not for leaving, leave what was found as it is.

        A link of ours is one whatever it says, unless boxes lie about, which are as large as their words.
        Where no way out was found, a link that only points makes one if words for leaving stand beside it.
        """
        if self.finding.verdict is WayOut.OWN:
            return b"position" not in self._lower
        if self._sites or self.finding != MISSING:  # the link for a placeholder says what it is for
            return False
        return not (self._may_say_leave and any(map(may_point, self._running)))

    @cached_property
    def _running(self) -> tuple[str, str]:
        return _read(self._mould.running(b"")), _read(self._mould.running(b" "))

    @cached_property
    def _may_say_leave(self) -> bool:
        return holds_leave(self._running[0])

    def _says_something_new(self, view: bytes, differences: Sequence[Difference]) -> bool:
        """Whether what differs has, or had, anything to do with leaving."""
        both = b"<".join([text for one in differences for text in (one.old, one.new)])
        if may_hold(both.lower()) or any(hint in both for hint in self._hints):
            return True
        if self.finding.verdict is WayOut.OWN:
            return False
        around = list(_around(view, differences))
        if len(around) > _FEW:
            return True
        said = b"\n".join((*[one.new for one in differences if one.is_target], *around))
        joined = _read(_TAG.sub(b"", said))
        return holds_leave(joined) or (
            self._may_say_leave and (may_point(joined) or may_point(_read(_TAG.sub(b" ", said))))
        )


class _Shift:
    """Where what stood in one text stands in another: outside of what differs."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self._differences = differences

    def __call__(self, at: int) -> int:
        return at + sum([len(one.new) - len(one.old) for one in self._differences if one.start < at])

    def site(self, site: Site) -> Site:
        return replace(site, start=self(site.start), end=self(site.end))


def _around(view: bytes, differences: Sequence[Difference]) -> Iterator[bytes]:
    """Yield new running text with what stands around it."""
    longer = 0
    for one in differences:
        start = one.start + longer
        longer += len(one.new) - len(one.old)
        if not one.is_target:
            yield view[max(start - _AROUND, 0) : start + len(one.new) + _AROUND]


def _read(octets: bytes) -> str:
    said = octets.decode("utf-8", "replace")
    return unescape(said) if "&" in said else said
