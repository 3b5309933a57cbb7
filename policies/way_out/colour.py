"""Colours of CSS, as they are written in style sheets and in attributes."""

import re
from functools import lru_cache

from tinycss2.color4 import Color, parse_color

Rgba = tuple[float, float, float, float]
"""Red, green, blue and how much of them covers: each 0 to 1."""

_HEX = re.compile(r"[0-9a-f]{3}(?:[0-9a-f]{3})?\Z")
# What browsers know beyond what is parsed here.
_SYSTEM = frozenset(
    {
        *("canvas", "canvastext", "linktext", "visitedtext", "activetext", "buttonface", "buttontext"),
        *("buttonborder", "field", "fieldtext", "highlight", "highlighttext", "selecteditem", "mark"),
        *("selecteditemtext", "marktext", "graytext", "accentcolor", "accentcolortext"),
        *("windowtext", "window", "-webkit-link", "-webkit-text"),
    }
)
_MIXED = re.compile(r"(?:color-mix|light-dark|contrast-color|device-cmyk)\(")


def is_colour(value: str) -> bool:
    """Whether browsers take a value for a colour, in lower case; also one that stands for another."""
    return value in _SYSTEM or _MIXED.match(value) is not None or _parsed(value) is not None


@lru_cache(maxsize=2048)
def colour_of(value: str) -> Rgba | None:
    """Read a colour; None for what is none, or stands for another element's."""
    colour = _parsed(value)
    if not isinstance(colour, Color):
        return None
    try:
        if colour.space != "srgb":
            colour = colour.to("srgb")
    except (ValueError, ArithmeticError, NotImplementedError):  # the last for lab() and its kin
        return None
    red, green, blue = [min(1.0, max(0.0, one or 0.0)) for one in colour.coordinates]
    return red, green, blue, min(1.0, max(0.0, colour.alpha))


def colour_attribute(value: str) -> Rgba | None:
    """Read a colour as attributes write it, where the number sign may be missing (HTML section 2.3.6)."""
    value = value.strip().lower()
    return colour_of(f"#{value}" if _HEX.match(value) else value)


def _parsed(value: str) -> Color | str | None:
    """Return a colour, "currentcolor", or None for what is none."""
    try:
        return parse_color(value)
    except (ValueError, ArithmeticError):
        return None
