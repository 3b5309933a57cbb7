"""Numbers and lengths of CSS, as far as they can be told without a layout (CSS Values 4 sections 5 and 6)."""

import re

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
"""An expression."""

_LENGTH = re.compile(rf"({NUMBER})([a-z%]*)\Z")
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "rem": 16.0}
_OF_FONT = {"em": 1.0, "ex": 0.5, "ch": 0.5, "lh": 1.2}


def length_of(value: str, em: float, whole: float) -> float | None:
    """Return a length in pixels, None for none. ``em``: the font's size, ``whole``: what 100 % are."""
    match = _LENGTH.match(value)
    return None if match is None else pixels(float(match[1]), match[2], em, whole)


def pixels(number: float, unit: str, em: float, whole: float) -> float | None:
    """Return what a number of some unit is in pixels, None for what is no length."""
    if unit in _PIXELS:
        return number * _PIXELS[unit]
    if unit in _OF_FONT:
        return number * _OF_FONT[unit] * em
    return number / 100 * whole if unit in {"%", "vw", "vh", "vmin", "vmax"} else None
