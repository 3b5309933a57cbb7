"""An import that was accepted becomes subscriptions: some buckets a transaction, in the order of the hashes.

What it promises: subscriptions, their entries in the consent ledger, the sample of persons, the counts, the
cursor and the end of the staged rows are one transaction; a process that is killed at any moment is resumed
behind it, and whoever else works on the same case gets CaseMoved and has changed nothing. ``bond`` decides
about each row, as for a single one: nobody who left is brought back. It fails with CaseMoved and StoreAway.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, type_coerce
from sqlalchemy.types import NullType

from gateway.imports.case import CaseEvent, CaseState
from gateway.imports.evidence import retold
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Act, Deed, Origin, SealedDeed, seal_deed
from gateway.model.values import dataclass
from gateway.store import dialect, person_sample
from gateway.store.behind import CommitsBehind
from gateway.store.bond import Change, Left, Standing, subscribe, why_left
from gateway.store.database import Store
from gateway.store.import_cases import Case, CaseMoved, advance, change, read_case
from gateway.store.import_examination import BUCKETS
from gateway.store.import_staging import NAMED, Progress
from gateway.store.keys import AccountKey, StoreKeyring
from gateway.store.ledger import append_sealed
from gateway.store.schema import DO_NOT_MAIL, IMPORT_FAULT, IMPORT_ROW, SUBSCRIPTION, SUPPRESSION
from gateway.store.subscription_rows import (
    Bond,
    Entry,
    add_rows,
    change_row,
    check_list,
    open_details,
)
from gateway.store.uncollected import uncollected

_ROWS = 5000  # in one transaction, or those of one bucket
_SUPPRESSED = "the address may not be written to: it is suppressed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One address that is to be subscribed."""

    line: int
    person: bytes
    entry: Entry
    deed: SealedDeed


@dataclass(frozen=True, slots=True)
class Slice:
    """Buckets that are applied together: from ``start`` to ``until``, which is not of it."""

    start: int
    until: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """An address's best row each, in the order of their hashes, and how many rows were doubles."""

    best: Sequence[Sequence[Any]]
    doubled: int


_NO_ROWS = _Rows((), 0)


def slices(connection: Connection, case: Case) -> Iterator[Slice]:
    """Yield what is to be applied, as transactions."""
    this = IMPORT_ROW.c
    counted = (
        select(this.bucket, func.count())
        .where(this.case_number == case.number, this.bucket >= case.bucket)
        .group_by(this.bucket)
        .order_by(this.bucket)
    )
    start, rows = case.bucket, 0
    for bucket, count in connection.execute(counted).all():
        rows += count
        if rows >= _ROWS:
            yield Slice(start, bucket + 1)
            start, rows = bucket + 1, 0
    yield Slice(start, BUCKETS)


