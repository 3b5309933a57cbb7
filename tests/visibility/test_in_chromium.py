"""The visibility table in a real Chromium: what its layout and its pixels say of every row.

A text is seen when it has a box of some pixels, lies on top there (``elementFromPoint``), has letters of six
pixels or more, and when the pixels of its box differ; an image when it has a box and lies on top.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from visibility_table import ROWS, Row

pytestmark = pytest.mark.debian

NODE = Path(__file__).parent.parent / "node"
WIDE, NARROW = (1024, 768), (375, 667)


@pytest.fixture(scope="module")
def shows() -> Iterator[Callable[[Row, tuple[int, int]], dict]]:
    """Return what asks the browser about a row on a screen of some size."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    if node is None or not (NODE / "node_modules/playwright-core").is_dir():
        pytest.skip("playwright-core is missing: npm install --prefix tests/node (Debian: nodejs npm)")
    words = [node, str(NODE / "see.mjs")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdin
        assert driver.stdout
        print(json.dumps({"executable": chromium}), file=driver.stdin, flush=True)

        def ask(row: Row, screen: tuple[int, int]) -> dict:
            piece = {"name": row.name, "html": row.html, "width": screen[0], "height": screen[1]}
            print(json.dumps(piece), file=driver.stdin, flush=True)
            return json.loads(driver.stdout.readline())

        yield ask
        driver.stdin.close()
    assert driver.returncode == 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_chromium_agrees(row: Row, shows: Callable[[Row, tuple[int, int]], dict]) -> None:
    screens = (WIDE, NARROW) if "media" in row.html else (WIDE,)
    answers = [shows(row, screen) for screen in screens]
    assert all(answer["visible"] for answer in answers) is row.shown, answers
