"""How far an import is, on standard error; nothing where that is no terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_CHUNK = 65_536  # octets


class Bars:
    """One bar for the file, one for what becomes of its rows."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[done]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._file = self._progress.add_task("reading", total=None, done="", visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def octets(self, file: str) -> Iterator[Iterator[bytes]]:
        """Give a file's octets, or those of standard input for ``-``; raise OSError."""
        if file == "-":
            yield self._chunks(sys.stdin.buffer)
            return
        with Path(file).open("rb") as octets:
            self._progress.update(self._file, total=Path(file).stat().st_size or None, visible=True)
            yield self._chunks(octets)

    def lines(self, count: int) -> None:
        """Say how many lines are kept."""
        self._progress.update(self._file, done=f"{count:,} lines")

    def applied(self, rows: int) -> Callable[[int], None]:
        """Return what is told how many of so many rows have come to their end."""
        task = self._progress.add_task("applying", total=rows or None, done="")
        return lambda count: self._progress.update(task, completed=count, done=f"{count:,} rows")

    def _chunks(self, octets: BinaryIO) -> Iterator[bytes]:
        while chunk := octets.read(_CHUNK):
            self._progress.advance(self._file, len(chunk))
            yield chunk
