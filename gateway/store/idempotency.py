"""Changes that are made once, however often they are asked for (draft-ietf-httpapi-idempotency-key-header).

What it promises: the change and the answer to it are one transaction, so that a process that is killed at any
moment has done both or nothing, and the same request gets the answer that the first one got. A key is its
account's own. It is kept for a day; what rests of a request is a hash, and the answer rests sealed. When a
person is erased, the answers that name them are emptied: the request stays done, and is not done again.
How it fails: with StoreAway, and then nothing is done; a refusal is not kept, because it changed nothing.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from gateway.ports import Keyring
from gateway.store.database import Store
from gateway.store.joined import JoinedStore
from gateway.store.schema import IDEMPOTENCY

KEPT = 86_400.0  # seconds
_AT_ONCE = 100  # keys that are forgotten by one request: more than come
_ERASED = b""  # in the place of an answer; what is sealed is never empty


@dataclass(frozen=True, slots=True)
class Once:
    """What a request is known by. ``mark``: the account's own hash of the key; ``print``: of the request."""

    account_id: int
    mark: bytes
    print: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer, of now or of the first time."""

    answer: bytes
    again: bool


@dataclass(frozen=True, slots=True)
class Reused:
    """The key came with another request before."""


@dataclass(frozen=True, slots=True)
class Erased:
    """It was done, and its answer was erased with the person whom it named."""


Work = Callable[[Store], bytes]
"""Changes something in the store that it is given, and returns the answer, JSON; what it raises undoes it."""

Place = tuple[int, bytes]
"""Account and mark: the order in which answers are looked through."""

BEGINNING: Place = (-1, b"")


class Idempotency:
    """The requests of all accounts. Safe for threads."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def do(self, once: Once, work: Work, now: float) -> Kept | Reused | Erased:
        """Do it, or say what came of it; raise StoreAway, and what ``work`` raises."""
        try:
            return self._do(once, work, now)
        except IntegrityError:
            # Another process committed the same key since we looked; anything else is raised anew.
            return self._do(once, work, now)

    def forget(self, now: float) -> int:
        """Forget some of what is older than a day, where no request comes that would; return how many."""
        with self._store.write() as connection:
            return self._forget(connection, now)

    def _do(self, once: Once, work: Work, now: float) -> Kept | Reused | Erased:
        with self._store.write() as connection:
            self._forget(connection, now)
            found = self._find(connection, once, now)
            if found is not None:
                return found
            answer = work(JoinedStore(self._store, connection))
            connection.execute(
                IDEMPOTENCY.insert().values(
                    account_id=once.account_id,
                    mark=once.mark,
                    print=once.print,
                    at=now,
                    sealed=self._keyring.seal(once.account_id, answer, _context(once.mark)),
                )
            )
        return Kept(answer, again=False)

    def _find(self, connection: Connection, once: Once, now: float) -> Kept | Reused | Erased | None:
        this = IDEMPOTENCY.c
        row = connection.execute(
            select(this.print, this.sealed).where(
                this.account_id == once.account_id, this.mark == once.mark, this.at > now - KEPT
            )
        ).one_or_none()
        if row is None:
            # One that is over, and was not forgotten yet, makes room.
            connection.execute(
                delete(IDEMPOTENCY).where(this.account_id == once.account_id, this.mark == once.mark)
            )
            return None
        if row.print != once.print:
            return Reused()
        if row.sealed == _ERASED:
            return Erased()
        return Kept(self._keyring.open(once.account_id, row.sealed, _context(once.mark)), again=True)

    @staticmethod
    def _forget(connection: Connection, now: float) -> int:
        this = IDEMPOTENCY.c
        query = select(this.account_id, this.mark).where(this.at <= now - KEPT).order_by(this.at)
        old = connection.execute(query.limit(_AT_ONCE)).all()
        for row in old:
            connection.execute(
                delete(IDEMPOTENCY).where(this.account_id == row.account_id, this.mark == row.mark)
            )
        return len(old)


def answers_after(place: Place, account_id: int | None, limit: int) -> Select[Any]:
    """Return the question for the answers behind a place, of one account or of all."""
    this = IDEMPOTENCY.c
    query = select(this.account_id, this.mark, this.sealed).where(
        tuple_(this.account_id, this.mark) > place, this.sealed != _ERASED
    )
    if account_id is not None:
        query = query.where(this.account_id == account_id)
    return query.order_by(this.account_id, this.mark).limit(limit)


def texts_of(row: Row[Any], keyring: Keyring) -> Iterator[str]:
    """Yield every text in an answer; none where nobody can read it any more."""
    try:
        answer = json.loads(keyring.open(row.account_id, row.sealed, _context(row.mark)))
    except (KeyError, ValueError):
        return
    yield from _texts(answer)


def empty(connection: Connection, row: Row[Any]) -> int:
    """Erase an answer; return how many were."""
    this = IDEMPOTENCY.c
    these = update(IDEMPOTENCY).where(this.account_id == row.account_id, this.mark == row.mark)
    return connection.execute(these.values(sealed=_ERASED)).rowcount


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _context(mark: bytes) -> bytes:
    return b"answer:" + mark
