"""What becomes of sign-ups that nobody answers: one reminder, and then they are erased; sync.

What it promises: each round is transactions of a batch, so a process that is killed has done a batch or has
not; with the sign-up goes the pending subscription that was there for it alone, with the address in both, a
letter that no worker has taken, and what the consent ledger had of whoever asked: its chain holds. How it
fails: with StoreAway, and the rest is the next round's.
"""

import os
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Connection, Row, select, update

from gateway.model.facts import AccountState
from gateway.model.ledger import SYSTEM, Act, Deed, Origin
from gateway.model.signup import Terms
from gateway.ports import Keyring
from gateway.store.database import Store
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.ledger import append, empty
from gateway.store.schema import ACCOUNT, SIGNUP
from gateway.store.signup_rows import bond_of, end_pending, forget, here, open_details, pending_of, waiting
from gateway.store.signups import Write, remind
from gateway.store.subscription_rows import Scribe

_BATCH = 200  # sign-ups in one transaction: a page must not wait long for the lock

_SENDING = [str(state) for state in AccountState if state.may_send]

log = structlog.get_logger("signups")


class SignupRounds:
    """Goes round among the sign-ups of all accounts."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._scribe = Scribe(keyring, EventIds(octets))

    def expire(self, now: float) -> int:
        """Erase a batch of those whose time is over; return how many."""
        query = select(SIGNUP).where(SIGNUP.c.expires_at <= now).order_by(SIGNUP.c.expires_at).limit(_BATCH)
        with self._store.write() as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            for row in rows:
                end_pending(connection, bond_of(row))
                forget(connection, bond_of(row))
            self._enter(connection, rows, now)
            ended = [self._scribe.signed_up(bond_of(row), "expired", b"", now) for row in rows]
            insert_events(connection, ended)
        return len(rows)

    def _enter(self, connection: Connection, rows: Sequence[Row[Any]], now: float) -> None:
        """Write that something expired into the ledgers of its accounts, and empty what was written of it."""
        nobody = Origin(SYSTEM, "nobody confirmed")
        for account_id in sorted({row.account_id for row in rows}):  # two rounds never wait for each other
            deeds = []
            for row in (row for row in rows if row.account_id == account_id):
                # Whoever asked, and from where, goes with the sign-up.
                asked = Deed(Act.SIGNED_UP, row.list_id, row.address_hash, nobody)
                emptied = empty(connection, account_id, asked, row.asked_at)
                deeds.append(Deed(Act.EXPIRED, row.list_id, b"", nobody, {"entries": emptied}))
            try:
                append(connection, self._keyring, account_id, deeds, now)
            except (KeyError, ValueError) as error:  # before anything is written; they expire all the same
                log.warning("expired sign-ups have no entry", account=account_id, why=repr(error))

    def remind(self, write: Write, terms: Terms, now: float) -> int:
        """Send a batch of reminders; return how many.

        None at all where ``terms`` says so, and none for an account that may not write to anybody.
        """
        if not terms.reminder:
            return 0
        due = SIGNUP.c.reminded_at.is_(None) & (SIGNUP.c.asked_at <= now - terms.reminder)
        due &= ACCOUNT.c.state.in_(_SENDING)
        query = waiting(due, SIGNUP.c.expires_at > now).order_by(SIGNUP.c.asked_at).limit(_BATCH)
        with self._store.read() as connection:
            if connection.execute(query.limit(1)).first() is None:
                return 0  # most of the time; and nobody's write waits for this question
        with self._store.write() as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True, of=SIGNUP)).all()
            return sum(self._remind(connection, row, write, now) for row in rows)

    def _remind(self, connection: Connection, row: Row[Any], write: Write, now: float) -> int:
        try:
            pending = pending_of(row, open_details(self._keyring, row))
            remind(connection, self._keyring, pending, write, now)
        except (KeyError, ValueError) as error:  # no key; or names that no field can hold
            log.warning("a sign-up cannot be reminded of", account=row.account_id, why=repr(error))
            connection.execute(update(SIGNUP).where(here(bond_of(row))).values(reminded_at=now))
            return 0
        return 1
