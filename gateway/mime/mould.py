"""Whether an HTML text is another one with other words in it: a newsletter that was merged for its readers.

A *mould* is what stays: the markup. It is compared line by line, and a line that differs element by element.
What may differ are words of running text, and the targets of links.

What it promises: a parser makes the same tree of a text and of one that ``differences`` accepts, but for
letters in texts that have words in both, and for values of ``href``. How it fails: None, where that is not so
or not plain to see; then nothing is lost but a little time.

It holds because only the tokenizer's data state knows running text (WHATWG HTML, 13.2.5.1), which no letter
leaves; and because where a text goes in the tree depends on whether it is blank (13.2.6.4), and not on its
letters. Where some elements are read otherwise than everywhere else there is no mould.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, compress, count, islice
from operator import ne
from typing import NamedTuple

from gateway.mime.markup import tags, texts

_MOST = 200  # elements that differ
_LONGEST = 2000  # octets of an element and the text behind it that is compared
# In these, or behind them, an element that holds raw text elsewhere does not.
_READ_OTHERWISE = (b"<svg", b"<math", b"<select", b"<frameset")

# Letters and signs, and characters by their names.
_RUNNING = re.compile(rb"(?:[^<&\0]|&[A-Za-z]+;)*+")
_NAMED = re.compile(rb"&[A-Za-z]+;")
_ATTRIBUTES = rb"(?:\s++[A-Za-z-]++=\"[^\"<>\0]*+\")*"
_LINK = re.compile(
    rb"([Aa]" + _ATTRIBUTES + rb"?\s++[Hh][Rr][Ee][Ff]=\")"  # of the tag, up to its target
    rb"([!#-;=?-~]*+)"
    rb"(\"" + _ATTRIBUTES + rb"\s*+>)"
    rb"([^<]*+)"
)
_WORD = re.compile(r"\w")


class Difference(NamedTuple):
    """What stands in one text from ``start`` to ``end``, and in another in its place."""

    start: int
    end: int
    old: bytes
    new: bytes
    is_target: bool  # of a link; else it is running text


class _OtherMarkup(Exception):
    """Two texts are not of one mould, or it cannot be seen in a moment."""


class Mould:
    """One text, to which others are compared. ``lower``: the same in lower case; ``lines``: its lines."""

    def __init__(self, view: bytes, lower: bytes, lines: Sequence[bytes]) -> None:
        self.view = view
        self._lower = lower
        self._lines = lines

    @property
    def height(self) -> int:
        """The number of its lines."""
        return len(self._lines)

    def running(self, between: bytes) -> bytes:
        """Return all running text. ``between``: what stands where markup was."""
        return between.join([self.view[start:end] for start, end in zip(*self._texts, strict=True)])

    def differences(self, lines: Sequence[bytes]) -> list[Difference] | None:
        """Return what differs in another text, given as its lines; None where it has other markup."""
        if len(lines) != self.height:
            return None
        differing = compress(count(), map(ne, self._lines, lines))
        found = ((number, *one) for number in differing for one in self._in_line(number, lines[number]))
        try:
            # All of them, before the first is looked at closely: a single tag that differs ends it.
            elements = list(islice(found, _MOST + 1))
            if len(elements) > _MOST or not self._is_read_as_everywhere:
                return None
            return [
                one
                for number, at, element, other in elements
                for one in self._in_element(self._offsets[number] + at, element, other)
            ]
        except _OtherMarkup:
            return None

    def _in_line(self, number: int, other: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield where in a line elements begin that differ, each without its ``<``, and with the other's."""
        at = 0
        elements, others = self._lines[number].split(b"<"), other.split(b"<")
        if len(elements) != len(others):
            raise _OtherMarkup
        for element, another in zip(elements, others, strict=True):
            if element != another:
                if not _may_be_cast(element, another):
                    raise _OtherMarkup
                yield at, element, another
            at += len(element) + 1

    def _in_element(self, at: int, element: bytes, another: bytes) -> Iterator[Difference]:
        """Yield what differs in a tag and the text behind it."""
        length = self._markup(at, len(element))
        if element[:length] == another[:length]:
            yield _running(at + length, element[length:], another[length:])
            return
        tag, other = _LINK.fullmatch(element), _LINK.fullmatch(another)
        if tag is None or other is None or tag.group(1, 3) != other.group(1, 3) or at - 1 not in self._tags:
            raise _OtherMarkup
        yield Difference(at + tag.start(2), at + tag.end(2), tag[2], other[2], is_target=True)
        if tag[4] != other[4]:
            yield _running(at + length, tag[4], other[4])

    def _markup(self, at: int, length: int) -> int:
        """Return how many octets of an element, or of what a line begins with, are no running text."""
        starts, ends = self._texts
        number = bisect_left(starts, at + length) - 1
        if number < 0 or ends[number] < at + length:
            return length
        # A "<" that is text is not with another letter behind it: then it begins a tag.
        is_sign = starts[number] < at and self._lower[at - 1 : at] == b"<"
        return length if is_sign else max(starts[number] - at, 0)

    @cached_property
    def _offsets(self) -> list[int]:
        return [0, *accumulate(len(line) + 1 for line in self._lines)]

    @cached_property
    def _texts(self) -> tuple[list[int], list[int]]:
        """Where running text begins, and where it ends."""
        found = list(texts(self._lower))
        return [start for start, _ in found], [end for _, end in found]

    @cached_property
    def _tags(self) -> frozenset[int]:
        return frozenset(tag.start for tag in tags(self._lower))

    @cached_property
    def _is_read_as_everywhere(self) -> bool:
        return not any(self._lower.find(one) >= 0 for one in _READ_OTHERWISE)


def _may_be_cast(element: bytes, another: bytes) -> bool:
    """Whether two elements may have the same tag, or be links: at first sight."""
    if len(element) > _LONGEST or len(another) > _LONGEST:
        return False
    tag = element[: element.rfind(b">") + 1]
    return (another.startswith(tag) and b">" not in another[len(tag) :]) or tag[:1] in {b"a", b"A"}


def _running(at: int, old: bytes, new: bytes) -> Difference:
    if not (_has_words(old) and _has_words(new)):
        raise _OtherMarkup
    return Difference(at, at + len(old), old, new, is_target=False)


def _has_words(text: bytes) -> bool:
    """Whether this is running text with words in it; named characters are none."""
    if _RUNNING.fullmatch(text) is None:
        return False
    words = _NAMED.sub(b"", text) if b"&" in text else text
    return _WORD.search(words.decode("utf-8", "replace")) is not None
