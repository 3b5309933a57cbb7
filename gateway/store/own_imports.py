"""An account's imports, as its own programs begin them and look at them; sync.

What it promises: another account's import is none, in whatever call. It fails with StoreAway; what is refused
is a value.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from gateway.imports.reading import Form, Kind
from gateway.model.facts import AccountState
from gateway.model.import_told import (
    FindingTold,
    ImportRefused,
    ImportStatement,
    ImportTold,
    ImportTrouble,
)
from gateway.store.database import Store
from gateway.store.import_cases import Case, NoSuchImport
from gateway.store.imports import Imports
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import NoSuchList, TooMany
from gateway.store.schema import ACCOUNT, MAIL_LIST

_FORM = ("address", "at", "ip", "source", "delimiter", "encoding")


class StoreImports:
    """The imports of all accounts, each account's for itself."""

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._cases = Imports(store, keyring)

    def begin(self, said: ImportStatement, now: float) -> ImportTold | ImportRefused:
        """Open an import that waits for its rows."""
        if not self._may_write(said.account_id):
            return ImportRefused(ImportTrouble.SUSPENDED)
        form = Form(Kind(said.kind), *[said.form[name] for name in _FORM])
        by = f"api-key {said.key_id}"
        try:
            case = self._cases.open(
                said.account_id, said.list_id, said.basis, said.source, said.file, form, by, now
            )
        except NoSuchList:  # deleted since it was looked up
            return ImportRefused(ImportTrouble.UNKNOWN)
        except TooMany as error:
            return ImportRefused(ImportTrouble.FULL, str(error))
        return self.told(case)

    def find(self, account_id: int, import_id: str) -> ImportTold | ImportRefused:
        """Return an import of the account's."""
        case = self._case(account_id, import_id)
        return self.told(case) if case is not None else ImportRefused(ImportTrouble.UNKNOWN)

    def page(self, account_id: int, before: int, limit: int) -> Sequence[ImportTold]:
        """Return imports, the latest first; ``before``: with smaller numbers, 0 for all."""
        names = self._list_ids(account_id)
        return [_told(case, names) for case in self._cases.list(account_id, before=before, limit=limit)]

    def faults(
        self, account_id: int, import_id: str, after: int, limit: int
    ) -> Sequence[tuple[int, str]] | None:
        """Return (line, reason) of lines that were not taken, behind a line; None: no such import."""
        case = self._case(account_id, import_id)
        return None if case is None else self._cases.faults(case, after, limit)

    def told(self, case: Case) -> ImportTold:
        """Return what the account may see of an import."""
        return _told(case, self._list_ids(case.account_id))

    def _case(self, account_id: int, import_id: str) -> Case | None:
        try:
            return self._cases.show(import_id, account_id)
        except (NoSuchImport, KeyError):  # KeyError: of an account whose key is gone
            return None

    def _may_write(self, account_id: int) -> bool:
        query = select(ACCOUNT.c.state).where(ACCOUNT.c.id == account_id)
        with self._store.read() as connection:
            state = connection.execute(query).scalar_one_or_none()
        return state is not None and AccountState(state).may_send

    def _list_ids(self, account_id: int) -> Mapping[int, str]:
        query = select(MAIL_LIST.c.id, MAIL_LIST.c.list_id).where(MAIL_LIST.c.account_id == account_id)
        with self._store.read() as connection:
            return {row.id: row.list_id for row in connection.execute(query)}


def _told(case: Case, list_ids: Mapping[int, str]) -> ImportTold:
    details, report = case.details, case.report
    found = report.for_tenants() if report is not None else ()
    return ImportTold(
        case.number,
        case.id,
        list_ids.get(case.list_id, ""),
        str(case.state),
        case.asks,
        case.basis,
        details.source,
        details.file,
        case.opened_at,
        case.decided_at,
        case.line,
        case.rows,
        case.faults,
        case.asked,
        case.added,
        case.changed,
        case.unchanged,
        case.left_out,
        tuple(FindingTold(one.name, one.count, one.of, one.words) for one in found),
    )
