"""What the store knows of one person, for the operator who has to tell them (GDPR article 15); sync.

What it promises: every table in which a person is found by a hash is looked through
(gateway.store.belongings), at every account whose key is there. Subscriptions come opened; of other rows
comes what stands in clear: kinds, states, times. It changes nothing. It fails with StoreAway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import LargeBinary, Row, Table, select

from gateway.model.ledger import Entry as LedgerEntry
from gateway.model.ledger import open_entry
from gateway.store.belongings import BELONGINGS, Belonging, found_in
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.person import Person
from gateway.store.schema import ACCOUNT, DO_NOT_MAIL, LEDGER, MAIL_LIST, NEVER_INVITE, SIGNUP, SUBSCRIPTION
from gateway.store.signup_rows import open_details as open_signup
from gateway.store.subscriptions import Shown, Subscriptions


@dataclass(frozen=True, slots=True)
class Known:
    """What one account's tables say of them; ``rows`` by table."""

    account_id: int
    account: str
    subscriptions: tuple[Shown, ...]
    rows: Mapping[str, tuple[Mapping[str, object], ...]]


class PersonFile:
    """Looks people up."""

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._keyring = keyring
        self._subscriptions = Subscriptions(store, keyring)

    def everywhere(self, person: Person) -> Iterator[Known]:
        """Yield what each account knows, by account, where it knows anything."""
        hashed = person.everywhere(self._keyring)
        with self._store.read() as connection:
            accounts = connection.execute(select(ACCOUNT.c.id, ACCOUNT.c.name).order_by(ACCOUNT.c.id)).all()
        for account in accounts:
            here = person.at(self._keyring, account.id)
            if here is None:
                continue
            rows = {
                one.table.name: found
                for one in BELONGINGS
                if (found := self._rows(one, account.id, here, hashed))
            }
            subscriptions = self._subscriptions.show(account.id, person.address)
            if rows or subscriptions:
                yield Known(account.id, account.name, subscriptions, rows)

    def do_not_mail(self, person: Person) -> Mapping[str, object] | None:
        """Return why and since when nobody may be brought back, or None."""
        this = select(DO_NOT_MAIL.c.reason, DO_NOT_MAIL.c.since)
        with self._store.read() as connection:
            row = connection.execute(
                this.where(DO_NOT_MAIL.c.person == person.everywhere(self._keyring))
            ).one_or_none()
        return None if row is None else {"reason": row.reason, "since": row.since}

    def wants_no_invitations(self, person: Person) -> float | None:
        """Return since when nobody may recommend anything to them, at any account, or None."""
        wish = select(NEVER_INVITE.c.since).where(NEVER_INVITE.c.person == person.everywhere(self._keyring))
        with self._store.read() as connection:
            return connection.execute(wish).scalar_one_or_none()

    def _rows(
        self, one: Belonging, account_id: int, here: bytes, everywhere: bytes
    ) -> tuple[Mapping[str, object], ...]:
        condition = found_in(one, account_id, here, everywhere)
        if condition is None or one.table is SUBSCRIPTION:
            return ()
        with self._store.read() as connection:
            lists = select(MAIL_LIST.c.id, MAIL_LIST.c.list_id).where(MAIL_LIST.c.account_id == account_id)
            names = {row.id: row.list_id for row in connection.execute(lists)}
            rows = connection.execute(select(one.table).where(condition)).all()
        return tuple(_told(one.table, row, names) | self._opened(one.table, row) for row in rows)

    def _opened(self, table: Table, row: Row[Any]) -> dict[str, object]:
        """Return what is sealed in a row, where it is more than what stands beside it."""
        try:
            if table is LEDGER:
                return open_entry(LedgerEntry(*tuple(row)), self._keyring.open)
            if table is SIGNUP:
                return asdict(open_signup(self._keyring, row))
        except (KeyError, ValueError):
            return {}  # nobody can read it
        return {}


def _told(table: Table, row: Row[Any], lists: Mapping[int, str]) -> dict[str, object]:
    """Return the clear columns of a row that mean something to a person, with the list by its name."""
    told: dict[str, object] = {}
    for column in table.columns:
        value = getattr(row, column.name)
        if column.name == "list_id":
            told["list"] = lists.get(value, "all lists")
        elif column.name not in {"account_id", "id"} and not isinstance(column.type, LargeBinary):
            told[column.name] = value
    return told
