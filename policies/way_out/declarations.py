"""What a style says about whether its element can be seen: declarations of CSS, as far as that goes.

``declared`` reads a style attribute, ``of_tokens`` a block of a style sheet; both give long-hand names with
lower-case values, and leave out everything that hides nothing. Shorthands are taken apart. Custom properties
come as they are written, and what asks for one waits under ``WAITING`` until an element is known. What is
too deep to be read is ``Doubtful``. Nothing else fails: what cannot be read is left out, as browsers do (CSS
Syntax section 2.2).
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import tinycss2
from tinycss2.ast import Declaration, Node

from policies.way_out.colour import colour_of
from policies.way_out.doubtful import Doubtful
from policies.way_out.grammar import is_taken

KEPT = frozenset(
    {
        *("all", "display", "visibility", "opacity", "filter", "content-visibility"),
        *("pointer-events", "mso-hide", "z-index"),
        *("color", "-webkit-text-fill-color", "background-color", "background-image"),
        *("font-size", "text-indent", "float", "position", "clip", "clip-path"),
        *("transform", "translate", "scale", "rotate", "zoom"),
        *("left", "top", "right", "bottom", "margin-left", "margin-top"),
        *("width", "height", "max-width", "max-height", "min-width", "min-height", "overflow"),
    }
)
CUSTOM = WAITING = "--"
"""What the names of custom properties begin with; and, alone, the name of a declaration with ``var()``."""
_SHORTHANDS = frozenset({"background", "font", "margin", "inset", "overflow-x", "overflow-y"})
# As browsers of old wrote them, and those of today still read.
_ALIASES = {f"-webkit-{name}": name for name in ("transform", "filter", "clip-path")}
_WANTED = KEPT | _SHORTHANDS | _ALIASES.keys()
# What they set, in the order in which they name it. Of margins only what moves an element up or to the left.
_SETS = {
    "background": ("background-color", "background-image"),
    "font": ("font-size",),
    "margin": ("margin-top", "margin-left"),
    "inset": ("top", "left", "right", "bottom"),
    "overflow-x": ("overflow",),
    "overflow-y": ("overflow",),
}
# Which of one to four values is meant for above, left, right and below.
_SIDES = ((0, 0, 0, 0, 0), (0, 0, 1, 1, 3), (0, 0, 1, 1, 1), (0, 0, 0, 2, 2))
_ASKS = re.compile(r"var\(", re.IGNORECASE)
_ASKS_NOBODY = re.compile(r"var\((?!\s*--)", re.IGNORECASE)  # no declaration at all
_PICTURE = re.compile(
    r"[a-z-]*(?:gradient|url|image|image-set|element|cross-fade|paint)"
    r"\((?:[^()]++|\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+\))*+\)"
)
_LONGEST = 4096  # characters of one style attribute
_QUOTED = re.compile(r"'[^'\\]*'|\"[^\"\\]*\"")
# Where a semicolon or a colon may be no end: only the real tokenizer knows.
_INTRICATE = re.compile(r"[\\'\"{}\[@]|/\*|\([^)]*;|--|var\(", re.IGNORECASE)
_IMPORTANT = re.compile(r"\s*!\s*important\s*\Z")
_FONT_SIZE = re.compile(
    r"(?:^|\s)([+]?[\d.]+(?:px|pt|pc|em|rem|ex|ch|%|in|cm|mm|vw|vh)?|(?:x{1,2}-|xxx-)?(?:small|large)|medium|smaller|larger)"
    r"(?:\s*/\s*[\w.%]+)?\s+\S"
)


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
    try:
        if _INTRICATE.search(plain.replace("''", "")):
            return of_tokens(style)
        return tuple(_plainly(plain.lower()))
    except RecursionError:  # brackets within brackets
        raise Doubtful("a style too deep") from None


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
        if not isinstance(one, Declaration) or not (one.lower_name in _WANTED or one.name.startswith(CUSTOM)):
            continue
        value = tinycss2.serialize([token for token in one.value if token.type != "comment"]).strip()
        if one.name.startswith(CUSTOM):
            found.append(Declared(one.name, value, bool(one.important)))
        elif _ASKS.search(value):
            if not _ASKS_NOBODY.search(value):
                found.append(Declared(WAITING, f"{one.lower_name}:{value}", bool(one.important)))
        else:
            found += _long_hand(one.lower_name, value.lower(), bool(one.important))
    return tuple(found)


def waiting(declaration: str, value: str | None) -> dict[str, str]:
    """Return what a declaration that waited sets, now that its value is known.

    An empty value is that of a property which nobody has set: what becomes of all where ``value`` is None.
    """
    name, _, _ = declaration.partition(":")
    unset = dict.fromkeys(_SETS.get(name, (name,)), "")
    return (
        unset
        if value is None
        else unset | {one.name: one.value for one in _long_hand(name, value.lower(), False)}
    )


def _long_hand(name: str, value: str, important: bool) -> Iterator[Declared]:  # noqa: FBT001 - part of the value
    """Yield what a declaration sets, but for what no browser takes."""
    return (one for one in _taken_apart(name, value, important) if is_taken(one.name, one.value))


def _taken_apart(name: str, value: str, important: bool) -> Iterator[Declared]:  # noqa: FBT001 - as above
    match name:
        case "background":
            pictures = _PICTURE.findall(value)
            yield Declared("background-color", _colour_within(_PICTURE.sub(" ", value)), important)
            yield Declared("background-image", ",".join(pictures) or "none", important)
        case "font":
            size = _FONT_SIZE.search(value)
            if size is not None:
                yield Declared("font-size", size[1], important)
        case "margin" | "inset":
            sides = value.split()
            for long_hand, places in zip(_SETS[name], _SIDES, strict=False):
                if 0 < len(sides) <= 4:
                    yield Declared(long_hand, sides[places[len(sides)]], important)
        case "overflow-x" | "overflow-y":
            yield Declared("overflow", value, important)
        case _:
            yield Declared(_ALIASES.get(name, name), value, important)


def _colour_within(value: str) -> str:
    """Return the colour in a ``background`` shorthand; its initial value where it names none."""
    words = re.findall(r"[a-z-]+\([^()]*\)|[^\s,/()]+", value)
    return next((word for word in words if colour_of(word) is not None), "transparent")
