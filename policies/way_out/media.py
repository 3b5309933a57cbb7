"""Whether a media query holds: on a wide screen, and on a phone's. Print and dark mode are neither.

A way out that only one of the two shows is none on the other, so a text is looked at in both views. What a
query asks that is not known here does not hold, as in browsers (Media Queries 4 section 3.2).
"""

import re
from typing import NamedTuple

from policies.way_out.length import length_of


class View(NamedTuple):
    """A screen: its size in CSS pixels, and device pixels for each of them."""

    name: str
    width: int
    height: int
    density: float
    hovers: str  # "hover" for a mouse, "none" for a finger


WIDE = View("wide", 1024, 768, 1.0, "hover")
NARROW = View("narrow", 375, 667, 2.0, "none")
VIEWS = (WIDE, NARROW)

_PARTS = re.compile(r"\s+and\s+")
_RANGE = re.compile(r"(?:(.+?)\s*(<=?|>=?|=)\s*)?((?:device-)?(?:width|height))(?:\s*(<=?|>=?|=)\s*(.+))?\Z")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
_RATIO = re.compile(r"(?:-webkit-)?(min-|max-|)(?:device-pixel-ratio|resolution)\Z")
_DENSITY = re.compile(r"([\d.]+)(dpi|dppx|x|)\Z")


def holds(queries: str, view: View) -> bool:
    """Whether a list of media queries holds in a view; an empty list does."""
    queries = queries.strip().lower()
    return not queries or any(_query(query.strip(), view) for query in queries.split(","))


def _query(query: str, view: View) -> bool:
    wanted = True
    if query.startswith("not ") and "(" not in query[:5]:
        query, wanted = query[4:], False
    parts = _PARTS.split(query.removeprefix("only ").strip())
    return all(_part(part.strip(), view) for part in parts) == wanted


def _part(part: str, view: View) -> bool:
    if part.startswith("not"):
        return not _part(part[3:].strip(), view)
    if not part.startswith("("):
        return part in {"all", "screen"}
    if " or " in part:
        return any(_part(one.strip(), view) for one in part.split(" or "))
    return _feature(part.strip("() \t\r\n"), view)


def _feature(feature: str, view: View) -> bool:
    name, colon, value = [piece.strip() for piece in feature.partition(":")]
    if not colon:
        return (
            _in_range(feature, view) if re.search("[<>=]", feature) else name in {"width", "height", "color"}
        )
    known = {
        "prefers-color-scheme": "light",
        "prefers-reduced-motion": "no-preference",
        "orientation": "landscape" if view.width > view.height else "portrait",
        "hover": view.hovers,
        "any-hover": view.hovers,
        "pointer": "fine" if view is WIDE else "coarse",
    }
    if name in known:
        return known[name] == value
    if (ratio := _RATIO.match(name)) is not None:
        return _dense(ratio[1], value, view)
    bound, _, size = name.replace("device-", "").rpartition("-")
    relation = {"min": ">=", "max": "<=", "": "="}.get(bound)
    return relation is not None and size in {"width", "height"} and _compared(view, size, relation, value)


def _in_range(feature: str, view: View) -> bool:
    match = _RANGE.match(feature)
    if match is None:
        return False
    size = match[3].removeprefix("device-")
    left = match[2] is None or _compared(view, size, _MIRRORED[match[2]], match[1].strip())
    return left and (match[4] is None or _compared(view, size, match[4], match[5].strip()))


def _compared(view: View, size: str, relation: str, value: str) -> bool:
    length = length_of(value, 16, 0)
    if length is None:
        return False
    is_size = view.width if size == "width" else view.height
    return _relation(is_size, relation, length)


def _relation(left: float, relation: str, right: float) -> bool:
    match relation:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case _:
            return left == right


def _dense(bound: str, value: str, view: View) -> bool:
    match = _DENSITY.match(value)
    if match is None or not match[1].strip("."):
        return False
    wanted = float(match[1]) / (96 if match[2] == "dpi" else 1)
    return _relation(view.density, {"min-": ">=", "max-": "<=", "": "="}[bound], wanted)
