"""Whether a reader sees what stands in an element, by the rules of style sheets; and if not, why not.

What is looked at: everything that hides an element with all in it (``gone``), and what is inherited and may
be taken back further down: visibility, the size of letters, their colour, the ground below them. So a
``font-size:0`` on a column whose children have a size, as newsletter builders write it, hides nothing.

The rules agree with Chromium, against which tests/visibility holds every one of them, but for those of mail
programs that no browser has; these say so there. What lies over an element is ``cover``'s matter.
"""

import re
from dataclasses import dataclass

from policies.way_out.clip import FUNCTION, SLIT, clipped_by
from policies.way_out.colour import Rgba, colour_attribute, colour_of
from policies.way_out.contrast import alike, named, over
from policies.way_out.element import Document, Element
from policies.way_out.ground import Ground, ground
from policies.way_out.length import NUMBER, length_of
from policies.way_out.media import View
from policies.way_out.transform import PROPERTIES, Placed, Screen, placed

WHITE: Rgba = (1.0, 1.0, 1.0, 1.0)
_BLACK: Rgba = (0.0, 0.0, 0.0, 1.0)
_LINK: Rgba = (0.0, 0.0, 238 / 255, 1.0)

_FAR_RIGHT = 3000.0  # to the right and below, where nobody scrolls
_FAR = 500.0  # pixels to the left or above: off every screen
_TINY = 6.0  # pixels of a letter
_LARGEST = 1e6  # of its size
_NUMBER = re.compile(NUMBER)
_SPECK = 0.1  # of its size: what is brought to less is no picture
_FAINT = 0.1  # of opacity

# Without one of these nothing is gone.
_HIDING = frozenset(
    {
        *("display", "opacity", "filter", "content-visibility", "mso-hide", "overflow", "position"),
        *("margin-left", "margin-top", "clip", "clip-path"),
    }
)
_TRANSFORMING = frozenset(PROPERTIES)
_WHERE_IT_IS = Placed(0.0, 0.0, 1.0)
_AS_IT_WAS = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
# What has a say of its own in how it looks, whatever its style.
_TELLING_TAGS = frozenset({"a", "body", "font", "noscript", "dialog"})
_TELLING_ATTRIBUTES = frozenset({"hidden", "bgcolor", "background"})
_INLINE = frozenset(
    {
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "dfn",
            "em",
            "font",
            "i",
            "ins",
            "del",
        ),
        *(
            "kbd",
            "label",
            "mark",
            "q",
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "tt",
            "u",
            "var",
        ),
    }
)
# Tables grow with what is in them, and the page's own overflow is the window's.
_GROWING = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "html", "body"})
_KEYWORDS = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}
_KEYWORDS |= {"xx-large": 32.0, "xxx-large": 48.0}
_FONT_ATTRIBUTE = {"1": 10.0, "2": 13.0, "3": 16.0, "4": 18.0, "5": 24.0, "6": 32.0, "7": 48.0}


@dataclass(frozen=True, slots=True)
class Hidden:
    """Why something is not seen: a slug, the element that has it so, and what it declares."""

    rule: str
    element: Element
    declaration: str


@dataclass(frozen=True, slots=True)
class Look:
    """An element as it comes out. ``gone``: nothing in it is seen."""

    gone: Hidden | None = None
    visible: bool = True
    size: float = 16.0
    colour: Rgba = _BLACK
    link: Rgba = _LINK
    ground: Ground = (WHITE,)
    opacity: float = 1.0
    indent: float = 0.0
    clickable: bool = True
    scale: float = 1.0  # what transforms and zooms make of it


_PAGE = Look()


