"""An import as its own account may see it, and why none can be begun or filled.

Whose list an import is, which of its rows are traps, the score and an operator's words are not in it
(docs/decisions/0023-imports.md).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from gateway.model.facts import Basis
from gateway.model.values import dataclass


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """What an account's program says of a file. ``kind`` and ``form``: gateway.imports.reading.Form."""

    account_id: int
    list_id: int
    basis: Basis
    source: str  # where and when they said yes
    file: str
    kind: str
    form: Mapping[str, str]
    key_id: str


@dataclass(frozen=True, slots=True)
class FindingTold:
    """One thing that was found in the file: ``count`` rows of ``of``, and what it is in words."""

    name: str
    count: int
    of: int
    words: str


@dataclass(frozen=True, slots=True)
class ImportTold:
    """An import. Times are seconds since the epoch."""

    number: int  # its place in the listing of the account
    id: str
    list_id: str  # the List-Id
    state: str
    asks: bool  # each row by its own double opt-in
    basis: Basis
    source: str
    file: str
    opened_at: float
    decided_at: float | None
    lines: int
    rows: int
    faults: int
    asked: int
    added: int
    changed: int
    unchanged: int
    left_out: int
    findings: Sequence[FindingTold]


class ImportTrouble(StrEnum):
    """What is wrong."""

    UNKNOWN = "unknown"  # the account has none of that id
    FULL = "full"  # it has as many that have not ended as it may
    SUSPENDED = "suspended"  # it may not write to anybody
    MOVED = "moved"  # all rows are there already, or somebody else brings them
    BUSY = "busy"  # too many files are being taken
    UNREADABLE = "unreadable"  # nothing can be made of the file


@dataclass(frozen=True, slots=True)
class ImportRefused:
    """No, and why; ``detail`` is for people, where there is more to say."""

    why: ImportTrouble
    detail: str = ""
