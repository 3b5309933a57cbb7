"""The consent ledger at rest: entries are added in the transaction of the change that they tell of.

What it promises: the entries of an account are one chain, in the order of the commits, whichever process
writes them: the account's row in ``ledger_head`` is locked from the reading of the last hash to the commit
(SQLite has one writer at a time in any case). So ``append`` comes after a transaction's other changes, and
before its events; whoever writes for several accounts takes them in the order of their numbers, and nobody
waits for somebody who waits for them. How it fails: as the transaction does, and then neither the change nor
its entry is there.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, update

from gateway.model.ledger import (
    BEGINNING,
    SYSTEM,
    Act,
    Deed,
    Entry,
    Origin,
    SealedDeed,
    chain,
    open_entry,
    seal_deed,
    text_hash,
)
from gateway.ports import Keyring
from gateway.store import dialect
from gateway.store.schema import INVITATION, LEDGER, LEDGER_HEAD, SHOWN_TEXT

# Made once: a departure by one click waits for them.
_INSERT = LEDGER.insert()
_MINE = LEDGER_HEAD.c.account_id == bindparam("account")
_LOOK = select(LEDGER_HEAD.c.number, LEDGER_HEAD.c.hash).where(_MINE).with_for_update()
_MOVE = update(LEDGER_HEAD).where(_MINE).values(number=bindparam("place"), hash=bindparam("last"))


def append(
    connection: Connection, keyring: Keyring, account_id: int, deeds: Iterable[Deed], now: float
) -> None:
    """Add one entry or ten thousand."""
    sealed = [seal_deed(deed, account_id, now, keyring.seal) for deed in deeds]
    append_sealed(connection, keyring, account_id, sealed)


def append_sealed(
    connection: Connection, keyring: Keyring, account_id: int, deeds: Sequence[SealedDeed]
) -> None:
    """Add entries that were sealed before the transaction began, or at several times."""
    if not deeds:
        return
    for text in {one.text for one in deeds} - {""}:
        _keep_text(connection, keyring, account_id, text)
    number, last = _take_head(connection, account_id)
    entries = list(chain(account_id, number, last, deeds))
    dialect.insert_rows(connection, _INSERT, [_row(one) for one in entries])
    dialect.run(connection, _MOVE, account=account_id, place=entries[-1].number, last=entries[-1].hash)


def erase(  # noqa: PLR0917 - whose, and when
    connection: Connection,
    keyring: Keyring,
    account_id: int,
    address_hash: bytes,
    now: float,
    also: Iterable[int] = (),
) -> int:
    """Empty a person's entries, and say so in one that names nobody; return how many there were.

    ``also``: the numbers of entries about others that name them (``recommended_by``).
    """
    empty_them = update(LEDGER).where(LEDGER.c.account_id == account_id).values(subject=b"", sealed=b"")
    emptied = connection.execute(empty_them.where(LEDGER.c.subject == address_hash)).rowcount
    for number in also:
        this = empty_them.where(LEDGER.c.number == number, LEDGER.c.subject != b"")
        emptied += connection.execute(this).rowcount
    if emptied:
        # Their number and not which: together they would still tell of one person.
        deed = Deed(Act.ERASED, 0, b"", Origin(SYSTEM, "erasure"), {"entries": emptied})
        append(connection, keyring, account_id, [deed], now)
    return emptied


def recommended_by(
    connection: Connection, keyring: Keyring, account_id: int, address_hash: bytes
) -> list[int]:
    """Return the numbers of the entries in which a person recommends a list: about a friend, and with a name.

    It opens each invitation's entry of the account, so it is asked outside of a transaction that writes.
    """
    friends = select(INVITATION.c.address_hash).where(INVITATION.c.account_id == account_id).distinct()
    found = []
    for friend in connection.execute(friends).scalars():
        here = select(LEDGER).where(of_person(account_id, friend), LEDGER.c.act == str(Act.RECOMMENDED))
        for row in connection.execute(here):
            entry = Entry(*row)
            with suppress(KeyError, ValueError):  # nobody can read it
                if open_entry(entry, keyring.open).get("by") == address_hash.hex():
                    found.append(entry.number)
    return found


def empty(connection: Connection, account_id: int, deed: Deed, at: float) -> int:
    """Empty the one entry of a deed that came to nothing, such as a sign-up that nobody confirmed.

    Return how many there were: the entry that tells of it has them as its fact "entries", and
    gateway.store.audit counts both.
    """
    return connection.execute(
        update(LEDGER)
        .where(
            of_person(account_id, deed.subject),
            LEDGER.c.list_id == deed.list_id,
            LEDGER.c.act == str(deed.act),
            LEDGER.c.at == at,
        )
        .values(subject=b"", sealed=b"")
    ).rowcount


def of_person(account_id: int, subject: bytes) -> ColumnElement[bool]:
    """The condition that a person's entries fulfil, found by their index.

    Said in one step SQLite would go through all of the account's entries: it takes the key's first column
    for as good as the index.
    """
    numbers = select(LEDGER.c.number).where(LEDGER.c.account_id == account_id, LEDGER.c.subject == subject)
    return and_(LEDGER.c.account_id == account_id, LEDGER.c.number.in_(numbers))


def text_context(digest: bytes) -> bytes:
    """Return what a kept text's seal is bound to."""
    return b"shown text:" + digest


def _keep_text(connection: Connection, keyring: Keyring, account_id: int, text: str) -> None:
    digest = text_hash(text)
    there = select(SHOWN_TEXT.c.hash).where(
        SHOWN_TEXT.c.account_id == account_id, SHOWN_TEXT.c.hash == digest
    )
    if connection.execute(there).one_or_none() is None:
        sealed = keyring.seal(account_id, text.encode(), text_context(digest))
        row = dialect.insert(connection, SHOWN_TEXT).values(account_id=account_id, hash=digest, sealed=sealed)
        connection.execute(row.on_conflict_do_nothing())  # another process may have been faster


def _take_head(connection: Connection, account_id: int) -> tuple[int, bytes]:
    """Return the last entry's number and hash, and keep others from appending until the commit."""
    row = dialect.run(connection, _LOOK, account=account_id).one_or_none()
    if row is None:
        first = dialect.insert(connection, LEDGER_HEAD).values(
            account_id=account_id, number=0, hash=BEGINNING
        )
        connection.execute(first.on_conflict_do_nothing())
        row = dialect.run(connection, _LOOK, account=account_id).one()
    return row.number, row.hash


def _row(entry: Entry) -> tuple[object, ...]:
    """Return the values in the order of the table's columns."""
    return (
        entry.account_id,
        entry.number,
        entry.at,
        entry.list_id,
        str(entry.act),
        entry.subject,
        entry.sealed,
        entry.digest,
        entry.hash,
    )
