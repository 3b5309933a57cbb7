"""A real Chromium, driven by tests/node/pages.mjs."""

import json
import struct
import subprocess
import zlib
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


def picture(width: int, height: int) -> bytes:
    """Return a PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = b"".join(b"\0" + b"\xd4\x5d\x2a" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
