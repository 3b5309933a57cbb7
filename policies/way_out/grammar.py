"""Whether a browser takes a value for a property: what it does not take, it drops (CSS Syntax section 2.2).

That matters where a declaration stands before another one: of ``display:none;display:foo`` the first counts.
Only the properties of ``declarations`` are known. What calls a function for a length or a colour is taken as
it is, whatever stands within.
"""

import re
from collections.abc import Mapping

from policies.way_out.colour import is_colour
from policies.way_out.length import NUMBER
from policies.way_out.transform import PROPERTIES, is_one

_EVERYWHERE = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
_SIZES = r"|(?:max|min|fit)-content|stretch|-webkit-fill-available|-moz-available"
# What a page in quirks mode, as most newsletters are, takes for pixels too.
_LENGTH = rf"{NUMBER}(?:%|[a-z]+)?|(?:-[a-z]+-)?[a-z]+\(.*\)"
_FUNCTIONS = r"(?:[a-z-]++\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+\)\s*+)++"
_BOX = r"(?:(?:border|padding|content|margin|fill|stroke|view)-box\s*)?"
_DISPLAY = (
    r"none|contents|inline|block|flow-root|list-item|run-in|math|(?:-webkit-)?(?:inline-)?(?:box|flex|grid)"
    r"|inline-block|(?:inline-)?table|table-(?:row|cell|column|caption|(?:row|header|footer|column)-group)"
    r"|ruby(?:-[a-z-]+)?|(?:block|inline)\s+(?:flow|flow-root|table|flex|grid|ruby|math)"
)
_MARGIN = rf"auto|{_LENGTH}"
_SIDE = rf"auto|none|{_LENGTH}{_SIZES}"

_VALUES: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"(?:{value})\Z", re.DOTALL)
    for names, value in (
        ("all", r"(?!)"),  # nothing of its own
        ("display", _DISPLAY),
        ("visibility", r"visible|hidden|collapse"),
        ("opacity", rf"{NUMBER}%?|[a-z]+\(.*\)"),
        ("filter", rf"none|{_FUNCTIONS}"),
        ("content-visibility", r"visible|auto|hidden"),
        ("pointer-events", r"auto|none|all|painted|fill|stroke|bounding-box|visible(?:painted|fill|stroke)?"),
        ("mso-hide", r".*"),
        ("z-index", r"auto|[+-]?\d+|[a-z]+\(.*\)"),
        ("background-image", r"none|.*\(.*"),
        (
            "font-size",
            rf"(?:x{{1,2}}-|xxx-)?(?:small|large)|medium|smaller|larger|math|(?!-){_LENGTH}",
        ),
        ("text-indent", rf"(?:{_LENGTH})(?:\s+(?:hanging|each-line))*"),
        ("float", r"left|right|none|inline-start|inline-end"),
        ("position", r"static|relative|absolute|fixed|(?:-webkit-)?sticky"),
        ("clip", r"auto|rect\(.*\)"),
        ("clip-path", rf"none|{_BOX}{_FUNCTIONS}{_BOX}|{_BOX}"),
        ("zoom", rf"normal|reset|(?!-){NUMBER}%?|[a-z]+\(.*\)"),
        ("left top right bottom margin-left margin-top", _MARGIN),
        ("width height max-width max-height min-width min-height", _SIDE),
        (
            "overflow",
            r"(?:visible|hidden|clip|scroll|auto|overlay)(?:\s+(?:visible|hidden|clip|scroll|auto))?",
        ),
    )
    for name in names.split()
}


def is_taken(name: str, value: str) -> bool:
    """Whether a property takes a value, in lower case."""
    if value in _EVERYWHERE:
        return True
    if name in PROPERTIES:
        return is_one(name, value)
    values = _VALUES.get(name)
    return is_colour(value) if values is None else values.match(value) is not None
