"""An import that is accepted for double opt-in: its people are asked, a few at a time.

What it promises: a row is gone when its owner was asked. A process that is killed in between asks once more,
which the sign-ups (gateway.store.signups) answer without a second letter. Nobody who left, complained or is
suppressed is asked: there it is decided. It fails with CaseMoved, and with what ``ask`` raises.
"""

from collections.abc import Callable

from sqlalchemy import delete, select

from gateway.imports.case import CaseEvent, CaseState
from gateway.imports.evidence import retold
from gateway.model.address import Address, parse_address
from gateway.store.database import Store
from gateway.store.import_cases import Case, CaseMoved, advance, change, read_case
from gateway.store.keys import StoreKeyring
from gateway.store.schema import IMPORT_ROW
from gateway.store.subscription_rows import Bond, open_details

Ask = Callable[[Case, Address, str], bool]
"""Asks an address's owner; the text is an IP address or "". Whether a letter goes out, or has gone."""


class Asking:
    """Asks for one case."""

    def __init__(self, store: Store, keyring: StoreKeyring, case: Case) -> None:
        self._store = store
        self._keyring = keyring
        self._case = case

    def run(self, ask: Ask, limit: int, now: float) -> tuple[Case, bool]:
        """Ask up to ``limit`` owners; return the case as it stands then, and whether more may be left."""
        if not self._case.asks:
            raise CaseMoved(f"import {self._case.id} is not one whose people are asked")
        if self._case.state is not CaseState.APPLYING:
            with self._store.write() as connection:
                advance(connection, self._case, CaseEvent.BEGIN, now)
                self._case = read_case(connection, self._keyring, self._case.id)
        this = IMPORT_ROW.c
        query = (
            select(this.bucket, this.line, this.address_hash, this.sealed)
            .where(this.case_number == self._case.number)
            .order_by(this.bucket, this.line)
            .limit(limit)
        )
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        for bucket, line, address_hash, sealed in rows:
            was_asked = self._ask(ask, address_hash, sealed)
            self._done(bucket, line, now, was_asked=was_asked)
        return self._case, len(rows) == limit

    def _ask(self, ask: Ask, address_hash: bytes, sealed: bytes) -> bool:
        case = self._case
        bond = Bond(case.account_id, case.list_id, address_hash)
        address, source = open_details(self._keyring.open(case.account_id, sealed, bond.context))
        said = retold(source, case.details.source)
        return ask(case, parse_address(address), str(said.get("ip", "")))

    def _done(self, bucket: int, line: int, now: float, *, was_asked: bool) -> None:
        case, this = self._case, IMPORT_ROW.c
        counted = {"asked": case.asked + 1} if was_asked else {"left_out": case.left_out + 1}
        with self._store.write() as connection:
            change(connection, case, now, counted)
            mine = (this.case_number == case.number, this.bucket == bucket, this.line == line)
            connection.execute(delete(IMPORT_ROW).where(*mine))
            self._case = read_case(connection, self._keyring, case.id)
