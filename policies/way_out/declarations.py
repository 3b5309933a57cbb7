"""What a style says about whether its element can be seen: declarations of CSS, as far as that goes.

``declared`` reads a style attribute, ``of_tokens`` a block of a style sheet; both give long-hand names with
lower-case values, and leave out everything that hides nothing. Shorthands are taken apart. What is too deep
to be read is ``Doubtful``. Nothing else fails: what cannot be read is left out, as browsers do (CSS Syntax
section 2.2).
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import tinycss2
from tinycss2.ast import Declaration, Node
from tinycss2.color4 import Color, parse_color

KEPT = frozenset(
    {
        *("display", "visibility", "opacity", "filter", "content-visibility", "pointer-events", "mso-hide"),
        *("color", "-webkit-text-fill-color", "background-color", "background-image"),
        *("font-size", "text-indent", "float", "position", "transform", "clip", "clip-path"),
        *("left", "top", "right", "bottom", "margin-left", "margin-top"),
        *("width", "height", "max-width", "max-height", "min-width", "min-height", "overflow"),
    }
)
_SHORTHANDS = frozenset({"background", "font", "margin", "inset", "overflow-x", "overflow-y"})
_WANTED = KEPT | _SHORTHANDS
_LONGEST = 4096  # characters of one style attribute
_QUOTED = re.compile(r"'[^'\\]*'|\"[^\"\\]*\"")
# Where a semicolon or a colon may be no end: only the real tokenizer knows.
_INTRICATE = re.compile(r"[\\'\"{}\[@]|/\*|\([^)]*;")
_IMPORTANT = re.compile(r"\s*!\s*important\s*\Z")
_FONT_SIZE = re.compile(
    r"(?:^|\s)([+]?[\d.]+(?:px|pt|pc|em|rem|ex|ch|%|in|cm|mm|vw|vh)?|(?:x{1,2}-|xxx-)?(?:small|large)|medium|smaller|larger)"
    r"(?:\s*/\s*[\w.%]+)?\s+\S"
)


class Doubtful(Exception):
    """What would take too long to find out; the message says what."""


class Declared(NamedTuple):
    """One declaration. ``important`` is what ``!important`` makes of it."""

    name: str
    value: str
    important: bool


def declared(style: str) -> tuple[Declared, ...]:
    """Return what a style attribute declares."""
    return _remembered(style[:_LONGEST])


@lru_cache(maxsize=2048)
def _remembered(style: str) -> tuple[Declared, ...]:
    plain = _QUOTED.sub("''", style) if "'" in style or '"' in style else style
    if _INTRICATE.search(plain.replace("''", "")):
        try:
            return of_tokens(style)
        except RecursionError:  # brackets within brackets
            raise Doubtful("a style too deep") from None
    return tuple(_plainly(plain.lower()))


def _plainly(style: str) -> Iterator[Declared]:
    for one in style.split(";"):
        name, colon, value = one.partition(":")
        if colon and (name := name.strip()) in _WANTED:
            bare = _IMPORTANT.sub("", value).strip()
            yield from _long_hand(name, bare, "!" in value)


def of_tokens(content: str | Iterable[Node]) -> tuple[Declared, ...]:
    """Return what a block declares, read by a real tokenizer."""
    found: list[Declared] = []
    for one in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if isinstance(one, Declaration) and one.lower_name in _WANTED:
            value = tinycss2.serialize([token for token in one.value if token.type != "comment"])
            found += _long_hand(one.lower_name, value.strip().lower(), bool(one.important))
    return tuple(found)


def _long_hand(name: str, value: str, important: bool) -> Iterator[Declared]:  # noqa: FBT001 - part of the value
    match name:
        case "background":
            picture = "url" if "url(" in value or "gradient(" in value or "image" in value else "none"
            yield Declared("background-color", _colour_within(value), important)
            yield Declared("background-image", picture, important)
        case "font":
            size = _FONT_SIZE.search(value)
            if size is not None:
                yield Declared("font-size", size[1], important)
        case "margin" | "inset":
            sides = value.split()
            names = ("margin-top", "margin-left") if name == "margin" else ("top", "left")
            if 0 < len(sides) <= 4:
                yield Declared(names[0], sides[0], important)
                yield Declared(names[1], sides[(0, 0, 1, 1, 3)[len(sides)]], important)
        case "overflow-x" | "overflow-y":
            yield Declared("overflow", value, important)
        case _:
            yield Declared(name, value, important)


def _colour_within(value: str) -> str:
    """Return the colour in a ``background`` shorthand; its initial value where it names none."""
    for word in re.findall(r"[a-z-]+\([^()]*\)|[^\s,/()]+", value):
        if not word.startswith(("url", "linear", "radial")) and colour_of(word) is not None:
            return str(word)
    return "transparent"


Rgba = tuple[float, float, float, float]
"""Red, green, blue and how much of them covers: each 0 to 1."""


@lru_cache(maxsize=2048)
def colour_of(value: str) -> Rgba | None:
    """Read a colour; None for what is none, or stands for another element's."""
    try:
        colour = parse_color(value)
        if not isinstance(colour, Color):
            return None
        if colour.space != "srgb":
            colour = colour.to("srgb")
    except (ValueError, ArithmeticError, NotImplementedError):  # the last for lab() and its kin
        return None
    red, green, blue = [min(1.0, max(0.0, one or 0.0)) for one in colour.coordinates]
    return red, green, blue, min(1.0, max(0.0, colour.alpha))


_HEX = re.compile(r"[0-9a-f]{3}(?:[0-9a-f]{3})?\Z")


def colour_attribute(value: str) -> Rgba | None:
    """Read a colour as attributes write it, where the number sign may be missing (HTML section 2.3.6)."""
    value = value.strip().lower()
    return colour_of(f"#{value}" if _HEX.match(value) else value)


_LENGTH = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z%]*)\Z")
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "rem": 16.0}
_OF_FONT = {"em": 1.0, "ex": 0.5, "ch": 0.5, "lh": 1.2}


def length_of(value: str, em: float, whole: float) -> float | None:
    """Return a length in pixels, None for none. ``em``: the font's size, ``whole``: what 100 % are."""
    match = _LENGTH.match(value)
    if match is None:
        return None
    number, unit = float(match[1]), match[2]
    if unit in _PIXELS:
        return number * _PIXELS[unit]
    if unit in _OF_FONT:
        return number * _OF_FONT[unit] * em
    return number / 100 * whole if unit in {"%", "vw", "vh", "vmin", "vmax"} else None
