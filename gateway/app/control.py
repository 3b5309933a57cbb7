"""The supervisor's word to a child, and the child's answer.

The control pipe is standard input: a line ``reload`` or ``drain``; its end means that the supervisor is gone,
and is a drain too. Answers go to standard output: ``ready``, ``reloaded``, or a line that says what is wrong.
SIGTERM is a drain as well; SIGINT is ignored, because a terminal sends it to the whole group and the
supervisor decides.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence


class Control:
    """The child's end of the pipes."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()

    async def listen(self, reload: Callable[[], Sequence[str]]) -> None:
        """Obey until told to drain; ``reload`` returns what is wrong, nothing when it is done."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stopping.set)
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        try:
            while word := (await reader.readline()).strip():
                if word == b"reload":
                    problems = reload()
                    self.answer("; ".join(problems) if problems else "reloaded")
                elif word == b"drain":
                    break
        finally:
            self.stopping.set()
            transport.close()

    def ready(self) -> None:
        """Say that everything that was started is at work."""
        self.answer("ready")

    @staticmethod
    def answer(words: str) -> None:
        """Say a line to the supervisor; one that is gone hears nothing."""
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), words.replace("\n", " ").encode() + b"\n")
