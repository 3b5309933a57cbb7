"""/api/v1/imports: many addresses at once, brought as a file and looked at as a whole.

An import is begun, then its file is sent, then it goes on by itself. A file that was cut off is sent again
from its beginning: what was taken before is passed over. What the account is not to know of its own import
is in no answer (docs/decisions/0023-imports.md).
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope

from gateway.model.facts import Basis
from gateway.model.import_told import ImportRefused, ImportStatement, ImportTold, ImportTrouble
from gateway.model.instant import rfc3339
from gateway.web.api.bodies import grant_of
from gateway.web.api.holdings import Books, Cursors, Receiver
from gateway.web.api.lists import list_of
from gateway.web.api.once import Answer, Counter
from gateway.web.api.paging import PageQuery, cut, place_of, sealed
from gateway.web.api.problems import (
    IMPORT_MOVED,
    ROOT,
    SUSPENDED,
    TOO_MANY,
    TOO_MANY_IMPORTS,
    UNKNOWN_IMPORT,
    UNREADABLE_FILE,
    WRONG_TYPE,
    ApiProblem,
)

_LISTING = "imports"
_PLACE = 8  # octets of a number
_BUSY = "10"  # seconds until another file may be done
_FILE = re.compile(rf"{ROOT}/imports/[^/]+/rows")
TYPES = ("text/csv", "application/x-ndjson", "text/plain")  # what the file is was said before
_PROBLEMS = {
    ImportTrouble.UNKNOWN: UNKNOWN_IMPORT,
    ImportTrouble.FULL: TOO_MANY_IMPORTS,
    ImportTrouble.SUSPENDED: SUSPENDED,
    ImportTrouble.MOVED: IMPORT_MOVED,
    ImportTrouble.UNREADABLE: UNREADABLE_FILE,
}

_EXAMPLE = "01M85C0HBFB5RBX2SYFY8R342Z"

ImportPath = Annotated[
    str,
    Path(min_length=1, max_length=64, description="An import's id.", examples=[_EXAMPLE]),
]


def _words(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("it is empty, or holds control characters")
    return text


class StatedBasis(StrEnum):
    """What may be stated of many: a double opt-in is one person's own act."""

    ASSERTED = "asserted"
    ACCOUNT = "account"


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"


class Encoding(StrEnum):
    """What its octets mean. UTF-16 with its mark is seen by itself."""

    UTF_8 = "utf-8"
    LATIN_1 = "latin-1"
    WINDOWS_1252 = "windows-1252"
    ISO_8859_15 = "iso-8859-15"
    WINDOWS_1250 = "windows-1250"
    WINDOWS_1251 = "windows-1251"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Column = Annotated[
    str, Field(max_length=200, description="A name of the header or an object, or a number from 1.")
]


class Columns(_Strict):
    """Where things stand in a row; what is not named is looked for by common names."""

    address: _Column = ""
    at: _Column = ""
    ip: _Column = ""
    source: _Column = ""


class NewImport(_Strict):
    """A file to come."""

    list: Annotated[str, Field(min_length=1, max_length=255, examples=["bread.bakery.example"])]
    basis: Annotated[StatedBasis, Field(description="Why they may be written to.")] = StatedBasis.ASSERTED
    source: Annotated[
        str,
        AfterValidator(_words),
        Field(
            min_length=1,
            max_length=500,
            description="Where and when they said yes. It is kept, sealed, as evidence of each.",
            examples=["the tills of our shops, 2024 to 2026"],
        ),
    ]
    file: Annotated[str, AfterValidator(_words), Field(max_length=200, examples=["customers.csv"])] = "upload"
    format: Format = Format.CSV
    columns: Columns = Columns()
    delimiter: Annotated[
        str,
        Field(
            pattern=r"^[,;|\t]?$",
            description="Between columns; else what the first line has most of.",
        ),
    ] = ""
    encoding: Encoding = Encoding.UTF_8


class FindingBody(_Strict):
    """One thing that was found in a file."""

    name: Annotated[str, Field(examples=["no-evidence"])]
    count: Annotated[int, Field(ge=0, description="Rows it is true of.")]
    of: Annotated[int, Field(ge=0, description="Rows that were looked at.")]
    words: str


class ImportBody(_Strict):
    """An import as it stands."""

    id: Annotated[str, Field(examples=["01M85C0HBFB5RBX2SYFY8R342Z"])]
    list: str
    state: Annotated[
        str,
        Field(
            description="receiving: its file is awaited; received, examined: it is looked at; held: the "
            "provider's people decide; accepted, pending, applying: it goes on; applied, refused: its end.",
            examples=["receiving"],
        ),
    ]
    by_double_opt_in: Annotated[bool, Field(description="Whether each person is asked by a letter first.")]
    basis: str
    source: str
    file: str
    opened_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    decided_at: Annotated[str | None, Field(json_schema_extra={"format": "date-time"})]
    lines: Annotated[int, Field(ge=0, description="Of the file, that were read.")]
    rows: Annotated[int, Field(ge=0, description="Lines with an address.")]
    faults: Annotated[int, Field(ge=0, description="Lines that were not taken, see /imports/{id}/faults.")]
    asked: Annotated[int, Field(ge=0)]
    added: Annotated[int, Field(ge=0)]
    changed: Annotated[int, Field(ge=0)]
    unchanged: Annotated[int, Field(ge=0)]
    left_out: Annotated[int, Field(ge=0, description="People who have left, or may not be written to.")]
    findings: tuple[FindingBody, ...]


