"""The supervisor's word to a child, and the child's answer.

The control pipe is standard input: ``drain``, or ``reload N`` and behind the line N octets, the files of the
config that the supervisor has accepted. The first word of all is such a reload: a child starts from it and
never reads those files itself. The pipe's end means that the supervisor is gone, and is a drain too. Answers
go to standard output: ``ready``, ``reloaded``, or a line that says what is wrong. SIGTERM is a drain as well;
SIGINT is ignored, because a terminal sends it to the whole group and the supervisor decides.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

import msgspec

from gateway.settings.files import LARGEST_TOGETHER, Files, Handed

_LONGEST_ANSWER = 4000  # characters; the supervisor's reader takes lines of 64 KiB
_LARGEST = 2 * LARGEST_TOGETHER  # octets of a reload: base64 makes four of three
_decode = msgspec.json.Decoder(dict[str, bytes]).decode


class Garbled(Exception):
    """What came down the control pipe is nothing that the supervisor says."""


def reload_words(files: Mapping[str, bytes]) -> bytes:
    """Return what tells a child to take these files, as it goes down the pipe."""
    octets = msgspec.json.encode(files)
    return b"reload %d\n%b" % (len(octets), octets)


def first_files(pipe: BinaryIO) -> Files:
    """Wait for the files that a child starts from; raise Garbled, also where the pipe ends before.

    ``pipe`` is unbuffered: what is said behind the files is for ``Control.listen``.
    """
    left = _announced(pipe.readline(64).split())
    pieces = []
    while left and (piece := pipe.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if left:
        raise Garbled("the pipe ended within the files")
    return _handed(b"".join(pieces))


def _announced(words: Sequence[bytes]) -> int:
    """Return how many octets follow on ``reload N``."""
    if len(words) != 2 or words[0] != b"reload" or not words[1].isdigit() or int(words[1]) > _LARGEST:
        raise Garbled(repr(words))
    return int(words[1])


def _handed(octets: bytes) -> Files:
    try:
        return Handed(_decode(octets))
    except msgspec.MsgspecError as error:
        raise Garbled(str(error)) from error


class Control:
    """The child's end of the pipes."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()

    async def listen(self, reload: Callable[[Files], Sequence[str]]) -> None:
        """Obey until told to drain; ``reload`` returns what is wrong, nothing when it is done."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stopping.set)
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        try:
            while (words := (await reader.readline()).split()) and words != [b"drain"]:
                problems = reload(_handed(await reader.readexactly(_announced(words))))
                self.answer("; ".join(problems) if problems else "reloaded")
        except asyncio.IncompleteReadError:
            pass  # the supervisor went in the middle of a word
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
            os.write(sys.stdout.fileno(), words[:_LONGEST_ANSWER].replace("\n", " ").encode() + b"\n")
