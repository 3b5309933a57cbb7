"""What is to be erased: jobs that outlive a crash, and the certificates of those that are done; sync.

What it promises: an account whose grace is over has a job from one transaction on, and is restored no
longer; a job stands until its certificate is signed; what it has counted is kept in the very transaction
that deletes. It fails with StoreAway and NoSuchErasure.
"""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select, update

from gateway.model.events import Event, EventType, Scalar, SealedEvent, seal_event
from gateway.model.facts import AccountState
from gateway.model.identity import new_id
from gateway.ports import Keyring
from gateway.store.certificates import Document, Octets, digest
from gateway.store.database import Store
from gateway.store.events import insert_events
from gateway.store.refusals import NoSuchErasure
from gateway.store.schema import ACCOUNT, ERASURE, PROVIDER_ID

_CODE = 10  # octets
KEPT = "kept: "  # begins the names of counts of what was not erased
KEPT_PEOPLE = f"{KEPT}do-not-mail"


class Kind(StrEnum):
    """What is erased."""

    ACCOUNT = "account"
    PERSON = "person"


class Phase(StrEnum):
    """How far it is; each can be done again from its beginning."""

    QUEUE = "queue"  # queued mail, in every shard
    PEOPLE = "people"  # whom the provider keeps as a hash
    KEY = "key"  # the account's key
    ROWS = "rows"  # tables, batch by batch
    FILES = "files"  # freed pages, logs of the databases, what is shared in memory
    DONE = "done"


@dataclass(slots=True)
class Job:
    """One erasure. ``private`` is what the work needs and the certificate must not hold."""

    id: str
    kind: Kind
    account_id: int | None
    phase: Phase
    asked_at: float
    begun_at: float
    counts: Counter[str] = field(default_factory=Counter)
    private: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """An erasure as operators see it. Times are seconds since the epoch."""

    id: str
    kind: Kind
    account_id: int | None
    phase: Phase
    asked_at: float
    finished_at: float | None
    counts: Counter[str]
    certificate: str  # "": it is not done


