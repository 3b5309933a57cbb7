"""A tenant's file as rows: CSV with a header, an address a line, or NDJSON.

What it promises: any octets give rows and faults, each with its line; a fault's reason never repeats what
stands in the line. Memory is bounded: a line by ``LONGEST``, a quoted field by that and by ``_TALLEST``
lines; a quote that is opened and never closed costs its own line and no other. Reading goes on where it
stood: ``Place`` is the line that was read last and a digest of all up to it, and a file that has another
beginning is refused. It fails with UnreadableFile: nothing can be made of it as a whole. Pure.
"""

import csv
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from gateway.imports.lines import LONGEST, lines
from gateway.model.values import dataclass

_TALLEST = 20  # lines that one quoted field may span
_WIDEST = 500  # columns
_DELIMITERS = ",;\t|"
_NAMES: Mapping[str, Sequence[str]] = {
    "address": ("email", "e-mail", "email address", "email_address", "e-mail-adresse", "address", "mail"),
    "at": ("confirmed_at", "optin_time", "opt_in_time", "optin_date", "consent_at", "subscribed_at",
           "created_at", "timestamp", "time", "date"),
    "ip": ("ip", "confirm_ip", "optin_ip", "opt_in_ip", "ip_address"),
    "source": ("source", "optin_source", "opt_in_source", "form", "url"),
}  # fmt: skip


