"""Media queries on a wide screen and on a narrow one."""

import pytest

from policies.way_out.media import NARROW, WIDE, holds


@pytest.mark.parametrize(
    ("queries", "wide", "narrow"),
    [
        ("", True, True), ("all", True, True), ("screen", True, True), ("only screen", True, True), ("print", False, False),
        ("not print", True, True), ("not screen", False, False), ("not all", False, False), ("yahoo", False, False),
        ("print, screen", True, True),
        ("(max-width:600px)", False, True), ("screen and (min-width: 601px)", True, False), ("(width:1024px)", True, False),
        ("(max-device-width: 480px)", False, True), ("(device-width:375px)", False, True), ("(min-height:700px)", True, False),
        ("(max-width:40em)", False, True), ("(max-width:wide)", False, False), ("(max-aspect-ratio:1)", False, False),
        ("not (max-width:600px)", True, False), ("screen and (min-width:300px) and (max-width:600px)", False, True),
        ("(max-width:400px) or (min-width:1000px)", True, True),
        ("(width <= 600px)", False, True), ("(600px < width)", True, False), ("(300px <= width <= 700px)", False, True),
        ("(width > 1000px)", True, False), ("(width >= 1024px)", True, False), ("(width = 375px)", False, True),
        ("(width < 376px)", False, True), ("(resolution > 1dppx)", False, False), ("(width >)", False, False),
        ("(prefers-color-scheme:dark)", False, False), ("(prefers-color-scheme: light)", True, True),
        ("(prefers-reduced-motion: reduce)", False, False), ("(orientation:portrait)", False, True),
        ("(hover:hover)", True, False), ("(pointer:coarse)", False, True),
        ("(-webkit-min-device-pixel-ratio:0)", True, True), ("(min-resolution:192dpi)", False, True), ("(max-resolution:1.5dppx)", True, False),
        ("(resolution:2x)", False, True), ("(-webkit-min-device-pixel-ratio:x)", False, False), ("(min-resolution:.)", False, False),
        ("(color)", True, True), ("(grid)", False, False), ("(foo:bar)", False, False), ("(min-foo-width:1px)", False, False),
    ],
)  # fmt: skip
def test_queries(queries: str, wide: bool, narrow: bool) -> None:
    assert (holds(queries, WIDE), holds(queries, NARROW)) == (wide, narrow)
