"""How an account ends, and what it accepted before: cancelling, restoring, terms; sync.

What it promises: cancelling stops everything within a second, by the revision that every process watches;
it loses nothing yet. Until ``erase_at`` the account can be restored to the state that it was in, its reason
too; from then on, or once its erasure has begun, it cannot. Each change and its event are one transaction. It
fails with a ``StoreRefusal`` whose text is for the one who asked, and with StoreAway.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, exists, update

from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import Account, AccountState
from gateway.ports import Keyring
from gateway.store.account_rows import bump_revision, read_account
from gateway.store.database import Store
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.refusals import IsCancelled, NoSuchAccount, NotCancelled
from gateway.store.schema import ACCOUNT, ERASURE

_CANCELLED = str(AccountState.CANCELLED)
Facts = Mapping[str, str]


class Endings:
    """What the provider's people do at an account's end."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._ids = EventIds(octets)

    def cancel(self, name: str, reason: str, actor: str, grace: float, now: float) -> Account:
        """Stop an account; it is erased ``grace`` seconds from now. Raise NoSuchAccount, IsCancelled."""
        with self._change() as connection:
            before = _account(connection, name)
            if before.state is AccountState.CANCELLED:
                raise IsCancelled(f"account {name} is cancelled already")
            connection.execute(
                update(ACCOUNT)
                .where(ACCOUNT.c.id == before.id)
                .values(
                    state=_CANCELLED,
                    state_reason=reason,
                    state_changed_at=now,
                    cancelled_at=now,
                    erase_at=now + grace,
                    state_before=str(before.state),
                    reason_before=before.state_reason,
                )
            )
            self._tell_state(connection, before, AccountState.CANCELLED, reason, actor, now)
            return _account(connection, name)

    def restore(self, name: str, actor: str, now: float) -> Account:
        """Put a cancelled account back as it was; raise NoSuchAccount, NotCancelled, IsCancelled."""
        with self._change() as connection:
            before = _account(connection, name)
            if before.state is not AccountState.CANCELLED:
                raise NotCancelled(f"account {name} is not cancelled: it is {before.state}")
            begun = exists().where(ERASURE.c.account_id == ACCOUNT.c.id, ERASURE.c.kind == "account")
            restored = connection.execute(
                update(ACCOUNT)
                .where(ACCOUNT.c.id == before.id, ACCOUNT.c.erase_at > now, ~begun)
                .values(
                    state=ACCOUNT.c.state_before,
                    state_reason=ACCOUNT.c.reason_before,
                    state_changed_at=now,
                    cancelled_at=None,
                    erase_at=None,
                    state_before="",
                    reason_before="",
                )
            )
            if not restored.rowcount:
                raise IsCancelled(f"the time to restore account {name} is over: it is being erased")
            after = _account(connection, name)
            self._tell_state(connection, before, after.state, after.state_reason, actor, now)
            return after

    def accept_terms(self, name: str, version: str, actor: str, now: float) -> Account:
        """Record which terms an account accepted, and when; raise NoSuchAccount, StoreAway."""
        with self._change() as connection:
            account = _account(connection, name)
            if account.terms != version:
                connection.execute(
                    update(ACCOUNT)
                    .where(ACCOUNT.c.id == account.id)
                    .values(terms_version=version, terms_accepted_at=now)
                )
                facts = {"version": version, "before": account.terms}
                self._tell(connection, EventType.TERMS, account.id, facts, {"actor": actor}, now)
            return _account(connection, name)

    def _tell_state(  # noqa: PLR0917 - one change, told once
        self, connection: Connection, before: Account, to: AccountState, reason: str, actor: str, now: float
    ) -> None:
        facts = {"account": before.name, "from": str(before.state), "to": str(to)}
        # An operator's words may name a person.
        data = {"reason": reason, "actor": actor}
        self._tell(connection, EventType.ACCOUNT_STATE, before.id, facts, data, now)

    def _tell(  # noqa: PLR0917 - as above
        self, connection: Connection, kind: EventType, account_id: int, facts: Facts, data: Facts, now: float
    ) -> None:
        event = Event(self._ids.next(now), kind, now, account_id, facts=facts, data=data)
        insert_events(connection, [seal_event(event, self._keyring.seal)])

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        with self._store.write() as connection:
            yield connection
            bump_revision(connection)


def _account(connection: Connection, name: str) -> Account:
    known = read_account(connection, ACCOUNT.c.name == name)
    if known is None:
        raise NoSuchAccount(f"there is no account {name}")
    return known.account
