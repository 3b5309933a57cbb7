"""Where a transform takes a box and how small it leaves it: matrices of CSS Transforms 1 and 2.

``placed`` composes ``translate``, ``rotate``, ``scale`` and ``transform`` in space and looks at the middle of
the box from the front. What depends on the size of the box itself (percentages of it, its origin) is left
out: only a layout knows that; so is a perspective of what it stands in, and ``calc()``. How it fails:
``NotOne`` for a value that is none, which browsers drop.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import cos, hypot, isfinite, pi, sin, sqrt, tan
from typing import NamedTuple

from policies.way_out.length import length_of

Matrix = tuple[tuple[float, ...], ...]
"""Four rows of four."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_ANGLE = re.compile(rf"({_NUMBER.pattern})(deg|turn|grad|rad)\Z")
_FUNCTIONS = re.compile(r"\s*([a-z0-9]+)\(([^()]*)\)\s*")
_RADIANS = {"deg": pi / 180, "turn": 2 * pi, "grad": pi / 200, "rad": 1.0}
_UNKNOWN = re.compile(r"[a-z-]+\(")  # calc() and its kin
_ONE: Matrix = tuple(tuple(float(row == column) for column in range(4)) for row in range(4))
_AXES = {"": (0.0, 0.0, 1.0), "x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
_MOST = 40  # functions in one value

PROPERTIES = ("transform", "translate", "rotate", "scale")
"""Those of ``placed``, in its order."""


class NotOne(ValueError):
    """No value of its property."""


class Placed(NamedTuple):
    """How far a box is moved to the right and down, in pixels, and to what part of its size it is brought."""

    right: float
    down: float
    size: float


class Screen(NamedTuple):
    """What lengths are measured by: the font's size and the screen's width, in pixels."""

    em: float
    width: float


@lru_cache(maxsize=512)
def placed(transform: str, translate: str, rotate: str, scale: str, by: Screen) -> Placed:
    """Return what these values do, "" for none; raise NotOne."""
    whole = _of_translate(translate, by)
    for next_one in (_of_rotate(rotate), _of_scale(scale), _of_transform(transform, by)):
        whole = _times(whole, next_one)
    near = whole[3][3]
    if near <= 0 or not all(isfinite(number) for row in whole for number in row):
        return Placed(0.0, 0.0, 0.0)  # behind who looks, or of no size that a screen has
    return Placed(whole[0][3] / near, whole[1][3] / near, _size(whole) / near)


def is_one(name: str, value: str) -> bool:
    """Whether ``transform``, ``translate``, ``rotate`` or ``scale`` takes a value."""
    values = [value if name == one else "" for one in PROPERTIES]
    try:
        placed(*values, by=Screen(16, 1024))
    except NotOne:
        return False
    return True


def _size(matrix: Matrix) -> float:
    """Return the least part of its size that a box has in any direction of the page."""
    (a, b, e), (c, d, f), (g, h, i) = [row[:3] for row in matrix[:3]]
    if a * (d * i - f * h) - b * (c * i - f * g) + e * (c * h - d * g) == 0:
        return 0.0  # CSS Transforms 1 section 12: what cannot be inverted is not shown
    squares, area = a * a + b * b + c * c + d * d, a * d - b * c
    return sqrt(max((squares - sqrt(max(squares * squares - 4 * area * area, 0.0))) / 2, 0.0))


def _times(left: Matrix, right: Matrix) -> Matrix:
    if right is _ONE:
        return left
    columns = tuple(zip(*right, strict=True))
    return tuple(
        tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in columns) for row in left
    )


# Values -----------------------------------------------------------------------------------------------------


def _length(word: str, by: Screen) -> float:
    if word.endswith("%") or _UNKNOWN.match(word):
        return 0.0
    length = length_of(word, by.em, by.width)
    if length is None or (length and word[-1].isdigit()):  # a number is no length but for zero
        raise NotOne(word)
    return length


def _number(word: str) -> float:
    if _UNKNOWN.match(word):
        return 1.0
    bare = word.removesuffix("%")
    if not _NUMBER.fullmatch(bare):
        raise NotOne(word)
    return float(bare) / (100 if bare != word else 1)


def _angle(word: str) -> float:
    angle = _ANGLE.match(word)
    if angle is not None:
        return float(angle[1]) * _RADIANS[angle[2]]
    if _UNKNOWN.match(word):
        return 0.0
    if not _NUMBER.fullmatch(word) or float(word):
        raise NotOne(word)
    return 0.0


# Properties -------------------------------------------------------------------------------------------------


def _words(value: str, most: int) -> list[str]:
    words = [] if value in {"", "none"} else re.findall(r"[^\s()]+(?:\((?:[^()]|\([^()]*\))*\))?", value)
    if len(words) > most:
        raise NotOne(value)
    return words


def _of_translate(value: str, by: Screen) -> Matrix:
    return _moved([_length(word, by) for word in _words(value, 3)])


def _of_scale(value: str) -> Matrix:
    factors = [_number(word) for word in _words(value, 3)]
    return _scaled(factors * 2 if len(factors) == 1 else factors)


def _of_rotate(value: str) -> Matrix:
    words = _words(value, 4)
    if not words:
        return _ONE
    turned = next(filter(_ANGLE.match, words), words[-1])
    words.remove(turned)
    axis = _AXES.get(" ".join(words)) or [_number(word) for word in words]
    if len(axis) != 3:
        raise NotOne(value)
    return _turned([*axis, _angle(turned)])


