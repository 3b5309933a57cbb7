"""A person's erasure in the store: rows that are found by their hashes, and events that name them; sync.

What it promises: whatever is found by their hash at an account, or by the provider's own, goes in one
transaction for each account; an event stays for the sake of the others' figures, without what is sealed in
it and without their hash; an answer that the API keeps is emptied. Every step can be done again. It fails
with StoreAway and Stopped.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from gateway.model.events import Event, open_event, to_json
from gateway.store import dialect, ledger
from gateway.store.account_eraser import Pace
from gateway.store.belongings import BELONGINGS, Belonging, found_in
from gateway.store.database import Store
from gateway.store.do_not_mail import keep, lift
from gateway.store.erasures import KEPT_PEOPLE, Job, note
from gateway.store.events import sealed_event
from gateway.store.idempotency import BEGINNING, answers_after, empty, texts_of
from gateway.store.keys import StoreKeyring
from gateway.store.person import Person
from gateway.store.schema import ACCOUNT, DO_NOT_MAIL, EVENT, IDEMPOTENCY, LEDGER, NEVER_INVITE

_READ = 2000  # events, answers

Marks = frozenset[str]
"""Hashes of a person, in hexadecimal, as facts have them."""


class PersonEraser:
    """Erases people from the store."""

    def __init__(self, store: Store, keyring: StoreKeyring, pace: Pace) -> None:
        self._store = store
        self._keyring = keyring
        self._pace = pace

    def keep(self, job: Job, person: Person, now: float) -> None:
        """Keep the provider's own hash of them, where that is wanted, or let go of it."""
        everywhere = person.everywhere(self._keyring)
        with self._store.write() as connection:
            if reason := job.private.get("keep"):
                job.counts[KEPT_PEOPLE] += keep(connection, [(everywhere, reason, now)])
                row = dialect.insert(connection, NEVER_INVITE).values(person=everywhere, since=now)
                connection.execute(row.on_conflict_do_nothing())
            elif job.account_id is None:
                job.counts[DO_NOT_MAIL.name] += lift(connection, everywhere)
                wish = delete(NEVER_INVITE).where(NEVER_INVITE.c.person == everywhere)
                job.counts[NEVER_INVITE.name] += connection.execute(wish).rowcount
            note(connection, job)

    def delete_rows(self, job: Job, person: Person, now: float) -> None:
        """Delete what is found by their hashes, account by account; the ledger's entries are emptied."""
        everywhere = person.everywhere(self._keyring)
        for _, account_id in zip(self._pace.steps(), self._accounts(job), strict=False):
            here = person.at(self._keyring, account_id)
            if here is None:
                continue
            with self._store.read() as connection:
                also = ledger.recommended_by(connection, self._keyring, account_id, here)
            with self._store.write() as connection:
                for one in (one for one in BELONGINGS if one.person and one.table is not LEDGER):
                    job.counts[one.table.name] += _delete(connection, one, account_id, here, everywhere)
                emptied = ledger.erase(connection, self._keyring, account_id, here, now, also)
                job.counts[LEDGER.name] += emptied
                note(connection, job)

    def silence_events(self, job: Job, person: Person) -> None:
        """Take them out of the events that name them, page by page."""
        marks: dict[int, Marks] = {}
        place = 0
        for _ in self._pace.steps():
            with self._store.read() as connection:
                rows = connection.execute(_events_after(place, job.account_id)).all()
            found = [one for row in rows if (one := self._silenced(row, person, marks)) is not None]
            if found:
                with self._store.write() as connection:
                    for this, facts in found:
                        changed = update(EVENT).where(EVENT.c.place == this).values(facts=facts, data=b"")
                        job.counts["event"] += connection.execute(changed).rowcount
                    note(connection, job)
            if len(rows) < _READ:
                return
            place = rows[-1].place

    def silence_answers(self, job: Job, person: Person) -> None:
        """Empty what the API's answers keep of them, page by page.

        After their rows: an answer is written with its row, so no earlier one is missed.
        """
        place = BEGINNING
        for _ in self._pace.steps():
            with self._store.read() as connection:
                rows = connection.execute(answers_after(place, job.account_id, _READ)).all()
            found = [row for row in rows if any(map(person.names, texts_of(row, self._keyring)))]
            if found:
                with self._store.write() as connection:
                    job.counts[IDEMPOTENCY.name] += sum(empty(connection, row) for row in found)
                    note(connection, job)
            if len(rows) < _READ:
                return
            place = rows[-1].account_id, rows[-1].mark

    def events_of(self, person: Person, account_id: int | None = None) -> Iterator[Event]:
        """Yield the events that name them, in the order of the store."""
        marks: dict[int, Marks] = {}
        place = 0
        while True:
            with self._store.read() as connection:
                rows = connection.execute(_events_after(place, account_id)).all()
            for row in rows:
                if (event := self._named(row, person, marks)) is not None:
                    yield event
            if len(rows) < _READ:
                return
            place = rows[-1].place

    def _silenced(self, row: Row[Any], person: Person, marks: dict[int, Marks]) -> tuple[int, str] | None:
        event = self._named(row, person, marks)
        if event is None:
            return None
        theirs = self._marks(event.account_id, person, marks)
        facts = {name: value for name, value in event.facts.items() if value not in theirs}
        return row.place, to_json(facts)

    def _named(self, row: Row[Any], person: Person, marks: dict[int, Marks]) -> Event | None:
        """Return the event if it names them: by a hash of theirs, or in what is sealed."""
        try:
            event = open_event(sealed_event(row), self._keyring.open)
        except (KeyError, ValueError):
            return None  # nobody can read it
        theirs = self._marks(event.account_id, person, marks)
        if any(value in theirs for value in event.facts.values()):
            return event
        return event if person.is_named(event.data) else None

    def _marks(self, account_id: int, person: Person, marks: dict[int, Marks]) -> Marks:
        """Return what events of an account call them: their hash there, and the provider's own."""
        known = marks.get(account_id)
        if known is None:
            hashes = person.at(self._keyring, account_id), person.everywhere(self._keyring)
            known = marks[account_id] = frozenset(one.hex() for one in hashes if one is not None)
        return known

    def _accounts(self, job: Job) -> Sequence[int]:
        if job.account_id is not None:
            return (job.account_id,)
        with self._store.read() as connection:
            return connection.execute(select(ACCOUNT.c.id).order_by(ACCOUNT.c.id)).scalars().all()


def _delete(connection: Connection, one: Belonging, account_id: int, here: bytes, everywhere: bytes) -> int:
    condition = found_in(one, account_id, here, everywhere)
    return 0 if condition is None else connection.execute(delete(one.table).where(condition)).rowcount


def _events_after(place: int, account_id: int | None) -> Any:
    query = select(EVENT).where(EVENT.c.place > place)
    if account_id is not None:
        # Said so that no index on it is used: each page would sort all that is left of the account's events.
        query = query.where(EVENT.c.account_id + 0 == account_id)
    return query.order_by(EVENT.c.place).limit(_READ)