class Imports(_Strict):
    """One page of imports, the latest first."""

    data: list[ImportBody]
    next: Annotated[str | None, Field(description="Send it as 'after' to go on; null: that was all.")]


class FaultBody(_Strict):
    """A line that was not taken."""

    line: Annotated[int, Field(ge=1)]
    reason: Annotated[str, Field(examples=["there is no @"])]


class Faults(_Strict):
    """One page of them, in the file's order."""

    data: list[FaultBody]
    next: Annotated[str | None, Field(description="Send it as 'after' to go on; null: that was all.")]


@dataclass(frozen=True, slots=True)
class ImportDesk:
    """Answers the requests."""

    counter: Counter
    cursors: Cursors
    receiver: Receiver

    async def create(self, request: Request, wanted: NewImport) -> Response:
        """Begin an import. Nothing counts before its file is there, was looked at, and was decided about."""
        found = await list_of(self.counter, request, wanted.list)
        form = {
            **wanted.columns.model_dump(),
            "delimiter": wanted.delimiter,
            "encoding": wanted.encoding.value,
        }
        basis, key_id = Basis(wanted.basis.value), grant_of(request).key_id
        said = ImportStatement(
            found.account_id, found.id, basis, wanted.source, wanted.file, wanted.format.value, form, key_id
        )
        now = self.counter.clock.now()

        def work(books: Books) -> Answer:
            made = _taken(books.imports.begin(said, now))
            return Answer(HTTPStatus.CREATED, as_json(made), f"{ROOT}/imports/{made.id}")

        return await self.counter.serve(request, work)

    async def receive(self, request: Request, name: ImportPath) -> Response:
        """Take an import's file as the body: CSV with a header, an address a line, or NDJSON.

        What was taken before is passed over, so a file that was cut off is sent again as it is. Answered 202,
        it is all there and on the disk, and the import goes on by itself.
        """
        account_id = grant_of(request).account_id
        found = _taken(await self.counter.ask(lambda books: books.imports.find(account_id, name)))
        _check_type(request)
        try:
            after = await self.receiver.receive(account_id, found.id, _pieces(request))
        except ClientDisconnect:  # what has come is kept; there is nobody to answer
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        return Answer(HTTPStatus.ACCEPTED, as_json(_taken(after))).response()

    async def show(self, request: Request, name: ImportPath) -> dict[str, object]:
        """Return an import as it stands: how far it has come, and what was found in its file."""
        account_id = grant_of(request).account_id
        return as_json(_taken(await self.counter.ask(lambda books: books.imports.find(account_id, name))))

    async def page(self, request: Request, asked: Annotated[PageQuery, Query()]) -> dict[str, object]:
        """Return the account's imports, the latest first."""
        account_id = grant_of(request).account_id
        place = place_of(self.cursors, account_id, _LISTING, asked.after, _PLACE)
        before = int.from_bytes(place, "big")
        found = await self.counter.ask(lambda books: books.imports.page(account_id, before, asked.limit + 1))
        shown, last = cut(found, asked.limit, lambda one: one.number, _PLACE)
        return {
            "data": [as_json(one) for one in shown],
            "next": sealed(self.cursors, account_id, _LISTING, last),
        }

    async def faults(
        self, request: Request, name: ImportPath, asked: Annotated[PageQuery, Query()]
    ) -> dict[str, object]:
        """Return the lines that were not taken, each with its reason, which repeats nothing of the line."""
        account_id, listing = grant_of(request).account_id, f"faults {name}"
        place = place_of(self.cursors, account_id, listing, asked.after, _PLACE)
        after = int.from_bytes(place, "big")
        found = await self.counter.ask(
            lambda books: books.imports.faults(account_id, name, after, asked.limit + 1)
        )
        if found is None:
            raise ApiProblem(UNKNOWN_IMPORT)
        shown, last = cut(found, asked.limit, lambda fault: fault[0], _PLACE)
        return {
            "data": [{"line": line, "reason": reason} for line, reason in shown],
            "next": sealed(self.cursors, account_id, listing, last),
        }


def as_json(one: ImportTold) -> dict[str, Any]:
    """Return an import as the API tells it."""
    return {
        "id": one.id,
        "list": one.list_id,
        "state": one.state,
        "by_double_opt_in": one.asks,
        "basis": str(one.basis),
        "source": one.source,
        "file": one.file,
        "opened_at": rfc3339(one.opened_at),
        "decided_at": None if one.decided_at is None else rfc3339(one.decided_at),
        "lines": one.lines,
        "rows": one.rows,
        "faults": one.faults,
        "asked": one.asked,
        "added": one.added,
        "changed": one.changed,
        "unchanged": one.unchanged,
        "left_out": one.left_out,
        "findings": [
            {"name": found.name, "count": found.count, "of": found.of, "words": found.words}
            for found in one.findings
        ],
    }


def is_file(scope: Scope) -> bool:
    """Whether a request brings an import's file: its body may be longer than others."""
    return scope["method"] == "PUT" and _FILE.fullmatch(scope["path"]) is not None


def _taken(found: ImportTold | ImportRefused) -> ImportTold:
    if isinstance(found, ImportRefused):
        if found.why is ImportTrouble.BUSY:
            raise ApiProblem(TOO_MANY, headers={"Retry-After": _BUSY})
        raise ApiProblem(_PROBLEMS[found.why], extra={"detail": found.detail} if found.detail else None)
    return found


def _check_type(request: Request) -> None:
    """Refuse what would be read as rows and is none, such as an archive."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES or request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiProblem(WRONG_TYPE)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        if piece:
            yield piece