def _of_transform(value: str, by: Screen) -> Matrix:
    whole, at, functions = _ONE, 0, 0
    if value in {"", "none"}:
        return whole
    while at < len(value):
        function = _FUNCTIONS.match(value, at)
        functions += 1
        if function is None or functions > _MOST:
            if _UNKNOWN.search(value, at + 1):  # within brackets
                return _ONE
            raise NotOne(value)
        whole = _times(whole, _of_function(function[1], function[2], by))
        at = function.end()
    return whole


def _of_function(name: str, arguments: str, by: Screen) -> Matrix:
    if name not in _KINDS:
        raise NotOne(name)
    fewest, most, read, make = _KINDS[name]
    words = [word.strip() for word in arguments.split(",")]
    if not fewest <= len(words) <= most:
        raise NotOne(name)
    return make(read(words, by))


def _moved(lengths: Sequence[float]) -> Matrix:
    x, y, z = [*lengths, 0.0, 0.0, 0.0][:3]
    return (1.0, 0.0, 0.0, x), (0.0, 1.0, 0.0, y), (0.0, 0.0, 1.0, z), _ONE[3]


def _scaled(factors: Sequence[float]) -> Matrix:
    x, y, z = [*factors, 1.0, 1.0, 1.0][:3]
    return (x, 0.0, 0.0, 0.0), (0.0, y, 0.0, 0.0), (0.0, 0.0, z, 0.0), _ONE[3]


def _turned(turn: Sequence[float]) -> Matrix:
    """Rotate about a vector, by an angle in radians (section 14.2 of CSS Transforms 2)."""
    x, y, z, angle = turn
    length = hypot(x, y, z)
    if not length:
        return _ONE
    x, y, z = x / length, y / length, z / length
    c, s = cos(angle), sin(angle)
    t = 1 - c
    return (
        (t * x * x + c, t * x * y - s * z, t * x * z + s * y, 0.0),
        (t * x * y + s * z, t * y * y + c, t * y * z - s * x, 0.0),
        (t * x * z - s * y, t * y * z + s * x, t * z * z + c, 0.0),
        _ONE[3],
    )


def _skewed(angles: Sequence[float]) -> Matrix:
    x, y = [*angles, 0.0][:2]
    return (1.0, tan(x), 0.0, 0.0), (tan(y), 1.0, 0.0, 0.0), _ONE[2], _ONE[3]


def _seen_from(distance: Sequence[float]) -> Matrix:
    return (*_ONE[:3], (0.0, 0.0, -1 / max(distance[0], 1.0), 1.0))


def _of_six(numbers: Sequence[float]) -> Matrix:
    a, b, c, d, x, y = numbers
    return (a, c, 0.0, x), (b, d, 0.0, y), _ONE[2], _ONE[3]


def _of_sixteen(numbers: Sequence[float]) -> Matrix:
    return tuple(tuple(numbers[row::4]) for row in range(4))


_Read = Callable[[list[str], Screen], list[float]]


def _lengths(words: list[str], by: Screen) -> list[float]:
    return [_length(word, by) for word in words]


def _numbers(words: list[str], _: Screen) -> list[float]:
    return [_number(word) for word in words]


def _angles(words: list[str], _: Screen) -> list[float]:
    return [_angle(word) for word in words]


def _vector(words: list[str], _: Screen) -> list[float]:
    return [*[_number(word) for word in words[:3]], _angle(words[3])]


_KINDS: Mapping[str, tuple[int, int, _Read, Callable[[Sequence[float]], Matrix]]] = {
    "translate": (1, 2, _lengths, _moved),
    "translatex": (1, 1, _lengths, _moved),
    "translatey": (1, 1, _lengths, lambda one: _moved([0.0, *one])),
    "translatez": (1, 1, _lengths, lambda one: _moved([0.0, 0.0, *one])),
    "translate3d": (3, 3, _lengths, _moved),
    "scale": (1, 2, _numbers, lambda two: _scaled([two[0], two[-1]])),
    "scalex": (1, 1, _numbers, _scaled),
    "scaley": (1, 1, _numbers, lambda one: _scaled([1.0, *one])),
    "scalez": (1, 1, _numbers, lambda one: _scaled([1.0, 1.0, *one])),
    "scale3d": (3, 3, _numbers, _scaled),
    "rotate": (1, 1, _angles, lambda one: _turned([0.0, 0.0, 1.0, *one])),
    "rotatex": (1, 1, _angles, lambda one: _turned([1.0, 0.0, 0.0, *one])),
    "rotatey": (1, 1, _angles, lambda one: _turned([0.0, 1.0, 0.0, *one])),
    "rotatez": (1, 1, _angles, lambda one: _turned([0.0, 0.0, 1.0, *one])),
    "rotate3d": (4, 4, _vector, _turned),
    "skew": (1, 2, _angles, _skewed),
    "skewx": (1, 1, _angles, _skewed),
    "skewy": (1, 1, _angles, lambda one: _skewed([0.0, *one])),
    "matrix": (6, 6, _numbers, _of_six),
    "matrix3d": (16, 16, _numbers, _of_sixteen),
    "perspective": (1, 1, _lengths, _seen_from),
}
