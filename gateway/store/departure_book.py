"""A connection that takes people off lists; sync, for one thread at a time.

What it promises: ``write`` leaves a transaction open that holds all of the departures, their entries in the
consent ledger and their events, or
raises with nothing written; it counts once ``commit`` has returned. The change is compare-and-set: the row
itself says whether somebody was still there, in the same statement that takes them off.
It fails with StoreAway, and connects anew the next time.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, literal_column, update
from sqlalchemy.engine.interfaces import Dialect

from gateway.model.events import EventType, SealedEvent
from gateway.model.facts import SubscriptionState
from gateway.model.ledger import Act, Deed, Origin, SealedDeed, seal_deed
from gateway.model.reply import StoreAway
from gateway.store import dialect
from gateway.store.bond import OF_THEIR_OWN_WILL
from gateway.store.database import Store
from gateway.store.events import insert_events
from gateway.store.ledger import append_sealed
from gateway.store.schema import SUBSCRIPTION
from gateway.store.subscription_rows import Bond, Scribe, standing
from gateway.store.subscriptions import AlreadyUnsubscribed, Unknown, Unsubscribed

Answer = Unsubscribed | AlreadyUnsubscribed | Unknown


@dataclass(frozen=True, slots=True)
class Departure:
    """One wish to leave; ``now`` is in seconds since the epoch, UTC."""

    bond: Bond
    now: float
    origin: Origin
    submission_id: str = ""  # the message whose link or address they used


def _as_it_is(_: Connection) -> None:
    """The connection needs nothing."""


class Book:
    """One connection; ``prepare`` is told of it when it is new."""

    def __init__(
        self, store: Store, scribe: Scribe, prepare: Callable[[Connection], None] = _as_it_is
    ) -> None:
        self._store = store
        self._scribe = scribe
        self._prepare = prepare
        self._engine = dialect.writing(store.engine)
        self._statement = _Statement.of(store.engine.dialect)
        self._connection: Connection | None = None
        self._cursor: Any = None  # the driver's own; DB-API 2.0
        self._generation = -1

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, and none of those that the store has dropped."""
        return self._connection is not None and self._generation == self._store.generation

    def open(self) -> Connection:
        """Connect anew; raise StoreAway."""
        self.close()
        self._generation = self._store.generation
        with self._store.away():
            self._connection = self._engine.connect()
            self._prepare(self._connection)
            self._connection.rollback()
        self._cursor = self._connection.connection.cursor()
        return self._connection

    def close(self) -> None:
        """Let the connection go, with what is not committed; the next departures open another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def write(self, departures: Sequence[Departure]) -> Sequence[Answer]:
        """Take them off, in a transaction that is left open, and say of each what came of it."""
        connection = self._connection if self.is_open else None
        with self._or_nothing():
            connection = connection or self.open()
            connection.begin()
            answers, gone = list[Answer](), list[Departure]()
            for one in departures:
                self._cursor.execute(self._statement.text, self._statement.values(one))
                if self._cursor.rowcount == 1:
                    answers.append(Unsubscribed(one.now))
                    gone.append(one)
                else:
                    answers.append(_why_not(connection, one.bond))
            self._enter(connection, gone)
            insert_events(connection, [self._event(one) for one in gone])
        return answers

    def commit(self) -> None:
        """Make what was written last; raise StoreAway, and nothing is written."""
        with self._or_nothing():
            if self._connection is None:
                raise StoreAway("the connection was lost before the commit")
            self._connection.commit()

    @contextlib.contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """Take back what was written when the block fails; the driver's errors become StoreAway."""
        try:
            with self._store.away():
                yield
        except self._store.engine.dialect.loaded_dbapi.Error as error:
            self.close()
            raise StoreAway(f"the store is away: {error}") from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """End the transaction; a connection that cannot do so is of no more use."""
        try:
            if self._connection is not None:
                self._connection.rollback()
        except Exception:  # noqa: BLE001 - whatever it is, the connection goes
            self.close()

    def _enter(self, connection: Connection, gone: Sequence[Departure]) -> None:
        """Write them into the ledgers of their accounts."""
        keyring = self._scribe.keyring
        deeds: dict[int, list[SealedDeed]] = {}
        for one in gone:
            bond = one.bond
            deed = Deed(Act.UNSUBSCRIBED, bond.list_id, bond.address_hash, one.origin)
            sealed = seal_deed(deed, bond.account_id, one.now, keyring.seal)
            deeds.setdefault(bond.account_id, []).append(sealed)
        for account_id in sorted(deeds):  # two batches never wait for each other
            append_sealed(connection, keyring, account_id, deeds[account_id])

    def _event(self, one: Departure) -> SealedEvent:
        state = SubscriptionState.UNSUBSCRIBED
        return self._scribe.moved(
            EventType.SUBSCRIPTION, one.bond, state, one.origin.via, one.now, one.submission_id
        )


def _why_not(connection: Connection, bond: Bond) -> Answer:
    """Say why the statement found nobody: the transaction sees what it saw."""
    before = standing(connection, bond)
    return Unknown() if before is None else AlreadyUnsubscribed(before.since)


@dataclass(frozen=True, slots=True)
class _Statement:
    """The change of one row, as the driver takes it; compiled once."""

    text: str
    places: tuple[str, ...] | None  # the names in the driver's order; None: it takes them by name

    @classmethod
    def of(cls, database: Dialect) -> "_Statement":
        """Return the statement for a database."""
        columns = SUBSCRIPTION.c
        gone: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in sorted(OF_THEIR_OWN_WILL)]
        compiled = (
            update(SUBSCRIPTION)
            .where(
                columns.account_id == bindparam("account"),
                columns.address_hash == bindparam("person"),
                columns.list_id == bindparam("list"),
                columns.state.not_in(gone),
            )
            .values(
                state=literal_column(f"'{SubscriptionState.UNSUBSCRIBED}'"),
                changed_at=bindparam("now"),
                left_from=columns.state,  # as it was before this statement
            )
            .compile(dialect=database)
        )
        return cls(str(compiled), tuple(compiled.positiontup or ()) or None)

    def values(self, one: Departure) -> Sequence[object] | dict[str, object]:
        """Return the parameters."""
        bond = one.bond
        named: dict[str, object] = {
            "account": bond.account_id, "person": bond.address_hash, "list": bond.list_id, "now": one.now,
        }  # fmt: skip
        return named if self.places is None else [named[place] for place in self.places]
