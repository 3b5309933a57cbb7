"""Rows of an import come in: read, counted, sealed and put aside, a batch a transaction.

What it promises: the rows, the faults, the counts and the cursor of a batch are one transaction, so that a
process that is killed at any moment is resumed with the line after the last that was kept; nothing of it
counts as a subscription. Memory is that of one batch. It fails with UnreadableFile, CaseMoved, StoreAway.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from gateway.imports.case import CaseState
from gateway.imports.evidence import host, moment, told
from gateway.imports.known import Known
from gateway.imports.reading import Fault, Place, Reader, Row, UnreadableFile
from gateway.imports.tally import Tally
from gateway.model.address import MalformedAddress, parse_address
from gateway.model.ledger import subscription_context
from gateway.store import dialect
from gateway.store.behind import CommitsBehind
from gateway.store.database import Store
from gateway.store.import_cases import Case, CaseMoved, change, read_case, read_tally, seal_tally
from gateway.store.keys import StoreKeyring
from gateway.store.schema import ACCOUNT, IMPORT_FAULT, IMPORT_ROW, PROVIDER_ID
from gateway.store.uncollected import uncollected

from sqlalchemy import Connection, select  # isort: skip

Progress = Callable[[int], None]
"""Told after each batch how many lines or rows are done."""

_BATCH = 10_000  # rows
NAMED = 100_000  # faults of one import whose line and reason are kept; all are counted

_parse = parse_address.__wrapped__  # each row's address comes once: remembering it helps nobody
_INSERT_ROW = IMPORT_ROW.insert()
_INSERT_FAULT = IMPORT_FAULT.insert()


@dataclass(slots=True)
class _Batch:
    rows: list[tuple[object, ...]] = field(default_factory=list)
    faults: list[tuple[object, ...]] = field(default_factory=list)
    faulty: int = 0


class Staging:
    """Puts the rows of one file aside."""

    def __init__(self, store: Store, keyring: StoreKeyring, known: Known, case: Case, limit: int) -> None:
        """``limit``: rows that an import may have."""
        self._store = store
        self._keyring = keyring
        self._known = known
        self._case = case
        self._limit = limit
        self._key = keyring.of(case.account_id)
        self._provider = keyring.of(PROVIDER_ID)
        self._tally = Tally()
        self._opened = 0.0  # when the account was made
        self._now = 0.0

    def run(self, chunks: Iterable[bytes], now: float, progress: Progress) -> Case:
        """Read on where the case stands, to the end of the octets; return it as it stands then."""
        case = self._case
        if case.state is not CaseState.RECEIVING:
            raise CaseMoved(f"import {case.id} is {case.state}: it takes no more rows")
        self._now = now
        with self._store.read() as connection:
            self._tally = read_tally(connection, self._keyring, case)
            opened = connection.execute(select(ACCOUNT.c.created_at).where(ACCOUNT.c.id == case.account_id))
            self._opened = opened.scalar_one_or_none() or 0.0
        reader = Reader(chunks, case.details.form, Place(case.line, case.digest))
        items = iter(reader)
        with CommitsBehind(self._store) as behind:
            while self._take(items, reader, behind):
                progress(self._case.line)
        return self._case

    def _take(self, items: Iterator[Row | Fault], reader: Reader, behind: CommitsBehind) -> bool:
        """Keep a batch; return whether there was one."""
        with uncollected():
            batch = list(islice(items, _BATCH))
            if batch:
                if self._case.rows + len(batch) > self._limit:
                    raise UnreadableFile(f"an import has {self._limit:,} rows at most: send it in parts")
                self._keep(self._stage(batch), reader.place, behind)
        return bool(batch)

    def _stage(self, items: list[Row | Fault]) -> _Batch:
        batch = _Batch()
        for item in items:
            if isinstance(item, Row):
                try:
                    batch.rows.append(self._row(item))
                except MalformedAddress as error:
                    self._fault(batch, item.line, str(error))
            else:
                self._fault(batch, item.line, item.reason)
        return batch

    def _row(self, row: Row) -> tuple[object, ...]:
        case, tally, known = self._case, self._tally, self._known
        address = _parse(row.address)
        identity = address.identity
        local, _, domain = identity.rpartition("@")
        tally.take_address(local, domain, known.roles)
        if known.traps and (identity in known.traps or f"@{domain}" in known.traps):
            tally.traps += 1
        at, ip = (moment(row.at) if row.at else None), host(row.ip)
        tally.take_evidence(at, row.at, ip, self._now, self._opened)
        address_hash = self._key.address_hash(identity)
        source = told(case.details.source, row.line, row.at, ip, row.source)
        sealed = self._key.seal(
            f"{address.local}@{address.domain}\0{source}".encode(),
            subscription_context(case.list_id, address_hash),
        )
        person = self._provider.address_hash(identity)
        return case.number, address_hash[0], row.line, address_hash, person, at is not None, sealed

    def _fault(self, batch: _Batch, line: int, reason: str) -> None:
        batch.faulty += 1
        self._tally.dead += 1
        if self._case.faults + batch.faulty <= NAMED:
            batch.faults.append((self._case.number, line, reason))

    def _keep(self, batch: _Batch, place: Place, behind: CommitsBehind) -> None:
        case = self._case
        batch.rows.sort(key=_bucket)  # in the order of the key, but for the lines that are in order already
        tally = seal_tally(self._keyring, case.account_id, case.id, self._tally)
        values = {
            "line": place.line,
            "digest": place.digest,
            "rows": case.rows + len(batch.rows),
            "faults": case.faults + batch.faulty,
            "tally": tally,
        }

        def write(connection: Connection) -> Case:
            change(connection, case, self._now, values)
            if batch.rows:
                dialect.insert_rows(connection, _INSERT_ROW, batch.rows)
            if batch.faults:
                dialect.insert_rows(connection, _INSERT_FAULT, batch.faults)
            return read_case(connection, self._keyring, case.id)

        self._case = behind.write(write)


def _bucket(row: tuple[object, ...]) -> int:
    bucket = row[1]
    assert isinstance(bucket, int)
    return bucket
