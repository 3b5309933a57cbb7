"""Colours as they are seen: one over another, and whether letters of one can be read on another."""

from functools import lru_cache

from policies.way_out.colour import Rgba

_NEAR_CONTRAST = 1.25  # WCAG's ratio: 1 is none, its own minimum for text is 4.5
_NEAR_DISTANCE = 0.2  # between two colours, of at most 1.73: as bright, but another colour, can be seen


def over(top: Rgba, ground: Rgba) -> Rgba:
    """Return what a colour that lets through looks like on a ground that does not."""
    share = top[3]
    red, green, blue = [a * share + b * (1 - share) for a, b in zip(top[:3], ground[:3], strict=True)]
    return red, green, blue, 1.0


@lru_cache(maxsize=1024)
def alike(one: Rgba, other: Rgba) -> bool:
    """Whether two colours are equal or so near that letters of one are not read on the other."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    distance = sum([(a - b) ** 2 for a, b in zip(one[:3], other[:3], strict=True)]) ** 0.5
    return (lighter + 0.05) / (darker + 0.05) < _NEAR_CONTRAST and distance < _NEAR_DISTANCE


def _luminance(colour: Rgba) -> float:
    """Return the relative luminance, WCAG 2.2."""
    red, green, blue = [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in colour[:3]
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def named(colour: Rgba) -> str:
    """Write a colour for people."""
    red, green, blue = [round(one * 255) for one in colour[:3]]
    return f"#{red:02x}{green:02x}{blue:02x}" + ("" if colour[3] == 1 else f" at {colour[3]:g}")
