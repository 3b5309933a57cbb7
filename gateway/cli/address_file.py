"""A file of addresses, read line by line however long it is, with a progress bar where somebody watches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gateway.cli.say import Refused

_STEP = 1000  # lines between two looks at the bar
_ENCODING, _ERRORS = "utf-8-sig", "surrogateescape"


@contextmanager
def addresses(file: str) -> Iterator[Iterator[str]]:
    """Give the lines of a file, or of standard input for ``-``; raise Refused where it cannot be read."""
    try:
        with _opened(file) as (octets, text), _bar(octets) as (progress, task):
            yield _lines(text, progress, task)
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror or error}") from error


@contextmanager
def _opened(file: str) -> Iterator[tuple[int | None, TextIOWrapper]]:
    """Open for reading; octets that are no UTF-8 become surrogates, which no address may have."""
    if file == "-":
        text = TextIOWrapper(sys.stdin.buffer, encoding=_ENCODING, errors=_ERRORS)
        try:
            yield None, text
        finally:
            text.detach()  # standard input is not ours to close
    else:
        with Path(file).open(encoding=_ENCODING, errors=_ERRORS) as text:
            yield Path(file).stat().st_size, text


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


def _lines(text: TextIOWrapper, progress: Progress, task: TaskID) -> Iterator[str]:
    read = 0
    number = 0
    for number, line in enumerate(text, 1):
        read += len(line)  # near enough for a bar
        if not number % _STEP:
            progress.update(task, completed=read, lines=number)
        yield line
    progress.update(task, completed=read, lines=number)
