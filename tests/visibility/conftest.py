"""A real Chromium that says of a piece of HTML whether a person sees the link in it."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NODE = Path(__file__).parent.parent / "node"

Shows = Callable[[str, str, tuple[int, int]], dict]
"""Of a name, HTML and a screen's size: what decided, and whether it is ``visible``."""


@pytest.fixture(scope="module")
def shows() -> Iterator[Shows]:
    """Return what asks the browser about a piece of HTML on a screen of some size."""
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

        def ask(name: str, html: str, screen: tuple[int, int]) -> dict:
            piece = {"name": name, "html": html, "width": screen[0], "height": screen[1]}
            print(json.dumps(piece), file=driver.stdin, flush=True)
            return json.loads(driver.stdout.readline())

        yield ask
        driver.stdin.close()
    assert driver.returncode == 0
