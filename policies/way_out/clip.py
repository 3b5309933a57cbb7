"""What cuts an element out of the page: ``clip`` and ``clip-path`` (CSS Masking 1)."""

import re
from collections.abc import Mapping

from policies.way_out.length import NUMBER

_NUMBER = re.compile(NUMBER)
SLIT = 4.0  # pixels: what is cut to less shows no letter
FUNCTION = re.compile(r"([a-z0-9-]+)\(([^()]*)\)")


def clipped_by(style: Mapping[str, str]) -> str:
    """Return the declaration that cuts an element to nothing, "" where none does."""
    if style.get("position") in {"absolute", "fixed"} and _clips_all(style.get("clip", "")):
        return f"clip:{style['clip']}"
    return f"clip-path:{style['clip-path']}" if _cuts_all(style.get("clip-path", "")) else ""


def _clips_all(clip: str) -> bool:
    for name, arguments in FUNCTION.findall(clip):
        edges = [float(one) for one in _NUMBER.findall(arguments)]
        if name == "rect" and len(edges) == 4:
            top, right, bottom, left = edges
            return right - left < SLIT or bottom - top < SLIT
    return False


def _cuts_all(path: str) -> bool:
    for name, arguments in FUNCTION.findall(path):
        numbers = [float(one) for one in _NUMBER.findall(arguments)]
        if name == "inset" and "%" in arguments and numbers and min(numbers) >= 50:
            return True
        if name in {"circle", "ellipse"} and numbers and numbers[0] == 0:
            return True
        if name == "polygon" and numbers and set(numbers) == {0.0}:
            return True
    return False
