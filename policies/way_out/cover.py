"""What lies over a link, as far as declared boxes tell: it is not seen, or cannot be clicked.

A positioned element covers a link where its box does, whatever the page's layout turns out to be:

* fixed, over the whole window; or absolute, over all of a positioned element that the link stands in, or over
  the page from its top on for thousands of pixels;
* pulled up over what stands directly before it, by at least the height of its last lines, with a height of
  its own that reaches down again; or absolute where it stands, over the first lines of what follows directly.

It lies above the link by its ``z-index``, else because it is positioned and the link is not, or comes later
(CSS 2.2 appendix E). One that lets clicks through counts only where its own ground hides what is below.

What is not judged: boxes whose size only their content gives, images, grounds of what is within the box,
cells of one grid, transforms, floats. ``tests/visibility`` holds the rest against Chromium.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from policies.way_out.declarations import WAITING, Declared
from policies.way_out.doubtful import Doubtful
from policies.way_out.element import Element
from policies.way_out.ground import is_opaque
from policies.way_out.length import length_of
from policies.way_out.sight import Hidden, Look, Sight, has_box

_MOST = 200  # positioned elements that are looked at
_MOST_BETWEEN = 20  # nodes between an element and what it lies over
_MOST_STEPS = 50_000  # elements, or tens of letters, for all links and boxes together
_ALL_DOWN = 3000.0  # pixels: no link of a newsletter stands lower than that from the top
_LINES = 2.5  # letters' heights: a line, and the margin of its paragraph
_WIDE = 300.0  # pixels: a link's words are shorter
_POSITIONED = frozenset({"absolute", "fixed", "relative"})
# Style attributes that may say so, also by an escape.
_INLINE = '[style*="position" i], [style*="\\\\"]'
_ACROSS = ("left", "right", "width")
_DOWN = ("top", "bottom", "height")


class _Box(NamedTuple):
    """A positioned element. ``sides``: its place and size in pixels, but for what another box decides."""

    element: Element
    style: dict[str, str]
    sides: dict[str, float]

    def spans(self, names: tuple[str, str, str], whole: float) -> bool:
        """Whether it reaches from one end of its container to the other. ``whole``: 0 for unknown."""
        start, end, size = names
        at_start, at_end = self.sides.get(start, 1.0) <= 0, self.sides.get(end, 1.0) <= 0
        if self.style.get(size, "").endswith("%"):
            full = (length_of(self.style[size], 0, 100) or 0) >= 100
        elif size in self.sides:
            outside = self.sides.get(start if at_start else end, 0.0)
            full = 0 < whole <= self.sides[size] + outside
        else:
            full = at_start and at_end
        return full and (at_start or at_end)

    def is_wide(self) -> bool:
        """Whether it stands where its parent begins, and is wider than a link's words."""
        if any(self.sides.get(name, 0.0) for name in ("left", "right", "margin-left")):
            return False
        width = self.style.get("width", "" if self.style["position"] == "absolute" else "100%")
        return (width.endswith("%") and (length_of(width, 0, 100) or 0) >= 100) or (
            self.sides.get("width", 0.0) >= _WIDE
        )