class Kind(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"


class UnreadableFile(ValueError):
    """Nothing can be made of the file; the message says why, and may be shown to who sent it."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is to be read.

    Columns are names of the header (keys, in NDJSON), or numbers from 1; "": found by the names that are
    common, the address apart they may be missing. ``delimiter`` "": the one that the first line has most of.
    """

    kind: Kind = Kind.CSV
    address: str = ""
    at: str = ""
    ip: str = ""
    source: str = ""
    delimiter: str = ""
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Row:
    """One address, as it stands there; what is not said is empty."""

    line: int
    address: str
    at: str
    ip: str
    source: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is no row."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: the line, from 1, and a digest of everything up to its end."""

    line: int = 0
    digest: bytes = b""


class Reader:
    """Reads one file once."""

    def __init__(self, chunks: Iterable[bytes], form: Form, after: Place | None = None) -> None:
        """``after``: where another reader stood; raise UnreadableFile where that was another file."""
        _check_encoding(form.encoding)
        self._form = form
        self._lines = lines(chunks)
        self._again: deque[bytes] = deque()  # what a quote without an end had taken
        self._hash = hashlib.blake2b(digest_size=16)
        self._line = 0
        self._split = self._begin()
        if after is not None:
            self._skip(after)

    @property
    def place(self) -> Place:
        """Where it stands: behind the last item that was given out."""
        return Place(self._line, self._hash.digest())

    def __iter__(self) -> Iterator[Row | Fault]:
        """Yield rows and faults; empty lines are neither."""
        split = self._split
        while (raw := self._next()) is not None:
            if not raw or raw.isspace():
                continue
            item = split(raw)
            if item is not None:
                yield item

    def _next(self) -> bytes | None:
        raw = self._again.popleft() if self._again else next(self._lines, None)
        if raw is not None:
            self._line += 1
            self._hash.update(raw)
            self._hash.update(b"\n")
        return raw

    def _skip(self, after: Place) -> None:
        while self._line < after.line and self._next() is not None:
            pass
        if after.line and self.place != after:
            raise UnreadableFile("the file is not the one that was begun with: its beginning differs")

    def _begin(self) -> Callable[[bytes], Row | Fault | None]:
        if self._form.kind is Kind.NDJSON:
            return self._object
        first = next(self._lines, None)
        while first is not None and not first.strip():
            self._take(first)
            first = next(self._lines, None)
        if first is None:
            raise UnreadableFile("the file is empty")
        return self._begin_csv(first)

    def _take(self, raw: bytes) -> None:
        self._again.appendleft(raw)
        self._next()

    def _begin_csv(self, first: bytes) -> Callable[[bytes], Row | Fault | None]:
        text = _text(first, self._form.encoding)
        if len(first) > LONGEST or text is None or "\0" in text:
            raise UnreadableFile("the first line is no header and no address: it is too long, or no text")
        delimiter = self._form.delimiter or max(_DELIMITERS, key=text.count)
        try:
            names = next(csv.reader([text], delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration, TypeError) as error:
            raise UnreadableFile(f"the first line cannot be split into columns: {error}") from error
        if len(names) > _WIDEST:
            raise UnreadableFile(f"there are {len(names)} columns; {_WIDEST} are read at most")
        if any("@" in name for name in names):  # no header: the first line is a row already
            self._again.appendleft(first)
            columns = _by_number(self._form, names)
        else:
            self._take(first)
            columns = _by_name(self._form, names)
        return _Csv(self, delimiter, self._form.encoding, len(names), columns)

    def _object(self, raw: bytes) -> Row | Fault:
        return _object(self._form, self._line, raw)

    def line(self) -> int:
        """Return the number of the line that was read last."""
        return self._line

    def more(self) -> bytes | None:
        """Return the line after it, as a part of the same row."""
        return self._next()

    def give_back(self, taken: Sequence[bytes], line: int, state: Any) -> None:
        """Read these lines again, as rows of their own."""
        self._again.extendleft(reversed(taken))
        self._line = line
        self._hash = state

    def state(self) -> Any:
        """Return what ``give_back`` needs to take lines out of the digest again."""
        return self._hash.copy()


class _Csv:
    """Makes rows of lines."""

    def __init__(
        self, reader: Reader, delimiter: str, encoding: str, width: int, columns: tuple[int, int, int, int]
    ) -> None:
        self._reader = reader
        self._delimiter = delimiter
        self._encoding = encoding
        self._width = width
        self._address, self._at, self._ip, self._source = columns

    def __call__(self, raw: bytes) -> Row | Fault:
        line = self._reader.line()
        if len(raw) > LONGEST:
            return Fault(line, f"the line is longer than {LONGEST} octets")
        if b"\0" in raw:
            return Fault(line, "the line holds a NUL")
        text = _text(raw, self._encoding)
        if text is None:
            return Fault(line, f"the line is no text in {self._encoding}")
        if '"' in text:
            found = self._quoted(line, text)
            if isinstance(found, Fault):
                return found
        else:
            found = text.split(self._delimiter)
        if len(found) != self._width:
            return Fault(
                line, f"the line does not have {self._width} columns, as the first one has, but {len(found)}"
            )
        found.append("")  # the place -1: a column that there is not
        return Row(line, found[self._address].strip(), found[self._at], found[self._ip], found[self._source])

    def _quoted(self, line: int, text: str) -> list[str] | Fault:
        before = self._reader.state()
        taken: list[bytes] = []
        while text.count('"') % 2:
            raw = self._reader.more() if len(taken) < _TALLEST and len(text) < LONGEST else None
            added = None if raw is None else _text(raw, self._encoding)
            if raw is not None:
                taken.append(raw)
            if added is None or "\0" in added:
                self._reader.give_back(taken, line, before)
                return Fault(line, "a quote is opened and never closed")
            text = f"{text}\n{added}"
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration):
            self._reader.give_back(taken, line, before)
            return Fault(line, "the quotes of the line are wrong (RFC 4180)")


def _object(form: Form, line: int, raw: bytes) -> Row | Fault:
    if len(raw) > LONGEST:
        return Fault(line, f"the line is longer than {LONGEST} octets")
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Fault(line, "the line is no JSON")
    if not isinstance(found, dict):
        return Fault(line, "the line is no JSON object")
    address = _value(found, form.address, "address")
    if address is None:
        return Fault(line, "the object has no address")
    said = [_value(found, getattr(form, name), name) or "" for name in ("at", "ip", "source")]
    if any("\0" in one for one in (address, *said)):
        return Fault(line, "the line holds a NUL")
    return Row(line, address.strip(), *said)


def _value(found: Mapping[str, object], key: str, meaning: str) -> str | None:
    for name in (key,) if key else _NAMES[meaning]:
        value = found.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and meaning == "at":
            return repr(value)
    return None


def _text(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _check_encoding(encoding: str) -> None:
    """Only what has lines as ASCII has them, and cannot run anything: Python's codecs do much else."""
    if encoding not in {"utf-8", "latin-1", "windows-1252", "iso-8859-15", "windows-1250", "windows-1251"}:
        raise UnreadableFile(f"no such encoding: {encoding!r}; UTF-16 is seen by itself")


def _by_number(form: Form, first: Sequence[str]) -> tuple[int, int, int, int]:
    address = next(number for number, value in enumerate(first) if "@" in value)
    return (
        _number(form.address, len(first)) if form.address else address,
        *(_number(one, len(first)) if one else -1 for one in (form.at, form.ip, form.source)),
    )  # type: ignore[return-value]  # four, as there are four columns


def _number(text: str, width: int) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= width:
        return int(text) - 1
    raise UnreadableFile(f"there is no column {text}: without a header they are numbers from 1 to {width}")


def _by_name(form: Form, names: Sequence[str]) -> tuple[int, int, int, int]:
    folded = [name.strip().casefold() for name in names]
    places = [
        _place(folded, getattr(form, meaning), meaning) for meaning in ("address", "at", "ip", "source")
    ]
    if places[0] < 0:
        raise UnreadableFile("no column is named as one of addresses: say which it is")
    return tuple(places)  # type: ignore[return-value]  # four, as there are four columns


def _place(folded: Sequence[str], wanted: str, meaning: str) -> int:
    if not wanted:
        return next((folded.index(name) for name in _NAMES[meaning] if name in folded), -1)
    if wanted.strip().casefold() in folded:
        return folded.index(wanted.strip().casefold())
    return _number(wanted, len(folded))
