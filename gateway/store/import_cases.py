"""Imports' cases as rows: reading one, moving one on by compare-and-set.

What it promises: a case moves as ``gateway.imports.case`` says and in no other way; a move that another
process was quicker with is CaseMoved, and nothing of the transaction is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from gateway.imports.case import CaseEvent, CaseState, NoSuchMove, move
from gateway.imports.reading import Form
from gateway.imports.risk import Report
from gateway.imports.tally import Tally, load
from gateway.model.facts import Basis
from gateway.ports import Keyring
from gateway.store.refusals import StoreRefusal
from gateway.store.schema import IMPORT_CASE


class NoSuchImport(StoreRefusal):
    """No import has that id."""


class CaseMoved(StoreRefusal):
    """Another process has moved the import on meanwhile, or the move is none."""


class Details(msgspec.Struct, frozen=True):
    """What rests sealed of a case: it may name people."""

    source: str  # the tenant's statement where and when they said yes
    file: str
    opened_by: str
    form: Form
    decided_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """An import as it stands. Times are seconds since the epoch."""

    number: int
    id: str
    account_id: int
    list_id: int
    state: CaseState
    basis: Basis
    asks: bool
    details: Details
    opened_at: float
    touched_at: float
    decided_at: float | None
    line: int
    digest: bytes
    rows: int
    faults: int
    report: Report | None
    bucket: int
    asked: int
    added: int
    changed: int
    unchanged: int
    left_out: int

    @property
    def applied(self) -> int:
        """How many rows have come to their end."""
        return self.asked + self.added + self.changed + self.unchanged + self.left_out

    @property
    def actor(self) -> str:
        """Who it is in the consent ledger."""
        return f"import {self.id}"


def read_case(connection: Connection, keyring: Keyring, case_id: str) -> Case:
    """Return a case; raise NoSuchImport."""
    row = connection.execute(select(IMPORT_CASE).where(IMPORT_CASE.c.id == case_id)).one_or_none()
    if row is None:
        raise NoSuchImport(f"there is no import {case_id}")
    return case_of(row, keyring)


def case_of(row: Row[tuple[object, ...]], keyring: Keyring) -> Case:
    """Return the case of a row of the whole table."""
    sealed = keyring.open(row.account_id, row.sealed, _context(row.id))
    report = msgspec.json.decode(row.report, type=Report) if row.report else None
    return Case(
        row.number,
        row.id,
        row.account_id,
        row.list_id,
        CaseState(row.state),
        Basis(row.basis),
        row.asks,
        msgspec.json.decode(sealed, type=Details),
        row.opened_at,
        row.touched_at,
        row.decided_at,
        row.line,
        row.digest,
        row.rows,
        row.faults,
        report,
        row.bucket,
        row.asked,
        row.added,
        row.changed,
        row.unchanged,
        row.left_out,
    )


def seal_case(keyring: Keyring, account_id: int, case_id: str, details: Details) -> bytes:
    """Return the sealed part of a case's row."""
    return keyring.seal(account_id, msgspec.json.encode(details), _context(case_id))


def seal_tally(keyring: Keyring, account_id: int, case_id: str, tally: Tally) -> bytes:
    """Return a tally as it rests: it holds the last row's address."""
    return keyring.seal(account_id, tally.dump(), _context(case_id) + b":tally")


def read_tally(connection: Connection, keyring: Keyring, case: Case) -> Tally:
    """Return what was counted so far."""
    query = select(IMPORT_CASE.c.tally).where(IMPORT_CASE.c.number == case.number)
    sealed = connection.execute(query).scalar_one()
    if not sealed:
        return Tally()
    return load(keyring.open(case.account_id, sealed, _context(case.id) + b":tally"))


def advance(
    connection: Connection, case: Case, event: CaseEvent, now: float, values: Mapping[str, Any] | None = None
) -> None:
    """Move a case that still stands where it was seen; raise CaseMoved."""
    try:
        state = move(case.state, event)
    except NoSuchMove as error:
        raise CaseMoved(str(error)) from error
    change(connection, case, now, {"state": str(state), **(values or {})})


def change(connection: Connection, case: Case, now: float, values: Mapping[str, Any]) -> None:
    """Change a case that still stands where it was seen, cursors included; raise CaseMoved."""
    this = IMPORT_CASE.c
    changed = connection.execute(
        update(IMPORT_CASE)
        .where(
            this.number == case.number,
            this.state == str(case.state),
            this.line == case.line,
            this.bucket == case.bucket,
        )
        .values(touched_at=now, **values)
    )
    if changed.rowcount != 1:
        raise CaseMoved(f"import {case.id} is being worked on by another process")


def _context(case_id: str) -> bytes:
    return b"import:" + case_id.encode()
