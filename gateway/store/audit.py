"""Checks a consent ledger from its first entry to its last, and reads it.

What it promises: a field that was changed, an entry that was removed, added or moved, a tail that was cut off
behind the back of the program, a text that is not the one that was shown: each is found, and the first wrong
entry is named. Every seal is opened: whoever has the database but not the account's key can write or alter no
entry. Who makes all hashes anew can still leave entries out, or put the whole back to an earlier state; that
is found by a head that somebody has noted elsewhere, and by nothing else. Entries that are empty must be
accounted for by entries that tell of an erasure. Memory does not grow with the ledger.

How it fails: with StoreAway, and with KeyError where the account's key is gone. What it finds is a value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from gateway.model.ledger import BEGINNING, Entry, open_entry, text_hash, what_is_wrong
from gateway.ports import Keyring
from gateway.store import dialect
from gateway.store.bounded import Bounded
from gateway.store.database import Store
from gateway.store.ledger import of_person, text_context
from gateway.store.schema import LEDGER, LEDGER_HEAD, SHOWN_TEXT

_PAGE = 1000  # entries
_TEXTS = 1000  # hashes of texts that were checked, kept in memory


@dataclass(frozen=True, slots=True)
class Noted:
    """A head that somebody has noted earlier; ``number`` 0: they noted the hash alone."""

    hash: bytes
    number: int = 0


@dataclass(frozen=True, slots=True)
class Wrong:
    """The first entry that is not as it was written; ``number`` 0: it cannot be told which."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What a check found. ``emptied``: entries of people who were erased."""

    count: int
    head: bytes
    emptied: int
    wrong: Wrong | None


class Auditor:
    """Reads and checks the ledgers of accounts."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def check(self, account_id: int, noted: Noted | None = None) -> Audit:
        """Check the whole ledger; ``noted``: a head that must be in it."""
        with self._store.read() as connection:
            dialect.see_one_state(connection)
            check = _Check(connection, self._keyring, account_id, noted)
            wrong = check.run()
        return Audit(check.number, check.last, check.emptied, wrong)

    def entries_of(self, account_id: int, subject: bytes) -> tuple[Entry, ...]:
        """Return a person's entries, oldest first."""
        query = select(LEDGER).where(of_person(account_id, subject)).order_by(LEDGER.c.number)
        with self._store.read() as connection:
            rows = connection.execute(query)
            return tuple(Entry(*row) for row in rows)

    def latest(self, account_id: int, limit: int) -> tuple[Entry, ...]:
        """Return an account's last entries, oldest first."""
        query = select(LEDGER).where(LEDGER.c.account_id == account_id)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(LEDGER.c.number.desc()).limit(limit)).all()
        return tuple(Entry(*row) for row in reversed(rows))

    def hash_before(self, entry: Entry) -> bytes:
        """Return the hash that an entry follows."""
        if entry.number == 1:
            return BEGINNING
        before = (LEDGER.c.account_id == entry.account_id, LEDGER.c.number == entry.number - 1)
        with self._store.read() as connection:
            return bytes(connection.execute(select(LEDGER.c.hash).where(*before)).scalar_one())

    def details(self, entry: Entry) -> dict[str, Any]:
        """Return what is sealed in an entry; raise KeyError, ValueError."""
        return open_entry(entry, self._keyring.open)

    def text(self, account_id: int, digest: bytes) -> str:
        """Return a text that was shown; raise KeyError where it is gone, ValueError."""
        with self._store.read() as connection:
            return _text(connection, self._keyring, account_id, digest)


class _Check:
    """One walk along a ledger."""

    def __init__(
        self, connection: Connection, keyring: Keyring, account_id: int, noted: Noted | None
    ) -> None:
        self._connection = connection
        self._keyring = keyring
        self._account_id = account_id
        self._noted = noted
        self._texts: Bounded[str, bool] = Bounded(_TEXTS)
        self._told = 0  # emptied entries, as others tell of them
        self._first_emptied = 0
        self.number = 0
        self.last = BEGINNING
        self.emptied = 0

    def run(self) -> Wrong | None:
        """Walk to the end, or to the first entry that is wrong."""
        if self._is_noted():
            self._noted = None
        for entry in self._entries():
            why = what_is_wrong(entry, self.number + 1, self.last) or self._look_into(entry)
            if why:
                return Wrong(self.number + 1, why)
            self.number, self.last = entry.number, entry.hash
            if self._is_noted():
                self._noted = None
            elif self._noted and self._noted.number == self.number:
                return Wrong(self.number, "it has another hash than the one that was noted")
        return self._wrong_end() or self._wrong_sum()

    def _entries(self) -> Iterator[Entry]:
        query = select(LEDGER).where(LEDGER.c.account_id == self._account_id).order_by(LEDGER.c.number)
        rows: Sequence[Any] = self._connection.execute(query.limit(_PAGE)).all()
        while rows:
            yield from (Entry(*row) for row in rows)
            after = LEDGER.c.number > rows[-1].number
            rows = self._connection.execute(query.where(after).limit(_PAGE)).all()

    def _is_noted(self) -> bool:
        noted = self._noted
        return noted is not None and noted.hash == self.last and noted.number in {0, self.number}

    def _look_into(self, entry: Entry) -> str:
        """Open what is sealed; return what is wrong with it."""
        if entry.is_emptied:
            self.emptied += 1
            self._first_emptied = self._first_emptied or entry.number
            return ""
        try:
            details = open_entry(entry, self._keyring.open)
        except ValueError:
            return "its confidential part was not written with the account's key, or for another entry"
        self._told += int(details.get("entries", 0))
        return self._wrong_text(str(details.get("text", "")))

    def _wrong_text(self, digest: str) -> str:
        if not digest or self._texts.get(digest):
            return ""
        try:
            _text(self._connection, self._keyring, self._account_id, bytes.fromhex(digest))
        except KeyError:
            return "the text that was shown is gone"
        except ValueError:
            return "the text that was shown was changed"
        self._texts.put(digest, True)
        return ""

    def _wrong_end(self) -> Wrong | None:
        """Hold the last entry against the head, and the head against the one that was noted."""
        mine = LEDGER_HEAD.c.account_id == self._account_id
        head = self._connection.execute(select(LEDGER_HEAD).where(mine)).one_or_none()
        number, last = (head.number, head.hash) if head else (0, BEGINNING)
        if number > self.number:
            return Wrong(self.number + 1, f"it is missing, with all up to entry {number}")
        if number < self.number:
            return Wrong(number + 1, f"it was added behind the head, which is entry {number}")
        if last != self.last:
            return Wrong(self.number, "it is not the head that was written last")
        if self._noted and self._noted.number > self.number:
            return Wrong(self.number + 1, f"it is missing; entry {self._noted.number} was the head once")
        return Wrong(0, "no entry has the hash that was noted") if self._noted else None

    def _wrong_sum(self) -> Wrong | None:
        if self.emptied == self._told:
            return None
        why = f"{self.emptied} entries are empty, and the ledger tells of {self._told} that were erased"
        return Wrong(self._first_emptied, why)


def _text(connection: Connection, keyring: Keyring, account_id: int, digest: bytes) -> str:
    this = (SHOWN_TEXT.c.account_id == account_id, SHOWN_TEXT.c.hash == digest)
    sealed = connection.execute(select(SHOWN_TEXT.c.sealed).where(*this)).scalar_one_or_none()
    if sealed is None:
        raise KeyError("the text is gone")
    text = keyring.open(account_id, sealed, text_context(digest)).decode()
    if text_hash(text) != digest:
        raise ValueError("the text is not the one of its hash")
    return text
