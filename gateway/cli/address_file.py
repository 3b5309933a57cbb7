"""A file of addresses, read line by line however long it is, with a progress bar where somebody watches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gateway.cli.say import Refused

_STEP = 1000  # lines between two looks at the bar


@contextmanager
def addresses(file: str) -> Iterator[Iterator[str]]:
    """Give the lines of a file, or of standard input for ``-``; raise Refused where it cannot be read."""
    try:
        if file == "-":
            with _bar(None) as (progress, task):
                yield _lines(sys.stdin.buffer, progress, task)
        else:
            path = Path(file)
            with path.open("rb") as opened, _bar(path.stat().st_size) as (progress, task):
                yield _lines(opened, progress, task)
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror or error}") from error


@contextmanager
def _bar(octets: int | None) -> Iterator[tuple[Progress, TaskID]]:
    """Show how far it is on standard error; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[lines]:,} lines"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %" if octets else ""),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress, progress.add_task("loading", total=octets or None, lines=0)


def _lines(opened: BinaryIO, progress: Progress, task: TaskID) -> Iterator[str]:
    """Yield lines; octets that are no UTF-8 become surrogates, which no address may have."""
    read = 0
    number = 0
    for number, line in enumerate(TextIOWrapper(opened, encoding="utf-8-sig", errors="surrogateescape"), 1):
        read += len(line)  # near enough for a bar
        if not number % _STEP:
            progress.update(task, completed=read, lines=number)
        yield line
    progress.update(task, completed=read, lines=number)
