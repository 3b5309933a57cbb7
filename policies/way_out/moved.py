"""What cuts an element out of the page, or moves, shrinks or turns it until nothing is left to be read.

``clip`` and ``clip-path`` (CSS Masking 1), ``transform`` and the properties of its own kinds (CSS Transforms
1 and 2), and ``zoom`` (CSS Viewport 1). What depends on the size of the element's own box is not judged: only
a layout knows that. Each function returns the declaration that does it, "" where none does.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from policies.way_out.declarations import length_of

FAR = 500.0  # pixels to the left or above: off every screen
SLIT = 4.0  # pixels: what is cut to less shows no letter
_SPECK = 0.1  # of its size: what is scaled to less shows no letter
_EDGE = 3.0  # degrees: what is turned to its edge by so much is a line

NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
FUNCTION = re.compile(r"([a-z0-9]+)\(([^()]*)\)")
_PARTING = re.compile(r"[\s,]+")
_AXIS = re.compile(r"(matrix|[a-z0-9]*?)(3d|[xyz]|)\Z")
_DEGREES = {"deg": 1.0, "turn": 360.0, "grad": 0.9, "rad": 57.29578}
_ANGLE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(deg|turn|grad|rad)\Z")
# The axes that lie in the page: turned about one of them, an element is seen from its edge.
_ACROSS = (["x"], ["y"], ["1", "0", "0"], ["0", "1", "0"])


def cut_by(style: Mapping[str, str]) -> str:
    """Say what cuts an element to nothing."""
    if style.get("position") in {"absolute", "fixed"} and _clips_all(style.get("clip", "")):
        return f"clip:{style['clip']}"
    return f"clip-path:{style['clip-path']}" if _cuts_all(style.get("clip-path", "")) else ""


def transformed_by(style: Mapping[str, str], em: float, width: float) -> str:
    """Say what takes a box away. ``em``: the font's size, ``width``: the screen's, both in pixels."""
    for name, value in _transforms(style):
        if _KINDS[name](_PARTING.split(value.strip()), em, width):
            declaration = name if name in style else "transform"
            return f"{declaration}:{style[declaration]}"
    return ""


def zoomed_by(style: Mapping[str, str]) -> str:
    """Say what shrinks an element, a box or not. Zero is no zoom at all."""
    return f"zoom:{style['zoom']}" if 0 < _factor(style.get("zoom", "")) < _SPECK else ""


def _transforms(style: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the single transforms as properties have them: ``rotateX(A)`` is to rotate about x by A."""
    for name in ("translate", "scale", "rotate"):
        if name in style:
            yield name, style[name]
    for function, arguments in FUNCTION.findall(style.get("transform", "")):
        kind, axis = _AXIS.findall(function)[0]
        if kind in _KINDS:
            yield kind, f"{axis} {arguments}" if kind == "rotate" and len(axis) == 1 else arguments


def _is_far(lengths: list[str], em: float, width: float) -> bool:
    for one in lengths:
        length = None if one.endswith("%") else length_of(one, em, width)
        if length is not None and length <= (-width if one.endswith("vw") else -FAR):
            return True
    return False


def _is_a_speck(factors: list[str], *_: float) -> bool:
    return any(abs(_factor(one)) < _SPECK for one in factors)


def _is_an_edge(words: list[str], *_: float) -> bool:
    angle = _ANGLE.match(words[-1])
    if angle is None or words[:-1] not in _ACROSS:
        return False
    return abs(float(angle[1]) * _DEGREES[angle[2]] % 180 - 90) < _EDGE


def _is_degenerate(numbers: list[str], *_: float) -> bool:
    """Whether a matrix of six leaves no area, or moves it away."""
    try:
        a, b, c, d, x, y = map(float, numbers)
    except ValueError:
        return False
    return abs(a * d - b * c) < _SPECK**2 or min(x, y) <= -FAR


_KINDS: Mapping[str, Callable[[list[str], float, float], bool]] = {
    "translate": _is_far,
    "scale": _is_a_speck,
    "rotate": _is_an_edge,
    "matrix": _is_degenerate,
}


def _factor(value: str) -> float:
    match = NUMBER.match(value)
    return 1.0 if match is None else float(match[0]) / (100 if value.endswith("%") else 1)


def _clips_all(clip: str) -> bool:
    for name, arguments in FUNCTION.findall(clip):
        edges = [float(one) for one in NUMBER.findall(arguments)]
        if name == "rect" and len(edges) == 4:
            top, right, bottom, left = edges
            return right - left < SLIT or bottom - top < SLIT
    return False


def _cuts_all(path: str) -> bool:
    for name, arguments in FUNCTION.findall(path):
        numbers = [float(one) for one in NUMBER.findall(arguments)]
        if name == "inset" and "%" in arguments and numbers and min(numbers) >= 50:
            return True
        if name in {"circle", "ellipse"} and numbers and numbers[0] == 0:
            return True
        if name == "polygon" and numbers and set(numbers) == {0.0}:
            return True
    return False