class Covers:
    """The elements of a document that may lie over others, in one view."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self._boxes: Sequence[_Box] | None = None
        self._left = _MOST_STEPS

    def over(self, link: Element) -> Hidden | None:
        """Return what lies over a link; None for nothing that could be told."""
        if self._boxes is None:
            self._boxes = tuple(self._found()) if self.sight.document.may_position else ()
        for box in self._boxes:
            if self._covers(box, link):
                declared = ";".join(f"{name}:{value}" for name, value in sorted(box.style.items()))
                return Hidden("covered", box.element, declared)
        return None

    # Which they are -----------------------------------------------------------------------------------------

    def _found(self) -> Iterator[_Box]:
        document = self.sight.document
        rules = [rule for bucket in document.sheet.rules.values() for rule in bucket]
        selectors = [_INLINE, *(rule.selector for rule in rules if _positions(rule.declarations))]
        nodes = {node.mem_id: node for one in dict.fromkeys(selectors) for node in document.select(one)}
        for node in list(nodes.values())[:_MOST]:
            element = document.element(node)
            look = self.sight.look(element)
            style = self.sight.style(element)
            if style.get("position") in _POSITIONED and _takes_effect(look, element, style):
                yield _Box(element, style, self._sides(element, style))

    def _sides(self, element: Element, style: dict[str, str]) -> dict[str, float]:
        em, view = self.sight.look(element).size, self.sight.view
        sides: dict[str, float] = {}
        for name in (*_ACROSS, *_DOWN, "margin-top", "margin-left"):
            value = style.get(name, "")
            length = length_of(value, em, view.height if name in _DOWN else view.width)
            if length is not None and (not value.endswith("%") or length == 0):
                sides[name] = length
        return sides

    # What they cover ----------------------------------------------------------------------------------------

    def _covers(self, box: _Box, link: Element) -> bool:
        around, theirs = self._around(link), self._around(box.element)
        if box.element in around or link in theirs or not self._is_above(around, theirs):
            return False
        if box.style["position"] == "fixed":
            return box.spans(_ACROSS, self.sight.view.width) and box.spans(_DOWN, self.sight.view.height)
        if box.style["position"] == "relative":
            return self._is_pulled_over(box, link, around)
        if "top" not in box.sides and "bottom" not in box.sides:
            return self._is_pulled_over(box, link, around) or self._begins_over(box, link, around)
        container = next((one for one in theirs[1:] if self._is_positioned(one)), None)
        if container is None:
            across = box.spans(_ACROSS, self.sight.view.width)
            return across and box.sides.get("top", 1.0) <= 0 and box.sides.get("height", 0.0) >= _ALL_DOWN
        within = self._sides(container, self.sight.style(container))
        return (
            container in around
            and box.spans(_ACROSS, within.get("width", 0.0))
            and box.spans(_DOWN, within.get("height", 0.0))
        )

    def _is_pulled_over(self, box: _Box, link: Element, around: Sequence[Element]) -> bool:
        """Whether a box that stands directly behind a text that ends with the link is pulled up over it."""
        up = -box.sides.get("margin-top", 0.0)
        if box.style["position"] == "relative":
            up += box.sides.get("bottom", 0.0) if "top" not in box.sides else -box.sides["top"]
        if up < self._lines(link) or box.sides.get("height", 0.0) < up or not has_box(box.style, box.element):
            return False
        beside = _beside(box.element.node, "prev", around)
        return beside is not None and box.is_wide() and self._text(beside).endswith(self._text(link))

    def _begins_over(self, box: _Box, link: Element, around: Sequence[Element]) -> bool:
        """Whether a box that takes no room stands directly before a text that begins with the link."""
        if "margin-top" in box.sides or box.sides.get("height", 0.0) < self._lines(link):
            return False
        beside = _beside(box.element.node, "next", around)
        return beside is not None and box.is_wide() and self._text(beside).startswith(self._text(link))

    def _lines(self, link: Element) -> float:
        return _LINES * self.sight.look(link).size

    # What is on top -----------------------------------------------------------------------------------------

    def _is_above(self, around: Sequence[Element], theirs: Sequence[Element]) -> bool:
        """Whether the first of some elements within another lies below the first of others."""
        ours, theirs = around[::-1], theirs[::-1]
        fork = next(at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one is not other)
        level, height = self._level(ours[fork:]), self._level(theirs[fork:])
        assert height is not None  # a box is positioned
        if level is None:
            return height >= 0
        return height > level or (height == level and self._comes_later(theirs[fork].node, ours[fork].node))

    def _level(self, chain: Sequence[Element]) -> int | None:
        """Return the level of the outermost of some elements that has one; None for that of the text."""
        positioned = [style for style in map(self.sight.style, chain) if "position" in style]
        for style in positioned:
            if style.get("z-index", "").lstrip("+-").isdigit() and style["position"] != "static":
                return int(style["z-index"][:10])  # more digits make no difference: browsers have a limit
        return 0 if any(style["position"] != "static" for style in positioned) else None

    def _comes_later(self, node: LexborNode, other: LexborNode) -> bool:
        """Whether a node comes after another one of the same parent."""
        at = other.next
        while at is not None and at.mem_id != node.mem_id:
            self._step(1)
            at = at.next
        return at is not None

    def _around(self, element: Element) -> list[Element]:
        """Return an element and all that it stands in, from the inside out."""
        found: list[Element] = []
        at: Element | None = element
        while at is not None:
            found.append(at)
            at = at.parent
        self._step(len(found))
        return found

    def _text(self, element: Element) -> str:
        text = element.node.text()
        self._step(len(text) // 10)
        return text.strip()

    def _step(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise Doubtful("too much over one another")

    def _is_positioned(self, element: Element) -> bool:
        return self.sight.style(element).get("position", "static") != "static"


def _takes_effect(look: Look, element: Element, style: dict[str, str]) -> bool:
    """Whether a box takes the clicks of what is below it, or hides that."""
    if look.gone is not None:
        return look.gone.rule == "opacity" and style.get("pointer-events") != "none"
    return look.visible and (look.clickable or is_opaque(style, element))


def _positions(declarations: Sequence[Declared]) -> bool:
    return any(
        (one.name == "position" and one.value in _POSITIONED)
        or (one.name == WAITING and one.value.startswith("position"))
        for one in declarations
    )


def _beside(node: LexborNode, direction: str, around: Sequence[Element]) -> Element | None:
    """Return which of some elements stands directly before or behind a node."""
    at = getattr(node, direction)
    left = _MOST_BETWEEN
    while at is not None and not at.is_element_node and not (at.text_content or "").strip() and left:
        at, left = getattr(at, direction), left - 1
    return next((one for one in around if at is not None and one.node.mem_id == at.mem_id), None)
