"""An independent reader: npm's postal-mime, in a Node process of its own.

What it promises: ``read`` gives the tree of parts that the other parser sees, within the time allowed; a
reader that hangs or dies is replaced by a new one. How it fails: ``say.Refused`` at the start, with what to
install; ``ReaderFailed`` for one message.
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from gateway.cli import say

SECONDS = 30.0  # for one message
_MEGABYTES = 1024  # of the reader's heap
_SCRIPT = Path(__file__).with_name("reader.mjs")
_PACKAGE = "postal-mime"
_PLACES = (Path("node_modules"), Path("tests/node/node_modules"))


class ReaderFailed(Exception):
    """The other parser could not read a message, or not in time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A part, as the other parser sees it; ``text`` is None for what is no text to read."""

    type: str
    charset: str
    disposition: str
    filename: str
    octets: int
    sha256: str
    text: str | None
    parts: tuple["Seen", ...]

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Seen":
        """Take over what the reader said."""
        parts = tuple(cls.of(one) for one in found.pop("parts"))
        return cls(**found, parts=parts)

    def walk(self) -> Iterator["Seen"]:
        """Yield this part and all below it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


class Reader:
    """The Node process. A context manager: it ends with it."""

    def __init__(self, node_modules: Path | None) -> None:
        self._node = shutil.which("node") or ""
        self._modules = _found(node_modules)
        if not self._node or self._modules is None:
            raise say.Refused(_what_is_needed(node_modules))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start with the first message."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._end()

    def read(self, octets: bytes) -> Seen:
        """Return what the other parser sees; raise ReaderFailed where it fails or takes too long."""
        process = self._running()
        alarm = threading.Timer(SECONDS, process.kill)
        alarm.start()
        try:
            answer = _ask(process, octets)
        finally:
            alarm.cancel()
        if not answer:
            self._end()
            raise ReaderFailed(f"it took more than {SECONDS:.0f} seconds, or died")
        found = json.loads(answer)
        if "error" in found:
            raise ReaderFailed(found["error"])
        return Seen.of(found["root"])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [self._node, f"--max-old-space-size={_MEGABYTES}", str(_SCRIPT), str(self._modules)]
            self._process = subprocess.Popen(  # noqa: S603 - our own script, the interpreter of the path
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _ask(process: subprocess.Popen[bytes], octets: bytes) -> bytes:
    question, answer = _pipes(process)
    try:
        question.write(b"%d\n" % len(octets))
        question.write(octets)
        question.flush()
        return answer.readline()
    except OSError:
        return b""


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _found(node_modules: Path | None) -> Path | None:
    """Return the folder of node modules that holds the package: the one that was named, else a usual one."""
    from_path = tuple(Path(one) for one in os.environ.get("NODE_PATH", "").split(os.pathsep) if one)
    places = (node_modules,) if node_modules else (*_PLACES, *from_path)
    return next((one for one in places if (one / _PACKAGE / "package.json").is_file()), None)


def _what_is_needed(node_modules: Path | None) -> str:
    where = f"not in {node_modules}" if node_modules else "neither here nor in tests/node"
    return (
        f"this needs Node.js 20 or newer and npm's {_PACKAGE}, the parser that it compares with "
        f"(found: node {'yes' if shutil.which('node') else 'no'}, {_PACKAGE} {where}).\n"
        f"       On Debian: apt install nodejs npm; then: npm install --prefix corpus-reader {_PACKAGE}\n"
        "       and: consentry corpus DIR --node-modules corpus-reader/node_modules"
    )
