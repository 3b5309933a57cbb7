"""A real Chromium that says of a piece of HTML whether a person sees the link in it."""

import contextlib
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
    with contextlib.ExitStack() as browsers:

        def another() -> subprocess.Popen[str]:
            words = [node, str(NODE / "see.mjs")]
            driver = browsers.enter_context(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            print(json.dumps({"executable": chromium}), file=driver.stdin, flush=True)
            return driver

        def answer(driver: subprocess.Popen[str], piece: dict) -> str:
            with contextlib.suppress(BrokenPipeError):
                print(json.dumps(piece), file=driver.stdin, flush=True)
                return driver.stdout.readline()
            return ""

        def ask(name: str, html: str, screen: tuple[int, int]) -> dict:
            nonlocal driver
            piece = {"name": name, "html": html, "width": screen[0], "height": screen[1]}
            said = answer(driver, piece)
            if not said:  # a browser may crash, which says nothing of a piece unless the next one does too
                driver = another()
                said = answer(driver, piece)
            return json.loads(said)

        driver = another()
        yield ask
        driver.stdin.close()
    assert driver.returncode == 0