class Sight:
    """One view of a document."""

    def __init__(self, document: Document, view: View) -> None:
        self.document = document
        self.view = view
        self._looks: dict[Element, Look] = {}
        self._styles: dict[Element, dict[str, str]] = {}

    def look(self, element: Element) -> Look:
        """Return how an element comes out."""
        below: list[Element] = []
        at: Element | None = element
        while at is not None and at not in self._looks:
            below.append(at)
            at = at.parent
        look = _PAGE if at is None else self._looks[at]
        for one in reversed(below):
            look = self._within(look, one)
            self._looks[one] = look
        return look

    def style(self, element: Element) -> dict[str, str]:
        """Return what is declared for an element."""
        style = self._styles.get(element)
        if style is None:
            style = self._styles[element] = self.document.style(element, self.view.name)
        return style

    def why_not_read(self, element: Element) -> Hidden | None:
        """Return why text in an element is not read; None where it is."""
        look = self.look(element)
        return _why_not_there(look, element) or _why_not_legible(look, element)

    def why_no_image(self, image: Element) -> Hidden | None:
        """Return why an image is not seen; one without a size shows its ``alt``, if it has one."""
        look = self.look(image)
        hidden = _why_not_there(look, image)
        if hidden is not None:
            return hidden
        style = self.style(image)
        sides = [style.get(name) or image.attribute(name) for name in ("width", "height")]
        lengths = [length_of(side.strip(), look.size, self.view.width) for side in sides if side]
        if any(length is not None and length < SLIT for length in lengths):
            return Hidden("tiny-image", image, "x".join(side or "?" for side in sides))
        if not lengths and not image.attribute("alt").strip():
            return Hidden("image-without-alt-and-size", image, "")
        return None

    def _within(self, above: Look, element: Element) -> Look:
        if above.gone is not None:
            return above
        style = self.style(element)
        if not style and _says_nothing(element):
            return above
        size = _size(style, element, above.size)
        opacity = above.opacity * _fraction(style["opacity"]) if "opacity" in style else above.opacity
        transformed = self._transformed(style, element, size)
        gone = self._gone(style, element, size, opacity) or self._moved_away(style, element, transformed)
        if gone is not None:
            return Look(gone)
        visibility = style.get("visibility", "")
        indent = length_of(style.get("text-indent", ""), size, self.view.width)
        pointer = style.get("pointer-events", "")
        return Look(
            None,
            above.visible if visibility in {"", "inherit"} else visibility == "visible",
            size,
            _colour(style, element, above),
            _links_colour(element, above),
            ground(style, element, above.ground),
            opacity,
            above.indent if indent is None else indent,
            above.clickable if pointer in {"", "inherit"} else pointer != "none",
            min(above.scale * transformed.size * _zoom(style), _LARGEST),
        )

    def _transformed(self, style: dict[str, str], element: Element, size: float) -> Placed:
        """Return what transforms do to the element, where they take effect."""
        if _TRANSFORMING.isdisjoint(style) or not self._is_transformable(style, element):
            return _WHERE_IT_IS
        values = [style.get(name, "") for name in PROPERTIES]
        values = ["" if value in _AS_IT_WAS else value for value in values]
        return placed(*values, by=Screen(size, self.view.width))

    def _is_transformable(self, style: dict[str, str], element: Element) -> bool:
        """Whether the element is more than a stretch of a line (CSS Transforms 1 section 3)."""
        display = style.get("display", "")
        if display == "contents":
            return False
        if (display or "inline") != "inline" or (not display and element.tag not in _INLINE):
            return True
        if style.get("position") in {"absolute", "fixed"} or style.get("float", "none") in {"left", "right"}:
            return True
        above = element.parent
        return above is not None and self.style(above).get("display", "").endswith(("flex", "grid", "box"))

    def _moved_away(self, style: dict[str, str], element: Element, to: Placed) -> Hidden | None:
        # It may stand at the right, or far down the page: only beyond that it is away for sure.
        if to.right > -self.view.width and to.down > -2 * _FAR:
            return None
        said = ";".join(f"{name}:{style[name]}" for name in PROPERTIES if name in style)
        return Hidden("off-screen", element, said)

    def _gone(self, style: dict[str, str], element: Element, size: float, opacity: float) -> Hidden | None:
        hidden = _by_nature(style, element)
        if hidden is not None or _HIDING.isdisjoint(style):
            return hidden
        return (
            _by_declaration(style, element, opacity)
            or self._by_box(style, element, size)
            or self._by_place(style, element, size)
        )

    def _by_box(self, style: dict[str, str], element: Element, size: float) -> Hidden | None:
        """Return what cuts the element to nothing: a box without room, whose overflow does not show."""
        if style.get("overflow", "visible") == "visible" or not has_box(style, element):
            return None
        for name, whole in (("width", self.view.width), ("height", 0)):
            least = length_of(style.get(f"min-{name}", ""), size, whole)
            for side in (name, f"max-{name}"):
                length = length_of(style.get(side, ""), size, whole)
                if length is not None and length < SLIT and (least is None or least < SLIT):
                    return Hidden("no-room", element, f"{side}:{style[side]};overflow:{style['overflow']}")
        return None

    def _by_place(self, style: dict[str, str], element: Element, size: float) -> Hidden | None:
        """Return what puts the element off the screen, or cuts it out of it."""
        positioned = style.get("position", "static") != "static"
        sides = ("left", "top", "right", "bottom") if positioned else ()
        for side in (*sides, "margin-left", "margin-top"):
            if side not in style:
                continue
            length = length_of(style[side], size, self.view.width)
            far = length is not None and (
                length <= -_FAR or (side in {"left", "top"} and length >= _FAR_RIGHT)
            )
            if far and (side != "margin-top" or positioned or has_box(style, element)):
                return Hidden("off-screen", element, f"{side}:{style[side]}")
        clipped = clipped_by(style)
        return Hidden("clipped", element, clipped) if clipped else None


def _says_nothing(element: Element) -> bool:
    """Whether an element without a style looks as what it stands in."""
    return (
        element.tag not in _TELLING_TAGS
        and _TELLING_ATTRIBUTES.isdisjoint(element.attributes)
        and (element.parent is None or element.parent.tag != "details")
    )


