"""What the store knows of one person, for the operator who has to tell them (GDPR article 15); sync.

What it promises: every table in which a person is found by a hash is looked through
(gateway.store.belongings), at every account whose key is there. Subscriptions come opened; of other rows
comes what stands in clear: kinds, states, times. It changes nothing. It fails with StoreAway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, select

from gateway.store.belongings import BELONGINGS, Belonging, found_in
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.person import Person
from gateway.store.schema import ACCOUNT, DO_NOT_MAIL, SUBSCRIPTION
from gateway.store.subscriptions import Shown, Subscriptions


@dataclass(frozen=True, slots=True)
class Known:
    """What one account's tables say of them. ``rows``: the clear columns of rows, by table."""

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

    def _rows(
        self, one: Belonging, account_id: int, here: bytes, everywhere: bytes
    ) -> tuple[Mapping[str, object], ...]:
        condition = found_in(one, account_id, here, everywhere)
        if condition is None or one.table is SUBSCRIPTION:
            return ()
        clear: list[Any] = [
            column for column in one.table.columns if not isinstance(column.type, LargeBinary)
        ]
        with self._store.read() as connection:
            return tuple(dict(row) for row in connection.execute(select(*clear).where(condition)).mappings())
