"""What letters stand on: the colours below them, as far as they can be told.

A ground is all the colours that it may have: one, or the stops of a gradient, each seen on what lies below
where it lets through. An image is never looked at. Where it has a colour below it, that is what a reader with
images off sees, and what counts; where it has none, the ground is unknown, and nothing is said about it.
"""

import re
from collections.abc import Mapping

from policies.way_out.colour import Rgba, colour_attribute, colour_of
from policies.way_out.contrast import over
from policies.way_out.element import Element

Ground = tuple[Rgba, ...]
"""Colours that hide what is below; none where they are unknown."""

UNKNOWN: Ground = ()
_MOST = 16  # colours of one ground
_LAYER = re.compile(r"(?:[^(),]++|\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+\))++")
_GRADIENT = re.compile(r"(?:-webkit-)?(?:repeating-)?(?:linear|radial|conic)-gradient\((.*)\)", re.DOTALL)
_WORD = re.compile(r"[a-z-]+\([^()]*\)|[^\s,/()]+")
_NO_IMAGE = frozenset({"none", "initial", "inherit", "unset"})


def ground(style: Mapping[str, str], element: Element, above: Ground) -> Ground:
    """Return what the element's text stands on. ``above``: what the element itself stands on."""
    colour = colour_of(style["background-color"]) if "background-color" in style else None
    if "background-color" not in style and "bgcolor" in element.attributes:
        colour = colour_attribute(element.attribute("bgcolor"))
    image = style.get("background-image", "url" if "background" in element.attributes else "none")
    below = above if colour is None or colour[3] == 0 else _on(colour, above)
    if image in _NO_IMAGE:
        return below
    has_colour = colour is not None and colour[3] == 1
    for layer in reversed(_LAYER.findall(image)):
        stops = _stops(layer)
        if stops:
            below = tuple(dict.fromkeys([one for stop in stops for one in _on(stop, below)]))[:_MOST]
        elif layer.strip() not in _NO_IMAGE and not has_colour:
            below = UNKNOWN
    return below


def is_opaque(style: Mapping[str, str], element: Element) -> bool:
    """Whether an element's own ground hides what lies below it."""
    return ground(style, element, UNKNOWN) != UNKNOWN


def _on(colour: Rgba, below: Ground) -> Ground:
    return (colour,) if colour[3] == 1 else tuple([over(colour, one) for one in below])


def _stops(layer: str) -> list[Rgba]:
    gradient = _GRADIENT.search(layer)
    found = [colour_of(word) for word in _WORD.findall(gradient[1])] if gradient else []
    return [colour for colour in found if colour is not None][:_MOST]