def _why_not_there(look: Look, element: Element) -> Hidden | None:
    if look.gone is not None:
        return look.gone
    if not look.visible:
        return Hidden("visibility-hidden", element, "visibility:hidden")
    if not look.clickable:
        return Hidden("pointer-events", element, "pointer-events:none")
    if look.scale < _SPECK:
        return Hidden("tiny-font", element, f"at {look.scale:.2g} of its size")
    return None


def _why_not_legible(look: Look, element: Element) -> Hidden | None:
    if look.size * look.scale < _TINY:
        scaled = "" if look.scale == 1 else f" at {look.scale:.2g} of its size"
        return Hidden("tiny-font", element, f"font-size:{look.size:g}px{scaled}")
    if look.indent <= -_FAR:
        return Hidden("text-indent", element, f"text-indent:{look.indent:g}px")
    if look.colour[3] * look.opacity < _FAINT:
        return Hidden("transparent", element, f"color:{named(look.colour)}")
    if look.ground and all(alike(over(look.colour, one), one) for one in look.ground):
        on = ", ".join(map(named, look.ground))
        return Hidden("same-colour", element, f"color:{named(look.colour)} on {on}")
    return None


def _by_nature(style: dict[str, str], element: Element) -> Hidden | None:
    """Return what the kind of element hides by itself."""
    display = style.get("display", "")
    if element.tag == "noscript":
        return Hidden("noscript", element, "")
    if "hidden" in element.attributes and display in {"", "none"}:
        return Hidden("hidden-attribute", element, "hidden")
    above = element.parent
    if (
        above is not None
        and above.tag == "details"
        and "open" not in above.attributes
        and element.tag != "summary"
    ):
        return Hidden("details-closed", element, "")
    if element.tag == "dialog" and "open" not in element.attributes and display in {"", "none"}:
        return Hidden("dialog-closed", element, "")
    return None


def _by_declaration(style: dict[str, str], element: Element, opacity: float) -> Hidden | None:
    if style.get("display") == "none":
        return Hidden("display-none", element, "display:none")
    if opacity < _FAINT:
        return Hidden("opacity", element, f"opacity:{style.get('opacity', '')}")
    for name, argument in FUNCTION.findall(style.get("filter", "")):
        if name == "opacity" and _fraction(argument) < _FAINT:
            return Hidden("opacity", element, f"filter:{style['filter']}")
    if style.get("content-visibility") == "hidden" and has_box(style, element):
        return Hidden("content-visibility", element, "content-visibility:hidden")
    if style.get("mso-hide") == "all":
        return Hidden("mso-hide", element, "mso-hide:all")
    return None


def has_box(style: dict[str, str], element: Element) -> bool:
    """Whether widths, heights and overflow mean something to the element: not to lines of text and tables."""
    display = style.get("display", "")
    if style.get("position") in {"absolute", "fixed"} or style.get("float", "none") in {"left", "right"}:
        return True
    if display:
        return display not in {"inline", "contents"} and not display.startswith("table")
    return element.tag not in _INLINE and element.tag not in _GROWING


def _size(style: dict[str, str], element: Element, above: float) -> float:
    value = style.get("font-size", "")
    if not value:
        if element.tag == "font":
            return _FONT_ATTRIBUTE.get(element.attribute("size").strip(), above)
        return above
    if value in _KEYWORDS:
        return _KEYWORDS[value]
    if value in {"smaller", "larger"}:
        return above / 1.2 if value == "smaller" else above * 1.2
    length = length_of(value, above, above)
    return above if length is None or length < 0 else length


def _colour(style: dict[str, str], element: Element, above: Look) -> Rgba:
    for name in ("-webkit-text-fill-color", "color"):
        value = style.get(name, "")
        if value in {"inherit", "currentcolor"}:
            return above.colour
        if value and (found := colour_of(value)) is not None:
            return found
    if element.tag == "a" and element.attribute("href"):
        return above.link
    attribute = {"font": "color", "body": "text"}.get(element.tag, "")
    found = colour_attribute(element.attribute(attribute)) if attribute else None
    return found or above.colour


def _links_colour(element: Element, above: Look) -> Rgba:
    return (colour_attribute(element.attribute("link")) if element.tag == "body" else None) or above.link


def _zoom(style: dict[str, str]) -> float:
    """Return what a zoom makes of the element; zero makes nothing of it."""
    return min(_factor(style.get("zoom", "")) or 1.0, _LARGEST)


def _fraction(value: str) -> float:
    return min(1.0, max(0.0, _factor(value.strip())))


def _factor(value: str) -> float:
    """Return a number or a percentage, 1 for what is neither."""
    match = _NUMBER.match(value)
    return 1.0 if match is None else float(match[0]) / (100 if value.endswith("%") else 1)
