"""The visibility table in a real Chromium: what its layout and its pixels say of every row.

A text is seen when it has a box of some pixels, lies on top there (``elementFromPoint``), has letters of six
pixels or more, and when the pixels of its box differ; an image when it has a box and lies on top.

And our own footer in pages whose style sheet is against it.
"""

from collections.abc import Callable

import pytest
from footer_table import FOOTERS, Footer, rewritten
from visibility_table import ROWS, Row

pytestmark = pytest.mark.debian

WIDE, NARROW = (1024, 768), (375, 667)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_chromium_agrees(row: Row, shows: Callable[[str, str, tuple[int, int]], dict]) -> None:
    screens = (WIDE, NARROW) if "media" in row.html else (WIDE,)
    answers = [shows(row.name, row.html, screen) for screen in screens]
    assert all(answer["visible"] for answer in answers) is row.shown, answers


@pytest.mark.parametrize("row", FOOTERS, ids=lambda row: row.css)
def test_chromium_shows_our_footer(row: Footer, shows: Callable[[str, str, tuple[int, int]], dict]) -> None:
    answers = [shows(row.css, rewritten(row), screen) for screen in (WIDE, NARROW)]
    assert all(answer["visible"] for answer in answers) is (not row.rule), answers
