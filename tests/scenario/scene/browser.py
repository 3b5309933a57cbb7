"""A real Chromium, driven by tests/node/pages.mjs."""

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
NODE = ROOT / "tests/node"
SHOTS = ROOT / "build/screenshots"
PHONE = {"width": 360, "height": 740, "touch": True}


class Browser:
    """The driver; each method is one command of tests/node/pages.mjs."""

    def __init__(self, node: str, chromium: str) -> None:
        self._process = subprocess.Popen(
            [node, str(NODE / "pages.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._tell({"executable": chromium})

    def __call__(self, **command: object) -> dict[str, Any]:
        self._tell(command)
        assert self._process.stdout
        said = json.loads(self._process.stdout.readline())
        assert "failed" not in said, said
        return dict(said)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        code = self._process.wait(20)
        self._process.stdout.close()
        assert code == 0

    def _tell(self, command: dict[str, Any]) -> None:
        assert self._process.stdin
        print(json.dumps(command), file=self._process.stdin, flush=True)
