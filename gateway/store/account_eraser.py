"""The store's part of an account's erasure: whom to keep as a hash, the key, and then row by row; sync.

What it promises: each step is a number of short transactions, with as much time between two of them as one
took, so that nobody else waits long; each can be cut off at any point and done again. The key goes before
the rows: from then on nothing of the account can be read, in no backup either. It fails with StoreAway, and
with ``Stopped`` when it was told to stop.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, tuple_

from gateway.model.address import parse_address
from gateway.model.facts import SubscriptionState
from gateway.ports import Keyring
from gateway.store.account_rows import bump_revision
from gateway.store.belongings import BELONGINGS, delete_some
from gateway.store.database import Store
from gateway.store.do_not_mail import keep
from gateway.store.erasures import KEPT_PEOPLE, Job, note
from gateway.store.keys import StoreKeyring
from gateway.store.schema import LEDGER_HEAD, PROVIDER_ID, SUBSCRIPTION
from gateway.store.subscription_rows import Bond, open_details

_READ = 2000  # rows
_DELETED = 1000  # rows in one transaction

_STATES = {
    "nobody": (),
    "complained": (SubscriptionState.COMPLAINED,),
    "left": (SubscriptionState.COMPLAINED, SubscriptionState.UNSUBSCRIBED),
}


class Stopped(Exception):
    """The process ends; the next one goes on."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How erasing gives way: rests as long as it worked, and stops when it is told to."""

    stopping: Callable[[], bool] = lambda: False
    rest: Callable[[float], object] = time.sleep
    ticks: Callable[[], float] = time.monotonic

    def steps(self) -> Iterator[None]:
        """Yield for each transaction; raise Stopped."""
        while not self.stopping():
            began = self.ticks()
            yield
            self.rest(self.ticks() - began)
        raise Stopped


class AccountEraser:
    """Erases accounts from the store."""

    def __init__(self, store: Store, keyring: StoreKeyring, pace: Pace) -> None:
        self._store = store
        self._keyring = keyring
        self._pace = pace

    def keep_people(self, job: Job, whom: str) -> None:
        """Keep the provider's own hash of those who complained, or left too; ``whom``: ``_STATES``."""
        job.counts[KEPT_PEOPLE] += 0
        states = [str(state) for state in _STATES[whom]]
        if not states or job.account_id is None:
            return
        last: Row[Any] | None = None
        for _ in self._pace.steps():
            rows = self._read_left(job.account_id, states, last)
            people = [one for row in rows if (one := self._person(job.account_id, row)) is not None]
            with self._store.write() as connection:
                job.counts[KEPT_PEOPLE] += keep(connection, people)
                note(connection, job)
            if len(rows) < _READ:
                return
            last = rows[-1]

    def ledger_head(self, job: Job) -> dict[str, Any] | None:
        """Return how many entries the account's ledger has, and the hash of the last: both outlive it."""
        query = select(LEDGER_HEAD).where(LEDGER_HEAD.c.account_id == job.account_id)
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else {"entries": row.number, "head": row.hash.hex()}

    def destroy_key(self, job: Job) -> None:
        """Destroy the key: every process lets go of it within a second."""
        assert job.account_id is not None
        with self._store.write() as connection:
            self._keyring.destroy(connection, job.account_id)
            bump_revision(connection)
            note(connection, job)

    def delete_rows(self, job: Job) -> None:
        """Delete what belongs to the account, table by table, until a look through all finds nothing."""
        assert job.account_id is not None
        found = True
        while found:
            found = False
            for one in BELONGINGS:
                for _ in self._pace.steps():
                    with self._store.write() as connection:
                        count = delete_some(connection, one, job.account_id, _DELETED)
                        job.counts[one.table.name] += count
                        note(connection, job)
                        if count and one.table.name == "account":
                            bump_revision(connection)
                    found |= count > 0
                    if count < _DELETED:
                        break

    def _read_left(self, account_id: int, states: list[str], last: Row[Any] | None) -> list[Row[Any]]:
        place = (SUBSCRIPTION.c.address_hash, SUBSCRIPTION.c.list_id)
        query = select(SUBSCRIPTION).where(
            SUBSCRIPTION.c.account_id == account_id, SUBSCRIPTION.c.state.in_(states)
        )
        if last is not None:
            query = query.where(tuple_(*place) > tuple_(last.address_hash, last.list_id))
        with self._store.read() as connection:
            return list(connection.execute(query.order_by(*place).limit(_READ)).all())

    def _person(self, account_id: int, row: Row[Any]) -> tuple[bytes, str, float] | None:
        bond = Bond(account_id, row.list_id, row.address_hash)
        try:
            address, _ = open_details(self._keyring.open(account_id, row.sealed, bond.context))
        except (KeyError, ValueError):
            return None  # nobody can read it
        return person_hash(self._keyring, address), row.state, row.changed_at


def person_hash(keyring: Keyring, address: str) -> bytes:
    """Return the provider's own hash of an address: the same for all accounts."""
    return keyring.address_hash(PROVIDER_ID, parse_address(address).identity)
