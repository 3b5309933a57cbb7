"""How the command line speaks: aligned tables and plain sentences for people, JSON for programs.

JSON keys are stable, times in it are ISO 8601 in UTC. ``Refused`` ends a command with exit code 1: its
message says what is wrong and what to do about it, on standard error.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import typer

from gateway.model.instant import rfc3339

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "min"), (1, "s"))
_OCTETS = ("octets", "KiB", "MiB", "GiB", "TiB")
_GAP = "  "


class Refused(Exception):
    """The command cannot be done. The message is for the person who typed it."""


def line(text: str = "") -> None:
    """Say one line on standard output."""
    typer.echo(text)


def aside(text: str) -> None:
    """Say one line on standard error: what is no part of the command's result."""
    typer.echo(text, err=True)


def error(text: str) -> None:
    """Say what went wrong."""
    typer.echo(typer.style("error: ", fg="red", bold=True) + text, err=True)


def warning(text: str) -> None:
    """Say what is doubtful."""
    typer.echo(typer.style("warning: ", fg="yellow", bold=True) + text, err=True)


def as_json(value: object) -> None:
    """Say a value to a program."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Say rows in aligned columns; a heading that ends with ">" has its column set to the right."""
    shown = [[_plain(cell) for cell in row] for row in rows]
    titles = [heading.removesuffix(">") for heading in headings]
    widths = [max(map(len, column)) for column in zip(titles, *shown, strict=True)]
    for index, row in enumerate([titles, *shown]):
        cells = [
            cell.rjust(width) if heading.endswith(">") else cell.ljust(width)
            for heading, cell, width in zip(headings, row, widths, strict=True)
        ]
        text = _GAP.join(cells).rstrip()
        typer.echo(text if index else typer.style(text, bold=True))


def pairs(values: Mapping[str, str]) -> None:
    """Say names and values, a line each, values aligned; a value of several lines keeps its column."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        first, *more = _plain(value, keep="\n").split("\n")
        typer.echo(f"{typer.style(name.ljust(width), bold=True)}{_GAP}{first}".rstrip())
        for rest in more:
            typer.echo(f"{' ' * width}{_GAP}{rest}")


def _plain(text: str, keep: str = "") -> str:
    """Escape control characters: a next hop's reply must not steer the operator's terminal."""
    return "".join(char if char.isprintable() or char in keep else f"\\x{ord(char):02x}" for char in text)


def ago(seconds: float) -> str:
    """Return a span of time as people say it: its largest unit, and the next one where it matters."""
    left = round(abs(seconds))
    for index, (length, name) in enumerate(_UNITS):
        if left >= length or length == 1:
            count, rest = divmod(left, length)
            text = _count(count, name)
            if index + 1 < len(_UNITS) and count < 10:
                smaller, smaller_name = _UNITS[index + 1]
                text += f" {_count(rest // smaller, smaller_name)}" if rest // smaller else ""
            return text
    raise AssertionError("seconds are a unit")


def _count(count: int, unit: str) -> str:
    return f"{count} {unit}" if unit in {"s", "min"} or count == 1 else f"{count} {unit}s"


def size(octets: float) -> str:
    """Return octets as people say them."""
    for unit in _OCTETS:
        if octets < 1024 or unit == _OCTETS[-1]:
            return f"{octets:.0f} {unit}" if unit == _OCTETS[0] else f"{octets:.1f} {unit}"
        octets /= 1024
    raise AssertionError("the largest unit takes all")


def iso(at: float | None) -> str | None:
    """Return a time as programs read it, in UTC; None stays None."""
    return None if at is None else rfc3339(at)


def when(at: float) -> str:
    """Return a time as people read it, in their own zone."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
