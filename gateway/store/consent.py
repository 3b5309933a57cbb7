"""The consent book: what is known of an address at an account, for every recipient of every message.

What it promises: one query for each account that is asked about, which sees what was committed last. It fails
with StoreAway and connects anew at the next question. Nothing waits for a lock on the event loop.

It is the shortest way that the driver has: the statement is built by SQLAlchemy once for each number of
addresses, and run on the bare cursor. A thread of its own with a connection of its own answers what is long
or has to wait. A short question to SQLite (a read of a few pages, which in WAL no writer can block) is
answered where it is asked: handing it over to a thread and back takes 0.1 ms of CPU, the query 0.02 ms.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, bindparam, literal_column, select, union_all
from sqlalchemy.engine.interfaces import Dialect

from gateway.model.facts import Basis, Bonds, Subscription, SubscriptionState, Suppression
from gateway.model.reply import StoreAway
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.schema import SUBSCRIPTION, SUPPRESSION

T = TypeVar("T")
Key = tuple[int, bytes]
_Row = tuple[bytes, int, str, str, float, float]

_LARGEST = 512  # addresses in one statement
_SHORT = 16  # addresses that are looked up on the event loop
_NO_LIST = 0  # marks a suppression among the rows; lists count from 1
_NOTHING = Bonds()
_STATES = {str(state): state for state in SubscriptionState}
_BASES = {str(basis): basis for basis in Basis}


@dataclass(slots=True)
class _Question:
    keys: Sequence[Key]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Sequence[Bonds]]"


class StoreConsentBook:
    """ports.ConsentBook over the store."""

    def __init__(self, store: Store, short: int = _SHORT) -> None:
        """``short``: how many addresses are looked up at once, on the event loop; 0: none."""
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._reader = _Reader(store)
        self._short = short if dialect.answers_at_once(store.engine) else 0
        self._quick = _Reader(store, dialect.never_wait)
        self._quick_is_free = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="consent", daemon=True)
        self._thread.start()

    async def bonds(self, keys: Sequence[Key]) -> Sequence[Bonds]:
        """Return what is known for each (account id, address hash), in order, in one round trip."""
        if len(keys) <= self._short and (bonds := self._at_once(keys)) is not None:
            return bonds
        loop = asyncio.get_running_loop()
        question = _Question(keys, loop, loop.create_future())
        self._questions.put(question)
        return await question.answer

    def close(self) -> None:
        """End the thread and its connection; questions that wait are answered first."""
        self._questions.put(None)
        self._thread.join()
        self._quick.close()

    def _at_once(self, keys: Sequence[Key]) -> Sequence[Bonds] | None:
        """Answer on the event loop where nothing needs waiting for; else None, and the thread is asked."""
        if not self._quick_is_free.acquire(blocking=False):
            return None
        try:
            return self._quick.look_up(keys) if self._quick.is_open else None
        except StoreAway:
            return None  # the thread tries again, with patience
        finally:
            self._quick_is_free.release()

    def _ready_quick(self) -> None:
        """Connect for the event loop too, in the thread: opening may have to wait."""
        with self._quick_is_free, suppress(StoreAway):
            if self._short and not self._quick.is_open:
                self._quick.open()

    def _serve(self) -> None:
        while (question := self._questions.get()) is not None:
            try:
                bonds = self._reader.look_up(question.keys)
            except Exception as error:  # noqa: BLE001 - whatever it was, the one who asked must hear of it
                _tell(question, _fail, error)
            else:
                _tell(question, _settle, bonds)
                self._ready_quick()
        self._reader.close()


def _tell(question: _Question, say: Callable[["asyncio.Future[Sequence[Bonds]]", T], None], what: T) -> None:
    """Answer in the asker's loop."""
    with suppress(RuntimeError):  # the loop was closed
        question.loop.call_soon_threadsafe(say, question.answer, what)


def _settle(answer: "asyncio.Future[Sequence[Bonds]]", bonds: Sequence[Bonds]) -> None:
    if not answer.done():
        answer.set_result(bonds)