class Erasures:
    """The book of them."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._octets = octets

    def begin_due(self, now: float) -> int:
        """Make jobs of the accounts whose grace is over; return how many."""
        due = select(ACCOUNT.c.id, ACCOUNT.c.name).where(
            ACCOUNT.c.state == str(AccountState.CANCELLED), ACCOUNT.c.erase_at <= now
        )
        known = select(ERASURE.c.account_id).where(ERASURE.c.kind == str(Kind.ACCOUNT))
        due = due.where(ACCOUNT.c.id.not_in(known.where(ERASURE.c.account_id.is_not(None))))
        with self._store.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return 0  # most of the time; and nobody's write waits for this question
        self._keyring.seal(PROVIDER_ID, b"", b"")  # the provider's key is made outside of the transaction
        with self._store.write() as connection:
            rows = connection.execute(due).all()
            for row in rows:
                code = self._code()
                private = {"code": code, "name_digest": digest(code, row.name)}
                self._insert(connection, Kind.ACCOUNT, row.id, private, now)
        return len(rows)

    def ask_for_person(
        self, address: str, account_id: int | None, keep_do_not_mail: str, now: float
    ) -> tuple[Job, str]:
        """Make a job for a person; return it with the code that only they are to be told.

        ``keep_do_not_mail``: the reason that is kept with their hash; "": nothing is.
        """
        code = self._code()
        private = {"address": address, "digest": digest(code, address), "keep": keep_do_not_mail}
        self._keyring.seal(PROVIDER_ID, b"", b"")  # as above
        with self._store.write() as connection:
            name = self._insert(connection, Kind.PERSON, account_id, private, now)
        return self.job(name), code

    def job(self, which: str) -> Job:
        """Return a job; raise NoSuchErasure where there is none, or none that is still open."""
        query = select(ERASURE).where(ERASURE.c.id == which, ERASURE.c.phase != str(Phase.DONE))
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NoSuchErasure(f"there is no open erasure {which}")
        return self._job(row)

    def open_jobs(self) -> Sequence[Job]:
        """Return what is not done, the oldest first."""
        query = select(ERASURE).where(ERASURE.c.phase != str(Phase.DONE)).order_by(ERASURE.c.id)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        return tuple(self._job(row) for row in rows)

    def listing(self) -> Sequence[Shown]:
        """Return all, the oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(ERASURE).order_by(ERASURE.c.id)).all()
        return tuple(_shown(row) for row in rows)

    def show(self, which: str) -> Shown:
        """Return one; raise NoSuchErasure."""
        with self._store.read() as connection:
            row = connection.execute(select(ERASURE).where(ERASURE.c.id == which)).one_or_none()
        if row is None:
            raise NoSuchErasure(f"there is no erasure {which}")
        return _shown(row)

    def enter(self, job: Job, phase: Phase) -> None:
        """Keep that a phase begins."""
        job.phase = phase
        with self._store.write() as connection:
            note(connection, job)

    def keep_private(self, job: Job) -> None:
        """Keep what the work has found and still needs."""
        with self._store.write() as connection:
            sealed = self._sealed(job.id, job.private)
            connection.execute(update(ERASURE).where(ERASURE.c.id == job.id).values(sealed=sealed))

    def finish(self, job: Job, certificate: Document, now: float) -> None:
        """Keep the certificate, let go of what the work needed, and tell the provider's own events."""
        job.phase = Phase.DONE
        text = json.dumps(certificate, indent=2, ensure_ascii=True)
        event = self._event(job, now)
        with self._store.write() as connection:
            note(connection, job)
            connection.execute(
                update(ERASURE)
                .where(ERASURE.c.id == job.id)
                .values(finished_at=now, sealed=b"", certificate=text)
            )
            insert_events(connection, [event])

    def _insert(
        self, connection: Connection, kind: Kind, account_id: int | None, private: dict[str, Any], now: float
    ) -> str:
        name = new_id(now, self._octets(10))
        connection.execute(
            ERASURE.insert().values(
                id=name,
                kind=str(kind),
                account_id=account_id,
                phase=str(Phase.QUEUE),
                asked_at=now,
                begun_at=now,
                counts="{}",
                sealed=self._sealed(name, private),
                certificate="",
            )
        )
        return name

    def _event(self, job: Job, now: float) -> SealedEvent:
        facts: dict[str, Scalar] = {"erasure": job.id, "kind": str(job.kind), "rows": job.counts.total()}
        if job.account_id is not None:
            facts["account"] = job.account_id
        event = Event(new_id(now, self._octets(10)), EventType.ERASURE, now, PROVIDER_ID, facts=facts)
        return seal_event(event, self._keyring.seal)

    def _job(self, row: Row[Any]) -> Job:
        private = json.loads(self._keyring.open(PROVIDER_ID, row.sealed, _context(row.id)))
        counts = Counter[str](json.loads(row.counts))
        return Job(
            row.id,
            Kind(row.kind),
            row.account_id,
            Phase(row.phase),
            row.asked_at,
            row.begun_at,
            counts,
            private,
        )

    def _sealed(self, name: str, private: dict[str, Any]) -> bytes:
        return self._keyring.seal(PROVIDER_ID, json.dumps(private).encode(), _context(name))

    def _code(self) -> str:
        return self._octets(_CODE).hex()


def note(connection: Connection, job: Job) -> None:
    """Keep how far a job is, within the transaction that got it there."""
    values = {"phase": str(job.phase), "counts": json.dumps(job.counts)}
    connection.execute(update(ERASURE).where(ERASURE.c.id == job.id).values(**values))


def _shown(row: Row[Any]) -> Shown:
    return Shown(
        row.id,
        Kind(row.kind),
        row.account_id,
        Phase(row.phase),
        row.asked_at,
        row.finished_at,
        Counter(json.loads(row.counts)),
        row.certificate,
    )


def _context(name: str) -> bytes:
    return b"erasure:" + name.encode()
