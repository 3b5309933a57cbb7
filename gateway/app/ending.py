"""Erasing accounts and people, all of it: queue, store, shared memory, files, and the certificate in the end.

One process at a time does it, under a lock of its own: the web process in a loop, or a command. What it
promises: a job that was begun is finished, whatever is killed in the middle (each phase can be done again
from its beginning); mail of an account that is on the wire settles first; others' mail flows, for every
step is short and rests as long as it worked. How it fails: a store that is away or a shard that cannot be
read delays the job, with a log line and a count; ``Unfinished`` says why it has to wait.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from gateway.app.sole import sole
from gateway.model.address import parse_address
from gateway.model.instant import rfc3339
from gateway.model.reply import PublicError
from gateway.model.spelling import Rules
from gateway.pipeline.accept import quota_key
from gateway.ports import Clock, Meter
from gateway.settings.schema import AccountsSection
from gateway.spool.errors import ForeignShard
from gateway.spool.removal import Removal, Removed
from gateway.store.account_eraser import AccountEraser, Pace, Stopped
from gateway.store.certificates import Notary, Octets
from gateway.store.database import Store
from gateway.store.erasures import KEPT, Erasures, Job, Kind, Phase
from gateway.store.keys import StoreKeyring
from gateway.store.person import Person
from gateway.store.person_eraser import PersonEraser
from gateway.store.rest import Rest, let_go

log = structlog.get_logger("ending")

LOCK = "erasing.lock"
_PAUSE = 2.0  # seconds between two looks where nothing is to be done
_PAUSE_OPEN = 0.5  # where something is
_LOOK_AGAIN = 0.2  # seconds, for somebody who waits at a terminal
_SETTLED = 3.0  # seconds after the cancellation by which nothing new can come into a spool
"""A change of the account is seen within a second; what a worker had judged before that is kept by then."""

Forget = Callable[[bytes], None]


class Unfinished(Exception):
    """The job goes on later; the message says what it waits for."""


@dataclass(frozen=True, slots=True)
class Means:
    """What erasing takes; what a reload swaps comes as a callable."""

    store: Store
    keyring: StoreKeyring
    state: Path
    settings: Callable[[], AccountsSection]
    rules: Rules
    forget: tuple[Forget, ...]  # quotas, counts of sessions
    clock: Clock
    octets: Octets


class Eraser:
    """Does the jobs; blocks."""

    def __init__(self, means: Means, pace: Pace) -> None:
        self._means = means
        self._book = Erasures(means.store, means.keyring, means.octets)
        self._accounts = AccountEraser(means.store, means.keyring, pace)
        self._people = PersonEraser(means.store, means.keyring, pace)
        self._removal = Removal(means.state / "spool", means.keyring)
        self._notary = Notary(means.store, means.keyring, means.octets)

    def run(self, job: Job) -> None:
        """Do a job from where it is; raise Unfinished, Stopped, StoreAway, sqlite3.Error, ForeignShard."""
        steps: Mapping[Phase, Callable[[Job], None]] = (
            {
                Phase.QUEUE: self._empty_queue,
                Phase.PEOPLE: self._keep_people,
                Phase.KEY: self._destroy_key,
                Phase.ROWS: self._delete_rows,
                Phase.FILES: self._let_go,
            }
            if job.kind is Kind.ACCOUNT
            else {
                Phase.QUEUE: self._take_copies,
                Phase.PEOPLE: self._keep_person,
                Phase.ROWS: self._delete_person,
                Phase.FILES: self._let_go,
            }
        )
        phases = list(steps)
        for phase, following in zip(phases, [*phases[1:], None], strict=True):
            if job.phase is phase:
                steps[phase](job)
                if following is not None:
                    self._book.enter(job, following)
        self._finish(job)

    # An account

    def _empty_queue(self, job: Job) -> None:
        assert job.account_id is not None
        ready = job.asked_at + _SETTLED
        if self._means.clock.now() < ready:
            raise Unfinished("mail that was being taken when the account was cancelled")
        self._note_queue(job, self._removal.of_account(job.account_id))

    def _note_queue(self, job: Job, removed: Removed) -> None:
        """Count what went, and go on only when a look through all shards finds nothing more."""
        job.counts["queue: copies"] += removed.copies
        job.counts["queue: events"] += removed.events
        if not removed.nothing:
            self._book.enter(job, job.phase)
            raise Unfinished(f"{removed.waiting} copies on the wire, then another look at the queue")

    def _keep_people(self, job: Job) -> None:
        self._accounts.keep_people(job, self._means.settings().keep_do_not_mail)

    def _destroy_key(self, job: Job) -> None:
        if "ledger" not in job.private:
            job.private["ledger"] = self._accounts.ledger_head(job)
            self._book.keep_private(job)
        self._accounts.destroy_key(job)
        job.private["key_destroyed_at"] = self._means.clock.now()
        self._book.keep_private(job)

    def _delete_rows(self, job: Job) -> None:
        assert job.account_id is not None
        self._accounts.delete_rows(job)
        for forget in self._means.forget:
            forget(quota_key(job.account_id))

    # A person

    def _take_copies(self, job: Job) -> None:
        person = self._person(job)
        self._note_queue(job, self._removal.of_person(person.is_them, person.is_named, job.account_id))

    def _keep_person(self, job: Job) -> None:
        self._people.keep(job, self._person(job), self._means.clock.now())

    def _delete_person(self, job: Job) -> None:
        person = self._person(job)
        self._people.delete_rows(job, person, self._means.clock.now())
        self._people.silence_events(job, person)
        self._people.silence_answers(job, person)

    def _person(self, job: Job) -> Person:
        return Person(parse_address(job.private["address"]), self._means.rules)

    # Both

    def _let_go(self, job: Job) -> None:
        if job.kind is Kind.ACCOUNT and job.account_id is not None:
            late = self._removal.of_account(job.account_id)  # a shard may have been adopted meanwhile
            if not late.nothing:
                self._note_queue(job, late)
        below = self._means.settings().vacuum_below
        if not self._removal.truncate(below):
            raise Unfinished("a shard of the queue that is in use")
        rest = let_go(self._means.store, below)
        if rest is Rest.BUSY:
            raise Unfinished("the store's file, which is in use")
        job.private["rest"] = str(rest)
        self._book.keep_private(job)

    def _finish(self, job: Job) -> None:
        now = self._means.clock.now()
        self._book.finish(job, self._notary.sign(_certificate(job, now)), now)


def _certificate(job: Job, now: float) -> dict[str, Any]:
    kept = {name: count for name, count in job.counts.items() if name.startswith(KEPT)}
    erased = {name: count for name, count in job.counts.items() if name not in kept}
    document: dict[str, Any] = {
        "erasure": job.id,
        "kind": str(job.kind),
        "asked_at": rfc3339(job.asked_at),
        "finished_at": rfc3339(now),
        "erased": dict(sorted(erased.items())),
        "kept": {name.removeprefix(KEPT): count for name, count in kept.items()},
        "files": job.private.get("rest", ""),
    }
    if job.kind is Kind.ACCOUNT:
        destroyed = job.private.get("key_destroyed_at")
        return document | {
            "account": {
                "number": job.account_id,
                "code": job.private["code"],
                "name_digest": job.private["name_digest"],
            },
            "key_destroyed_at": rfc3339(destroyed) if destroyed else None,
            "ledger": job.private.get("ledger"),
        }
    return document | {"person": job.private["digest"], "account": job.account_id}


class Ending:
    """The loop of the one process that erases."""

    def __init__(self, means: Means, meter: Meter) -> None:
        self._means = means
        self._meter = meter
        self._book = Erasures(means.store, means.keyring, means.octets)
        self._over = threading.Event()
        self._eraser = Eraser(means, Pace(stopping=self._over.is_set, rest=self._over.wait))

    async def run(self) -> None:
        """Erase what is due, until cancelled; then the step that is being done is the last."""
        left = 0
        while True:
            left = 0
            try:
                async with sole(self._means.state / LOCK):
                    left = await self._to_the_end(self.round)
            except OSError as error:  # no room for the lock's file: the pages go on
                log.warning("erasing waits for its lock", why=str(error))
            except Exception:  # whatever it is, the pages go on
                log.exception("a round of erasing failed")
            await asyncio.sleep(_PAUSE_OPEN if left else _PAUSE)

    async def _to_the_end(self, work: Callable[[], int]) -> int:
        """Work in a thread; nobody else has the lock before it is over."""
        thread = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            self._over.set()
            with contextlib.suppress(Exception):  # or a fault of the last step would hide that we are to end
                await thread
            raise

    def round(self) -> int:
        """Begin what is due and work on every job once; return how many are open still."""
        try:
            self._book.begin_due(self._means.clock.now())
            jobs = self._book.open_jobs()
        except PublicError as error:
            log.warning("erasing waits for the store", why=str(error))
            return 0
        left = sum(not self._attempt(job) for job in jobs)
        self._meter.gauge("erasures_open", left)
        return left

    def _attempt(self, job: Job) -> bool:
        try:
            self._eraser.run(job)
        except Stopped:
            return False
        except Unfinished as error:
            log.info("erasure waits", erasure=job.id, phase=str(job.phase), why=str(error))
        except (PublicError, sqlite3.Error, ForeignShard, OSError) as error:
            log.warning("erasure waits", erasure=job.id, phase=str(job.phase), why=repr(error))
            self._meter.count("erasures_total", kind=str(job.kind), result="delayed")
        except Exception:  # whatever it is, the other jobs go on
            log.exception("erasure failed", erasure=job.id, phase=str(job.phase))
            self._meter.count("erasures_total", kind=str(job.kind), result="delayed")
        else:
            log.info("erased", erasure=job.id, kind=str(job.kind), rows=job.counts.total())
            self._meter.count("erasures_total", kind=str(job.kind), result="done")
            return True
        return False


async def erase_now(means: Means, which: str, patience: float) -> bool:
    """Do one job in this process; False where it waits for something still after ``patience`` seconds.

    A running gateway goes on with it then. Raise StoreAway, sqlite3.Error, ForeignShard.
    """
    book, eraser = Erasures(means.store, means.keyring, means.octets), Eraser(means, Pace())
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        async with sole(means.state / LOCK):
            job = next((one for one in book.open_jobs() if one.id == which), None)
            if job is None:
                return True  # the gateway was faster
            with contextlib.suppress(Unfinished):
                await asyncio.to_thread(eraser.run, job)
                return True
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_LOOK_AGAIN)
