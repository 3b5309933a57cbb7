"""Where a transform takes a box and how small it leaves it: matrices of CSS Transforms 1 and 2.

``placed`` composes ``translate``, ``rotate``, ``scale`` and ``transform`` in space and looks at the middle of
the box from the front. What depends on the size of the box itself (percentages of it, its origin) is left
out: only a layout knows that; so is a perspective of what it stands in, and ``calc()``. How it fails:
``NotOne`` for a value that is none, which browsers drop; ``Doubtful`` for one of too many functions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import cos, hypot, isfinite, pi, sin, sqrt, tan
from typing import NamedTuple

from tinycss2 import parse_component_value_list
from tinycss2.ast import Node

from policies.way_out.doubtful import Doubtful
from policies.way_out.length import pixels

Matrix = tuple[tuple[float, ...], ...]
"""Four rows of four."""

_ONE: Matrix = tuple(tuple(float(row == column) for column in range(4)) for row in range(4))
_RADIANS = {"deg": pi / 180, "turn": 2 * pi, "grad": pi / 200, "rad": 1.0}
_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
_MOST = 40  # functions in one value
_LARGEST = 1e6  # number: browsers have a limit too, and products of these are finite

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
    """Return what these values do, "" for none; raise NotOne, Doubtful."""
    whole = _of_translate(_tokens(translate), by)
    for next_one in (
        _of_rotate(_tokens(rotate)),
        _of_scale(_tokens(scale)),
        _of_transform(_tokens(transform), by),
    ):
        whole = _times(whole, next_one)
    near = whole[3][3]
    size = _size(whole) / near if near > 0 else 0.0  # what is behind who looks is not seen
    if not isfinite(size):  # nor what is larger than any screen
        return Placed(0.0, 0.0, 0.0)
    return Placed(whole[0][3] / (near or 1.0), whole[1][3] / (near or 1.0), size)


def is_one(name: str, value: str) -> bool:
    """Whether one of ``PROPERTIES`` takes a value; raise Doubtful."""
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


def _tokens(value: str) -> list[Node]:
    return [] if value == "none" else _meant(parse_component_value_list(value))


def _meant(tokens: Iterable[Node]) -> list[Node]:
    return [one for one in tokens if one.type not in {"whitespace", "comment"}]


def _length(token: Node, by: Screen) -> float:
    match token.type:
        case "percentage" | "function":
            return 0.0
        case "dimension":
            length = pixels(_bounded(token.value), token.lower_unit, by.em, by.width)
        case _:
            length = 0.0 if token.type == "number" and not token.value else None
    if length is None:
        raise NotOne
    return length


def _number(token: Node) -> float:
    match token.type:
        case "number":
            return _bounded(token.value)
        case "percentage":
            return _bounded(token.value) / 100
        case "function":
            return 1.0
        case _:
            raise NotOne


def _angle(token: Node) -> float:
    match token.type:
        case "dimension" if token.lower_unit in _RADIANS:
            return _bounded(token.value) * _RADIANS[token.lower_unit]
        case "function":
            return 0.0
        case "number" if not token.value:
            return 0.0
        case _:
            raise NotOne


def _bounded(number: float) -> float:
    return min(max(number, -_LARGEST), _LARGEST)


# Properties -------------------------------------------------------------------------------------------------


def _of_translate(tokens: Sequence[Node], by: Screen) -> Matrix:
    return _moved(_of_three([_length(token, by) for token in tokens]))


def _of_scale(tokens: Sequence[Node]) -> Matrix:
    factors = _of_three([_number(token) for token in tokens])
    return _scaled(factors * 2 if len(factors) == 1 else factors)


def _of_three(numbers: list[float]) -> list[float]:
    if len(numbers) > 3:
        raise NotOne
    return numbers


def _of_rotate(tokens: list[Node]) -> Matrix:
    if not tokens:
        return _ONE
    # The angle may stand on either side of the axis.
    turned = next((one for one in tokens if one.type == "dimension"), tokens[-1])
    tokens.remove(turned)
    match [token.type for token in tokens]:
        case []:
            axis = _AXES["z"]
        case ["ident"] if tokens[0].lower_value in _AXES:
            axis = _AXES[tokens[0].lower_value]
        case [_, _, _]:
            x, y, z = map(_number, tokens)
            axis = x, y, z
        case _:
            raise NotOne
    return _turned([*axis, _angle(turned)])


def _of_transform(tokens: Sequence[Node], by: Screen) -> Matrix:
    if len(tokens) > _MOST:
        raise Doubtful("too many transforms")
    whole = _ONE
    for token in tokens:
        if token.type != "function" or token.lower_name not in _KINDS:
            raise NotOne
        counts, read, make = _KINDS[token.lower_name]
        arguments = _meant(token.arguments)
        if len(arguments[::2]) not in counts or any(one != "," for one in arguments[1::2]):
            raise NotOne
        whole = _times(whole, make(read(arguments[::2], by)))
    return whole


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


def _lengths(tokens: Sequence[Node], by: Screen) -> list[float]:
    return [_length(token, by) for token in tokens]


def _numbers(tokens: Sequence[Node], _: Screen) -> list[float]:
    return [_number(token) for token in tokens]


def _angles(tokens: Sequence[Node], _: Screen) -> list[float]:
    return [_angle(token) for token in tokens]


def _vector(tokens: Sequence[Node], _: Screen) -> list[float]:
    return [*[_number(token) for token in tokens[:3]], _angle(tokens[3])]


_Kind = tuple[
    Sequence[int], Callable[[Sequence[Node], Screen], list[float]], Callable[[Sequence[float]], Matrix]
]
"""How many arguments a function has, what reads them, and what makes a matrix of them."""

_KINDS: Mapping[str, _Kind] = {
    "translate": ((1, 2), _lengths, _moved),
    "translatex": ((1,), _lengths, _moved),
    "translatey": ((1,), _lengths, lambda one: _moved([0.0, *one])),
    "translatez": ((1,), _lengths, lambda one: _moved([0.0, 0.0, *one])),
    "translate3d": ((3,), _lengths, _moved),
    "scale": ((1, 2), _numbers, lambda two: _scaled([two[0], two[-1]])),
    "scalex": ((1,), _numbers, _scaled),
    "scaley": ((1,), _numbers, lambda one: _scaled([1.0, *one])),
    "scalez": ((1,), _numbers, lambda one: _scaled([1.0, 1.0, *one])),
    "scale3d": ((3,), _numbers, _scaled),
    "rotate": ((1,), _angles, lambda one: _turned([*_AXES["z"], *one])),
    "rotatex": ((1,), _angles, lambda one: _turned([*_AXES["x"], *one])),
    "rotatey": ((1,), _angles, lambda one: _turned([*_AXES["y"], *one])),
    "rotatez": ((1,), _angles, lambda one: _turned([*_AXES["z"], *one])),
    "rotate3d": ((4,), _vector, _turned),
    "skew": ((1, 2), _angles, _skewed),
    "skewx": ((1,), _angles, _skewed),
    "skewy": ((1,), _angles, lambda one: _skewed([0.0, *one])),
    "matrix": ((6,), _numbers, _of_six),
    "matrix3d": ((16,), _numbers, _of_sixteen),
    "perspective": ((1,), _lengths, _seen_from),
}