def _fail(answer: "asyncio.Future[Sequence[Bonds]]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


@dataclass(slots=True)
class _Gathered:
    """What the rows say of one address."""

    subscriptions: list[Subscription] = field(default_factory=list)
    suppression: Suppression | None = None


def _as_it_is(_: Connection) -> None:
    """The connection needs nothing."""


class _Reader:
    """One connection, used by one thread; ``prepare`` is told of it when it is new."""

    def __init__(self, store: Store, prepare: Callable[[Connection], None] = _as_it_is) -> None:
        self._store = store
        self._prepare = prepare
        self._engine = dialect.reading_each(store.engine)
        self._dialect = store.engine.dialect
        self._connection: Connection | None = None
        self._cursor: Any = None  # the driver's own; DB-API 2.0
        self._generation = -1
        self._statements: dict[int, _Statement] = {}

    def look_up(self, keys: Sequence[Key]) -> Sequence[Bonds]:
        """Answer; raise StoreAway."""
        found: dict[Key, Bonds] = {}
        try:
            cursor = self._cursor if self.is_open else self.open()
            for account_id, group in groupby(sorted(set(keys)), key=itemgetter(0)):
                hashes = [address_hash for _, address_hash in group]
                for start in range(0, len(hashes), _LARGEST):
                    found |= self._ask(cursor, account_id, hashes[start : start + _LARGEST])
        except self._dialect.loaded_dbapi.Error as error:
            self.close()
            raise StoreAway(f"the consent book is away: {error}") from error
        except StoreAway:
            self.close()
            raise
        return [found.get(key, _NOTHING) for key in keys]

    def close(self) -> None:
        """Let the connection go; the next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, and none of those that the store has dropped."""
        return self._connection is not None and self._generation == self._store.generation

    def open(self) -> Any:
        """Connect anew, and return the driver's cursor; raise StoreAway."""
        self.close()
        self._generation = self._store.generation
        with self._store.away():
            self._connection = self._engine.connect()
            self._prepare(self._connection)
            self._cursor = self._connection.connection.cursor()
        return self._cursor

    def _ask(self, cursor: Any, account_id: int, hashes: list[bytes]) -> dict[Key, Bonds]:
        size = _padded(len(hashes))
        statement = self._statements.get(size)
        if statement is None:
            statement = self._statements[size] = _statement(self._dialect, size)
        cursor.execute(statement.text, statement.values(account_id, hashes))
        gathered: dict[bytes, _Gathered] = {}
        for row in cursor.fetchall():
            _put(gathered.setdefault(row[0], _Gathered()), row)
        return {
            (account_id, address_hash): Bonds(tuple(one.subscriptions), one.suppression)
            for address_hash, one in gathered.items()
        }


def _put(one: _Gathered, row: _Row) -> None:
    _, list_id, state, basis, since, paused_until = row
    if list_id == _NO_LIST:
        one.suppression = Suppression(state, since)
    else:
        one.subscriptions.append(Subscription(list_id, _STATES[state], _BASES[basis], since, paused_until))


@dataclass(frozen=True, slots=True)
class _Statement:
    """A query for up to ``size`` addresses, as the driver takes it."""

    text: str
    size: int
    places: tuple[str, ...] | None  # the names in the driver's order; None: it takes them by name
    names: tuple[str, ...]

    def values(self, account_id: int, hashes: list[bytes]) -> Sequence[object] | dict[str, object]:
        """Return the parameters; the last address fills what is left over."""
        filled: list[object] = [account_id, *hashes]
        filled += hashes[-1:] * (self.size - len(hashes))
        if self.places is None:
            return dict(zip(self.names, filled, strict=True))
        # Both halves name the same values in the same order.
        return filled * (len(self.places) // len(filled))


def _padded(count: int) -> int:
    """Few sizes, so that few statements are prepared: exact up to 8, then powers of two."""
    return count if count <= 8 else 1 << (count - 1).bit_length()


def _statement(database: Dialect, size: int) -> _Statement:
    names = ("account", *(f"h{number}" for number in range(size)))
    binds: list[BindParameter[Any]] = [bindparam(name) for name in names]
    compiled = union_all(
        select(
            SUBSCRIPTION.c.address_hash,
            SUBSCRIPTION.c.list_id,
            SUBSCRIPTION.c.state,
            SUBSCRIPTION.c.basis,
            SUBSCRIPTION.c.changed_at,
            SUBSCRIPTION.c.paused_until,
        ).where(SUBSCRIPTION.c.account_id == binds[0], SUBSCRIPTION.c.address_hash.in_(binds[1:])),
        select(
            SUPPRESSION.c.address_hash,
            literal_column(str(_NO_LIST)),
            SUPPRESSION.c.reason,
            literal_column("''"),
            SUPPRESSION.c.since,
            literal_column("0.0"),
        ).where(SUPPRESSION.c.account_id == binds[0], SUPPRESSION.c.address_hash.in_(binds[1:])),
    ).compile(dialect=database)
    return _Statement(str(compiled), size, tuple(compiled.positiontup or ()) or None, names)
