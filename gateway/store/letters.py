"""Letters between who writes them and the worker that sends them; sync.

Who writes (the web process) has no spool, and who has one does not know what to write: the two meet here.

What it promises: a letter that ``write`` has kept is durable and is handed to a spool at least once:
``take`` lends it to one worker for a minute, ``sent`` says that its spool has it; a worker that dies in
between leaves it to another one. One of a kind for each list and address an hour, kept by the table's own
key. The address and the content are sealed with the account's key, and gone when it is sent. Fails with
StoreAway.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, select, update

from gateway.model.address import parse_address
from gateway.model.letter import Letter, LetterKind
from gateway.ports import Keyring
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.schema import LETTER

PAUSE = 3600.0  # seconds between two letters of a kind to an address about a list
_LEASE = 60.0  # seconds that a worker has to put it into its spool

_NEXT = select(func.min(LETTER.c.due_at))

log = structlog.get_logger("letters")


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter that is lent to a worker until ``until``."""

    letter: Letter
    until: float


class Letters:
    """The table of letters. Safe for threads."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._next = store.glance(_NEXT)

    async def next_due(self) -> float | None:
        """Return when the next letter is due, None where there is none; raise StoreAway."""
        due_at: float | None = (await self._next.look())[0]
        return due_at

    def write(self, letter: Letter, now: float) -> bool:
        """Keep a letter to be sent; False where one of its kind was written within the hour."""
        sealed = seal_letter(letter, self._keyring)
        with self._store.write() as connection:
            return put_letter(connection, letter, sealed, now, PAUSE)

    def take(self, now: float, limit: int) -> Sequence[Taken]:
        """Borrow letters that are due, the oldest first."""
        due = select(LETTER).where(LETTER.c.due_at <= now).order_by(LETTER.c.due_at).limit(limit)
        until = now + _LEASE
        with self._store.write() as connection:
            rows = connection.execute(due.with_for_update(skip_locked=True)).all()
            for row in rows:
                connection.execute(update(LETTER).where(_this(row)).values(due_at=until))
        return tuple(Taken(letter, until) for row in rows if (letter := self._open(row)) is not None)

    def sent(self, taken: Taken) -> None:
        """Forget the content of a letter that a spool has, unless another worker has taken it meanwhile."""
        this = and_(*(LETTER.c[name] == value for name, value in _key(taken.letter).items()))
        with self._store.write() as connection:
            connection.execute(
                update(LETTER).where(this, LETTER.c.due_at == taken.until).values(due_at=None, sealed=b"")
            )

    def expire(self, now: float) -> int:
        """Delete what only kept count, and may be written again; return how many."""
        with self._store.write() as connection:
            old = delete(LETTER).where(LETTER.c.due_at.is_(None), LETTER.c.written_at <= now - PAUSE)
            return connection.execute(old).rowcount

    def _open(self, row: Row[Any]) -> Letter | None:
        """Return the letter; None, and no row, where the account was deleted with its key."""
        kind, account_id, list_id = row.kind, row.account_id, row.list_id
        address_hash = row.address_hash
        context = b"letter:%s:%d:%s" % (str(kind).encode(), list_id, address_hash)
        try:
            plain = self._keyring.open(account_id, row.sealed, context)
        except (KeyError, ValueError) as error:
            log.warning("a letter cannot be opened and is dropped", account=account_id, why=repr(error))
            with self._store.write() as connection:
                connection.execute(delete(LETTER).where(_this(row)))
            return None
        to, _, content = plain.partition(b"\0")
        return Letter(
            LetterKind(kind), account_id, list_id, address_hash, parse_address(to.decode()), content
        )


def seal_letter(letter: Letter, keyring: Keyring) -> bytes:
    """Return the address and the content as they rest."""
    plain = str(letter.to).encode() + b"\0" + letter.content
    return keyring.seal(letter.account_id, plain, _context(letter))


def put_letter(connection: Connection, letter: Letter, sealed: bytes, now: float, pause: float) -> bool:
    """Put a letter into the table, in the transaction that makes it due.

    False where one of its kind was written within ``pause`` seconds.
    """
    row = {"written_at": now, "due_at": now, "sealed": sealed}
    statement = dialect.insert(connection, LETTER).values(**_key(letter), **row)
    statement = statement.on_conflict_do_update(
        index_elements=list(LETTER.primary_key.columns), set_=row, where=LETTER.c.written_at <= now - pause
    )
    return connection.execute(statement).rowcount > 0


def drop_letters(
    connection: Connection, account_id: int, list_id: int, address_hash: bytes, kinds: Collection[LetterKind]
) -> None:
    """Take back what no worker has taken yet: it is not sent any more."""
    connection.execute(
        delete(LETTER).where(
            LETTER.c.account_id == account_id,
            LETTER.c.list_id == list_id,
            LETTER.c.address_hash == address_hash,
            LETTER.c.kind.in_([str(kind) for kind in kinds]),
        )
    )


def _key(letter: Letter) -> dict[str, object]:
    return {
        "kind": str(letter.kind),
        "account_id": letter.account_id,
        "list_id": letter.list_id,
        "address_hash": letter.address_hash,
    }


def _this(row: Row[Any]) -> ColumnElement[bool]:
    names = ("kind", "account_id", "list_id", "address_hash")
    return and_(*(LETTER.c[name] == getattr(row, name) for name in names))


def _context(letter: Letter) -> bytes:
    return b"letter:%s:%d:%s" % (str(letter.kind).encode(), letter.list_id, letter.address_hash)