class Application:
    """Applies one case."""

    def __init__(self, store: Store, keyring: StoreKeyring, case: Case) -> None:
        self._store = store
        self._keyring = keyring
        self._key: AccountKey = keyring.of(case.account_id)
        self._case = case

    def run(self, now: float, progress: Progress) -> Case:
        """Apply what is left of it; return the case as it stands then."""
        if self._case.asks:
            raise CaseMoved(f"import {self._case.id} is one whose people are asked")
        if self._case.state is not CaseState.APPLYING:
            with self._store.write() as connection:
                advance(connection, self._case, CaseEvent.BEGIN, now)
                self._case = read_case(connection, self._keyring, self._case.id)
        with self._store.read() as connection:
            todo = list(slices(connection, self._case))
        with CommitsBehind(self._store) as behind:
            rows = self._read(todo[0])
            for one, following in zip(todo, [*todo[1:], None], strict=True):
                rows = self._apply(one, rows, following, behind, now)
                progress(self._case.applied)
        return self._case

    def _apply(
        self, one: Slice, rows: _Rows, following: Slice | None, behind: CommitsBehind, now: float
    ) -> _Rows:
        """Apply a slice, the rows of which were read; return those of the next.

        What must not wait is done before the transaction: others wait for the inserts only. A slice is read
        while nothing is committed: SQLite's log grows without end where somebody reads at each commit.
        """
        with uncollected():
            candidates = [self._candidate(row, now) for row in rows.best]
            behind.wait()
            after = self._read(following) if following else _NO_ROWS

            def write(connection: Connection) -> Case:
                changes = self._put(connection, candidates, one, now)
                connection.execute(delete(IMPORT_ROW).where(*_mine(self._case, one)))
                self._move(connection, one.until, changes, rows.doubled, now)
                return read_case(connection, self._keyring, self._case.id)

            self._case = behind.write(write)
        return after

    def _read(self, one: Slice) -> _Rows:
        this = IMPORT_ROW.c
        query = (
            select(
                this.line,
                _as_it_comes(this.address_hash),
                _as_it_comes(this.person),
                _as_it_comes(this.sealed),
            )
            .where(*_mine(self._case, one))
            .order_by(this.evidenced, this.line.desc())  # the best comes last, and stays
        )
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        best = {row[1]: row for row in rows}
        return _Rows([best[one] for one in sorted(best)], len(rows) - len(best))

    def _candidate(self, row: Sequence[Any], now: float) -> Candidate:
        line, address_hash, person, sealed = row
        case = self._case
        bond = Bond(case.account_id, case.list_id, address_hash)
        address, source = open_details(self._key.open(sealed, bond.context))
        said = retold(source, case.details.source)
        origin = Origin(case.actor, case.details.source, str(said.pop("ip", "")))
        state = SubscriptionState.CONFIRMED
        facts = {"address": address, "state": str(state), "basis": str(case.basis), **said}
        deed = Deed(Act.IMPORTED, case.list_id, address_hash, origin, facts)
        sealed_deed = seal_deed(deed, case.account_id, now, self._seal)
        return Candidate(line, person, Entry(bond, state, case.basis, sealed), sealed_deed)

    def _seal(self, _account_id: int, plain: bytes, context: bytes) -> bytes:
        return self._key.seal(plain, context)

    def _put(
        self, connection: Connection, candidates: Sequence[Candidate], within: Slice, now: float
    ) -> Counter[str]:
        case = self._case
        check_list(connection, case.account_id, case.list_id)
        there = _there(connection, case, within)
        done = Counter[str]()
        new, deeds, faults = list[Candidate](), list[SealedDeed](), list[tuple[int, str]]()
        for one in candidates:
            address_hash = one.entry.bond.address_hash
            before = there.bonds.get(address_hash)
            outcome = subscribe(before, one.entry.state, one.entry.basis)
            if isinstance(outcome, Left) or address_hash in there.barred:
                faults.append((one.line, why_left(outcome) if isinstance(outcome, Left) else _SUPPRESSED))
                continue
            done[outcome] += 1
            if outcome is Change.UNCHANGED:
                continue
            deeds.append(one.deed)
            if before is None:
                new.append(one)
            else:
                change_row(connection, one.entry, before, now)
        done["left_out"] = len(faults)
        self._keep_faults(connection, faults)
        add_rows(connection, [one.entry for one in new], now)
        person_sample.remember(connection, case.account_id, case.list_id, [one.person for one in new])
        append_sealed(connection, self._keyring, case.account_id, deeds)
        return done

    def _keep_faults(self, connection: Connection, faults: Sequence[tuple[int, str]]) -> None:
        room = max(0, NAMED - self._case.faults - self._case.left_out)
        rows: list[tuple[object, ...]] = [
            (self._case.number, line, why) for line, why in sorted(faults)[:room]
        ]
        if rows:
            dialect.insert_rows(connection, dialect.insert_new(connection, IMPORT_FAULT), rows)

    def _move(
        self, connection: Connection, until: int, changes: Counter[str], doubled: int, now: float
    ) -> None:
        case = self._case
        values = {
            "bucket": until,
            "added": case.added + changes[Change.ADDED],
            "changed": case.changed + changes[Change.CHANGED],
            "unchanged": case.unchanged + changes[Change.UNCHANGED] + doubled,
            "left_out": case.left_out + changes["left_out"],
        }
        change(connection, case, now, values)


def _as_it_comes(column: ColumnElement[bytes]) -> ColumnElement[Any]:
    """Return a column of octets without SQLAlchemy's copy of each: the drivers give octets."""
    return type_coerce(column, NullType())


@dataclass(frozen=True, slots=True)
class _There:
    """What the store knows of a slice's addresses, asked in the transaction that changes it."""

    bonds: dict[bytes, Standing]
    barred: set[bytes]  # hashes of those who may not be written to: here, or by anybody


def _there(connection: Connection, case: Case, one: Slice) -> _There:
    mine = _mine(case, one)
    this = IMPORT_ROW.c
    address_hash = _as_it_comes(this.address_hash)
    bonds = (
        select(address_hash, SUBSCRIPTION.c.state, SUBSCRIPTION.c.basis, SUBSCRIPTION.c.changed_at)
        .join(SUBSCRIPTION, SUBSCRIPTION.c.address_hash == this.address_hash)
        .where(*mine, SUBSCRIPTION.c.account_id == case.account_id, SUBSCRIPTION.c.list_id == case.list_id)
    )
    here = (
        select(address_hash)
        .join(SUPPRESSION, SUPPRESSION.c.address_hash == this.address_hash)
        .where(*mine, SUPPRESSION.c.account_id == case.account_id)
    )
    everywhere = select(address_hash).join(DO_NOT_MAIL, DO_NOT_MAIL.c.person == this.person).where(*mine)
    return _There(
        {
            found: Standing(SubscriptionState(state), Basis(basis), since)
            for found, state, basis, since in connection.execute(bonds)
        },
        {*connection.execute(here).scalars(), *connection.execute(everywhere).scalars()},
    )


def _mine(case: Case, one: Slice) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that the rows of a slice fulfil."""
    this = IMPORT_ROW.c
    return this.case_number == case.number, this.bucket >= one.start, this.bucket < one.until
