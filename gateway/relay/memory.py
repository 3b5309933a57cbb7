"""The NextHop's twin in memory: scripted, for tests and for the demo of one process.

What it promises: it says what the script says, in order, then goes on with its last word; it keeps every copy
that it was given.
"""

from collections import deque
from collections.abc import Iterable

from gateway.ports import Copy, HopReply

TAKEN = HopReply(250, "2.0.0", "Taken", "end of data", "memory")


class MemoryHop:
    """Answers with replies, or raises where the script holds an exception."""

    def __init__(self, script: Iterable[HopReply | Exception] = (TAKEN,)) -> None:
        self.copies: list[Copy] = []
        self._script = deque(script)

    def script(self, *words: HopReply | Exception) -> None:
        """Replace what is left of the script."""
        self._script = deque(words)

    async def send(self, copy: Copy) -> HopReply:
        """Say the next word of the script."""
        self.copies.append(copy)
        word = self._script[0] if len(self._script) == 1 else self._script.popleft()
        if isinstance(word, Exception):
            raise word
        return word
