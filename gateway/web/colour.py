"""An account's colour, made fit to be read. Pure.

What it promises: whatever colour comes in, text on it and text in it on the page's paper have a contrast of
at least 4.5 to 1 (WCAG 2.2, 1.4.3), in light and in dark: the colour is mixed with black or white for as
long as that takes, and keeps its hue. A colour that is good already is taken as it is.
"""

import re
from functools import lru_cache

COLOUR = re.compile(r"#[0-9a-f]{6}\Z")
LEAST = 4.5
LIGHT_PAPER, DARK_PAPER = "#faf8f4", "#15181b"  # as in page.css; a test holds the two together
_BLACK, _WHITE = "#000000", "#ffffff"
_STEPS = 50

_Channels = tuple[int, int, int]


@lru_cache(maxsize=1024)
def brand_style(colour: str) -> str:
    """Return the style sheet that puts a colour (``#rrggbb``) in the place of the page's own."""
    light, dark = readable(colour, LIGHT_PAPER, _BLACK), readable(colour, DARK_PAPER, _WHITE)
    return (
        f":root {{ {_roles(light, _BLACK)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_roles(dark, _WHITE)} }} }}"
    )


def readable(colour: str, paper: str, towards: str) -> str:
    """Return the colour, mixed with ``towards`` until it can be read on the paper."""
    return next(
        mixed
        for step in range(_STEPS + 1)
        if contrast(mixed := mix(colour, towards, step / _STEPS), paper) >= LEAST
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, the definition of contrast ratio)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Return ``one`` with that share of ``other`` in it."""
    mixed = (round(a + (b - a) * share) for a, b in zip(_channels(one), _channels(other), strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _roles(act: str, away: str) -> str:
    """``away``: where the colour goes when the pointer is over it, further from the paper."""
    over = mix(act, away, 0.25)
    on = max((_BLACK, _WHITE), key=lambda ink: contrast(ink, act))
    return f"--act: {act}; --act-over: {over}; --on-act: {on};"


def _channels(colour: str) -> _Channels:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
