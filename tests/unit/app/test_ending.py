"""Erasing an account or a person, whole: queue, store, shared memory, files, certificate; cut off anywhere."""

import asyncio
import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store
from sqlalchemy import func, select

from gateway.app.ending import Ending, Eraser, Means, Unfinished, erase_now
from gateway.app.forgetting import forget_erased
from gateway.app.world import SystemEntropy
from gateway.model.address import parse_address
from gateway.model.api_key import Scope
from gateway.model.delivery import Delivery, DeliveryState, Recipient, Sender, Submission
from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import AccountState, Basis, ConsentLevel, OverQuota
from gateway.model.identity import new_id
from gateway.model.ledger import SUBSCRIBER, Origin
from gateway.model.letter import Letter, LetterKind
from gateway.model.notice import NoticeType
from gateway.model.rate import Rate
from gateway.model.recommendation import Recommendation
from gateway.model.spelling import NO_RULES
from gateway.observe.memory import MemoryMeter
from gateway.pipeline.accept import quota_key
from gateway.ports import Parcel
from gateway.settings.schema import AccountsSection, SpoolSection
from gateway.spool.opening import open_shard
from gateway.spool.shard import lock_shard
from gateway.store import database, person_eraser, rest
from gateway.store.account_eraser import Pace, Stopped
from gateway.store.api_keys import ApiKeys
from gateway.store.audit import Auditor
from gateway.store.brands import Brands
from gateway.store.certificates import check, digest
from gateway.store.database import Store
from gateway.store.dkim_keys import DkimKeys
from gateway.store.endings import Endings
from gateway.store.erasures import Erasures, Job, Phase
from gateway.store.events import EventHistory, StoreEvents, insert_events
from gateway.store.idempotency import Erased, Idempotency, Kept, Once, Reused
from gateway.store.invitations import Invitations
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.person import Person
from gateway.store.person_eraser import PersonEraser
from gateway.store.person_file import PersonFile
from gateway.store.presence import SharedPresence, forget_key
from gateway.store.quota import SharedQuota
from gateway.store.registry import Registry
from gateway.store.revision import Revision
from gateway.store.schema import ACCOUNT_KEY, DO_NOT_MAIL, ERASURE, IDEMPOTENCY, LEDGER_HEAD, METADATA
from gateway.store.subscription_rows import Bond
from gateway.store.subscriptions import Subscriptions
from gateway.store.webhooks import Webhooks
from gateway.store.wishes import Wishes

MASTER = bytes(range(32))
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
READERS = [f"reader{number}@readers.example" for number in range(40)]
OURS = "ours.example"
FAIR = Origin("operator ops", "the fair of ours")
PAGE = Origin(SUBSCRIBER, "page", ip="192.0.2.7", text="Leave the list?")


@dataclass
class Clock:
    time: float = 1_000_000.0

    def now(self) -> float:
        return self.time


@dataclass
class House:
    """A store with two tenants, a spool without a worker, and what erases."""

    state: Path
    clock: Clock = field(default_factory=Clock)
    settings: AccountsSection = field(default_factory=lambda: AccountsSection(grace=100.0))

    def __post_init__(self) -> None:
        self.store: Store = fresh_store(self.state / "store.sqlite")
        self.keyring = StoreKeyring(self.store, MASTER)
        self.registry = Registry(self.store, self.keyring, QUICK)
        self.entropy = SystemEntropy()
        self.quota = SharedQuota(self.state / "quota.shm", self.entropy)
        self.subscriptions = Subscriptions(self.store, self.keyring)
        self.book = Erasures(self.store, self.keyring)

    def means(self) -> Means:
        return Means(
            store=self.store,
            keyring=self.keyring,
            state=self.state,
            settings=lambda: self.settings,
            rules=NO_RULES,
            forget=(
                self.quota.forget,
                lambda key: forget_key(self.state / "presence.shm", self.entropy, key),
            ),
            clock=self.clock,
            octets=os.urandom,
        )

    def furnish(self, name: str, domain: str) -> int:
        """Make an account that has a row in every table, or nearly."""
        now = self.clock.now()
        account = self.registry.add_account(
            name, "secret", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, now
        )
        news = self.registry.add_list(name, f"news.{domain}", f"News of {name}", default=True)
        self.registry.add_domain(name, domain, verified=True, now=now)
        DkimKeys(self.store, self.keyring).add(domain, "s1", "rsa", b"private", "v=DKIM1", now)
        self.subscriptions.load(account.id, news.id, READERS, Basis.ASSERTED, FAIR, now)
        hashes = [self.keyring.address_hash(account.id, one) for one in READERS]
        self.subscriptions.unsubscribe(account.id, news.id, hashes[1], now, PAGE)
        self.subscriptions.report(account.id, news.id, hashes[2], now, PAGE)
        Wishes(self.store, self.keyring).leave_all(Bond(account.id, news.id, hashes[3]), now, PAGE)
        ApiKeys(self.store).add(account.id, f"key of {name}", frozenset({Scope.EVENTS_READ}), now)
        Webhooks(self.store, self.keyring).add(
            account.id, f"https://{domain}/hook", frozenset({NoticeType.MESSAGE_BOUNCED}), now
        )
        Brands(self.store).set(name, "#0c5a55", None)
        to = parse_address(READERS[0])
        letter = Letter(
            LetterKind.LEAVING, account.id, news.id, hashes[0], to, b"letter to " + READERS[0].encode()
        )
        Letters(self.store, self.keyring).write(letter, now)
        event = self.event(account.id, READERS[0])
        with self.store.write() as connection:
            insert_events(connection, [seal_event(event, self.keyring.seal)])
        self.quota.reserve(quota_key(account.id), (Rate(1000, 3600),), 0, now)
        return account.id

    def event(self, account_id: int, recipient: str) -> Event:
        name = new_id(self.clock.now(), os.urandom(10))
        data = {"recipient": recipient, "response": f"250 {recipient} ok"}
        return Event(
            name, EventType.DELIVERY, self.clock.now(), account_id, "S", 0, None, {"code": 250}, data
        )

    async def queue(
        self, account_id: int, domain: str = OURS, state: DeliveryState = DeliveryState.QUEUED
    ) -> None:
        """Put a message to two readers into a shard whose worker ends then."""
        spool = await open_shard(
            self.state / "spool", 0, keyring=self.keyring, clock=self.clock, meter=MemoryMeter(),
            settings=SpoolSection(),
        )  # fmt: skip
        content = f"To: {READERS[0]}\r\n\r\nhello".encode()
        name = new_id(self.clock.now(), os.urandom(10))
        sender = Sender(parse_address(f"news@{domain}"))
        submission = Submission(name, account_id, self.clock.now(), sender, len(content), 1, domain)
        deliveries = tuple(
            Delivery(submission, number, Recipient(parse_address(one)), (), state)
            for number, one in enumerate(READERS[:2])
        )
        await spool.put(Parcel(submission, content, deliveries, (self.event(account_id, READERS[0]),)))
        await spool.close()

    def cancel(self, name: str) -> None:
        Endings(self.store, self.keyring).cancel(name, "ended", "ops", self.settings.grace, self.clock.now())

    def after_grace(self) -> None:
        self.clock.time += self.settings.grace
        assert self.book.begin_due(self.clock.now()) == 1
        self.clock.time += 10.0

    def erase(self, pace: Pace | None = None) -> None:
        """Do all jobs, looking again as often as they want."""
        eraser = Eraser(self.means(), pace or Pace(rest=lambda _: None))
        for _ in range(10):
            for job in self.book.open_jobs():
                try:
                    eraser.run(job)
                except Unfinished:
                    continue
            if not self.book.open_jobs():
                return
        raise AssertionError("it never ends")

    def rows(self, account_id: int) -> dict[str, int]:
        """Return how many rows name an account, by table."""
        found = {}
        with self.store.read() as connection:
            for table in METADATA.sorted_tables:
                if "account_id" in table.c and table is not ERASURE:
                    query = select(func.count()).select_from(table).where(table.c.account_id == account_id)
                    found[table.name] = connection.execute(query).scalar_one()
        return found

    def count(self, table) -> int:
        with self.store.read() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def files(self) -> Iterator[tuple[Path, bytes]]:
        for path in self.state.rglob("*"):
            if path.is_file():
                yield path, path.read_bytes()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    state = tmp_path / "state"
    state.mkdir()
    made = House(state)
    yield made
    made.quota.close()
    made.store.close()


def traces(house: House, *words: str | bytes) -> list[tuple[str, bytes]]:
    """Return every file of the state folder that holds any of the words, in whatever case of letters."""
    wanted = [word.encode() if isinstance(word, str) else word for word in words]
    return [(path.name, word) for path, octets in house.files() for word in wanted if word in octets]


async def test_that_nothing_of_an_account_is_left_and_nothing_of_another_is_gone(house: House) -> None:
    ours, theirs = house.furnish("acme-of-ours", OURS), house.furnish("others", "others.example")
    hashes = [house.keyring.address_hash(ours, one) for one in READERS]
    with house.store.read() as connection:
        (wrapped,) = connection.execute(
            select(ACCOUNT_KEY.c.wrapped).where(ACCOUNT_KEY.c.account_id == ours)
        ).scalars()
    await house.queue(ours)
    await house.queue(theirs, "others.example")
    assert traces(house, "acme-of-ours")
    assert traces(house, wrapped)
    before = house.rows(theirs)
    house.cancel("acme-of-ours")
    house.after_grace()
    house.erase()
    assert not any(house.rows(ours).values())
    assert house.rows(theirs) == before
    assert [(one.id) for one in house.registry.accounts()] == [theirs]
    assert traces(house, "acme-of-ours", OURS, "News of acme", wrapped, *hashes) == []
    assert not any("reader" in str(word) for _, word in traces(house, *READERS))  # those of others are sealed
    with pytest.raises(KeyError):
        house.keyring.of(ours)


async def test_the_certificate(house: House) -> None:
    ours = house.furnish("acme", OURS)
    with house.store.read() as connection:
        row = connection.execute(select(LEDGER_HEAD).where(LEDGER_HEAD.c.account_id == ours)).one()
    head = {"entries": row.number, "head": row.hash.hex()}
    await house.queue(ours)
    house.cancel("acme")
    house.after_grace()
    house.erase()
    (shown,) = house.book.listing()
    document = check(shown.certificate, Eraser(house.means(), Pace())._notary.public_key())
    assert document["account"]["number"] == ours
    assert digest(document["account"]["code"], "acme") == document["account"]["name_digest"]
    erased = document["erased"]
    assert erased["subscription"] == len(READERS)
    assert (erased["mail_list"], erased["account"], erased["domain"], erased["dkim_key"]) == (1, 1, 1, 1)
    assert (erased["letter"], erased["webhook"], erased["api_key"], erased["brand"]) == (1, 1, 1, 1)
    assert (erased["queue: copies"], erased["queue: events"]) == (2, 1)
    assert document["key_destroyed_at"]
    assert document["ledger"] == head
    assert erased["ledger"] == head["entries"] > len(READERS)
    assert erased["ledger_head"] == 1
    assert erased["shown_text"] == 1
    assert document["files"] == "the file was written anew"
    assert "@" not in shown.certificate
    assert "acme" not in shown.certificate
    events = EventHistory(house.store, house.keyring).recent(0, types=[EventType.ERASURE])
    assert [(one.facts["kind"], one.facts["account"]) for one in events] == [("account", ours)]


@pytest.mark.parametrize(("whom", "kept"), [("nobody", 0), ("complained", 1), ("left", 3)])
def test_whom_the_provider_keeps(house: House, whom: str, kept: int) -> None:
    house.settings = AccountsSection(grace=0.0, keep_do_not_mail=whom)
    house.furnish("acme", OURS)
    house.cancel("acme")
    house.after_grace()
    house.erase()
    assert house.count(DO_NOT_MAIL) == kept
    (shown,) = house.book.listing()
    assert json.loads(shown.certificate)["kept"] == {"do-not-mail": kept}


async def test_that_it_can_be_cut_off_at_every_step(house: House) -> None:
    """After each transaction in turn, the work ends and another process begins anew."""
    house.settings = AccountsSection(grace=0.0, keep_do_not_mail="left")
    ours = house.furnish("acme", OURS)
    await house.queue(ours, state=DeliveryState.ACTIVE)
    house.cancel("acme")
    house.after_grace()
    cuts = 0
    while not _erased_within(house, cuts + 1):
        cuts += 1
        house.keyring = StoreKeyring(house.store, MASTER)
        house.book = Erasures(house.store, house.keyring)
    assert cuts > 5
    assert not any(house.rows(ours).values())
    (shown,) = house.book.listing()
    assert shown.counts["subscription"] == len(READERS)
    assert shown.counts["kept: do-not-mail"] == 3
    assert shown.counts["queue: copies"] == 2


def _erased_within(house: House, steps: int) -> bool:
    """Work for so many transactions; say whether that was enough."""
    left = iter(range(steps))
    try:
        house.erase(Pace(stopping=lambda: next(left, None) is None, rest=lambda _: None))
    except Stopped:
        return False
    return True


def test_that_it_waits_for_what_was_being_taken(house: House) -> None:
    house.furnish("acme", OURS)
    house.settings = AccountsSection(grace=0.0)
    house.cancel("acme")
    house.book.begin_due(house.clock.now())
    (job,) = house.book.open_jobs()
    with pytest.raises(Unfinished, match="being taken"):
        Eraser(house.means(), Pace()).run(job)
    assert house.book.begin_due(house.clock.now()) == 0  # it has one


def test_that_restoring_in_time_leaves_everything(house: House) -> None:
    ours = house.furnish("acme", OURS)
    before = house.rows(ours)
    house.cancel("acme")
    house.clock.time += 99.0
    assert house.book.begin_due(house.clock.now()) == 0
    assert (
        Endings(house.store, house.keyring).restore("acme", "ops", house.clock.now()).state
        is AccountState.ACTIVE
    )
    house.clock.time += 1000.0
    assert house.book.begin_due(house.clock.now()) == 0
    after = house.rows(ours)
    assert after.pop("event") == before.pop("event") + 2
    assert after == before


async def test_that_a_worker_brings_no_event_of_an_erased_account(house: House) -> None:
    ours, theirs = house.furnish("acme", OURS), house.furnish("others", "others.example")
    late = [seal_event(house.event(one, READERS[0]), house.keyring.seal) for one in (ours, theirs)]
    house.cancel("acme")
    house.after_grace()
    house.erase()
    before = house.rows(theirs)["event"]
    events = StoreEvents(house.store)
    await events.append(late)
    events.close()
    assert (house.rows(ours)["event"], house.rows(theirs)["event"]) == (0, before + 1)


def test_a_large_store_is_not_written_anew_and_shows_no_name(house: House) -> None:
    house.settings = AccountsSection(grace=0.0, vacuum_below=0)
    house.furnish("acme-of-ours", OURS)
    theirs = house.furnish("others", "others.example")
    before = house.registry.account_by_id(theirs)
    house.cancel("acme-of-ours")
    house.after_grace()
    house.erase()
    assert traces(house, "acme-of-ours", OURS) == []
    assert house.registry.account_by_id(theirs) == before
    assert house.keyring.address_hash(theirs, READERS[0])
    (shown,) = house.book.listing()
    assert json.loads(shown.certificate)["files"].startswith("rows were overwritten")


def test_quota_and_presence_keep_nothing(house: House) -> None:
    ours = house.furnish("acme", OURS)
    presence = SharedPresence(house.state / "presence.shm", house.entropy, 3)
    presence.enter(quota_key(ours), 5)
    presence.enter(b"another", 5)
    assert house.quota.check(quota_key(ours), (Rate(1, 3600),), 0, house.clock.now()).wait == 0
    house.quota.reserve(quota_key(ours), (Rate(1, 3600),), 0, house.clock.now())
    house.quota.reserve(b"another", (Rate(1, 3600),), 0, house.clock.now())
    presence.close()
    house.cancel("acme")
    house.after_grace()
    house.erase()
    assert house.quota.check(quota_key(ours), (Rate(1, 3600),), 0, house.clock.now()).wait == 0
    assert house.quota.check(b"another", (Rate(1, 3600),), 0, house.clock.now()).wait > 0
    octets = (house.state / "presence.shm").read_bytes()
    assert len([one for one in _slots(octets) if any(one)]) == 1


def _slots(octets: bytes) -> Iterator[bytes]:
    size, head = 16 + 512, 4096
    yield from (octets[start : start + size] for start in range(head, len(octets) - size + 1, size))


class ToldKeyring(StoreKeyring):
    """Says when it has let go of a key."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, MASTER)
        self.dropped = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def forget_destroyed(self) -> int:
        dropped = super().forget_destroyed()
        if dropped:
            self._loop.call_soon_threadsafe(self.dropped.set)
        return dropped


async def test_that_other_processes_let_go_of_the_key(house: House) -> None:
    ours = house.furnish("acme", OURS)
    elsewhere = ToldKeyring(house.store)
    elsewhere.of(ours)
    house.cancel("acme")
    house.after_grace()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(forget_erased(elsewhere, Revision(house.store), house.store))
        await asyncio.to_thread(house.erase)
        await elsewhere.dropped.wait()
        loop.cancel()
    with pytest.raises(KeyError):
        elsewhere.of(ours)


class ToldMeter(MemoryMeter):
    """Says when an erasure is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def gauge(self, name: str, value: float, **labels: str) -> None:
        super().gauge(name, value, **labels)
        if value == 0:
            self._loop.call_soon_threadsafe(self.counted.set)


async def test_the_loop(house: House) -> None:
    house.settings = AccountsSection(grace=0.0)
    ours = house.furnish("acme", OURS)
    house.cancel("acme")
    house.clock.time += 1.0
    meter = ToldMeter()
    ending = Ending(house.means(), meter)
    assert ending.round() == 1  # it begins, and waits for what is being taken
    house.clock.time += 10.0
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(ending.run())
        await meter.counted.wait()
        loop.cancel()
    assert not any(house.rows(ours).values())
    assert meter.value("erasures_total", kind="account", result="done") == 1


def test_a_file_in_use_delays_it_and_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_PATIENCE", 0.01)
    house.furnish("acme", OURS)
    house.cancel("acme")
    house.after_grace()
    (job,) = house.book.open_jobs()
    eraser = Eraser(house.means(), Pace(rest=lambda _: None))
    with contextlib.closing(sqlite3.connect(house.state / "store.sqlite")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        with pytest.raises(Unfinished, match="the store's file, which is in use"):
            eraser.run(job)
    eraser.run(job)
    assert house.book.open_jobs() == ()


async def test_that_mail_which_came_late_is_found_in_the_end(house: House) -> None:
    ours = house.furnish("acme", OURS)
    late = StoreKeyring(house.store, MASTER)
    late.of(ours)  # a worker that has the key in its memory still
    house.cancel("acme")
    house.after_grace()
    (job,) = house.book.open_jobs()
    eraser = Eraser(house.means(), Pace(rest=lambda _: None))
    steps = {
        Phase.PEOPLE: eraser._keep_people,
        Phase.KEY: eraser._destroy_key,
        Phase.ROWS: eraser._delete_rows,
    }
    for phase, work in steps.items():
        house.book.enter(job, phase)
        work(job)
    house.book.enter(job, Phase.FILES)
    house.keyring = late
    await house.queue(ours)
    with pytest.raises(Unfinished, match="another look at the queue"):
        eraser.run(job)
    eraser.run(job)
    assert traces(house, OURS) == []


def test_a_shard_that_cannot_be_read_delays_it_and_is_counted(house: House) -> None:
    house.furnish("acme", OURS)
    house.cancel("acme")
    house.after_grace()
    (house.state / "spool").mkdir()
    damaged = house.state / "spool" / "shard-7.sqlite"
    damaged.write_bytes(b"garbage" * 1000)
    meter = MemoryMeter()
    ending = Ending(house.means(), meter)
    assert ending.round() == 1
    assert meter.value("erasures_total", kind="account", result="delayed") == 1
    damaged.unlink()
    while ending.round():
        pass
    assert meter.value("erasures_total", kind="account", result="done") == 1


def test_a_store_that_is_away_delays_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: float) -> int:
        raise database.StoreAway

    ending = Ending(house.means(), MemoryMeter())
    monkeypatch.setattr(ending._book, "begin_due", away)
    assert ending.round() == 0


def test_that_a_database_server_is_left_to_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.store, "path", None)
    assert rest.let_go(house.store, 0) is rest.Rest.SERVER


async def test_an_erasure_that_fails_ends_no_other_and_not_the_loop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.furnish("acme", OURS)
    broken, _ = house.book.ask_for_person(READERS[4], None, "", house.clock.now())
    sound, _ = house.book.ask_for_person(READERS[5], None, "", house.clock.now() + 1)
    run, meter = Eraser.run, ToldMeter()

    def choosy(eraser: Eraser, job: Job) -> None:
        if job.id == broken.id:
            raise RuntimeError("a fault of this job's own")
        run(eraser, job)

    monkeypatch.setattr(Eraser, "run", choosy)
    ending = Ending(house.means(), meter)
    assert ending.round() == 1
    assert house.book.show(sound.id).certificate


async def test_a_job_that_nobody_can_read_ends_the_loop_only_with_the_process(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, loop = Ending(house.means(), MemoryMeter()), asyncio.get_running_loop()
    rounds, go_on = asyncio.Queue[None](), threading.Semaphore(0)  # one for each round

    def damaged() -> int:
        loop.call_soon_threadsafe(rounds.put_nowait, None)
        go_on.acquire(timeout=30)
        raise ValueError("its seal is not whole")

    monkeypatch.setattr(ending, "round", damaged)
    monkeypatch.setattr("gateway.app.ending._PAUSE", 0.0)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(ending.run())
        await rounds.get()
        go_on.release()
        await rounds.get()  # again
        running.cancel()  # in the middle of a round that will fail
        loop.call_soon(go_on.release)
    assert running.cancelled()


async def test_a_friends_entry_keeps_no_name_of_who_recommended(house: House) -> None:
    ours = house.furnish("acme", OURS)
    by, friend = parse_address(READERS[6]), parse_address("friend@elsewhere.example")
    (news,) = house.registry.lists("acme")
    mark = house.keyring.address_hash(ours, by.identity)
    what = Recommendation(ours, news.id, mark, "Ann Reader", by, friend, "en")
    invitations = Invitations(house.store, house.keyring)
    invitations.recommend(what, lambda *_: b"Subject: x\r\n\r\n", 9, house.clock.now())
    other = replace(what, by=bytes(16), name="Bob", friend=parse_address("second@elsewhere.example"))
    invitations.recommend(other, lambda *_: b"Subject: x\r\n\r\n", 9, house.clock.now())
    house.book.ask_for_person(by.identity, None, "", house.clock.now())
    house.erase()
    auditor = Auditor(house.store, house.keyring)
    names = [auditor.details(one).get("name") for one in auditor.latest(ours, 9) if one.act == "recommended"]
    assert names == [None, "Bob"]
    audit = auditor.check(ours)
    assert (audit.wrong, audit.emptied) == (None, 2)  # their own subscription, and what they said of a friend


# A person


async def test_a_person_at_all_accounts(house: House) -> None:
    accounts = [house.furnish("acme", OURS), house.furnish("others", "others.example")]
    for one in accounts:
        await house.queue(one)
    before = [house.rows(one) for one in accounts]
    them, other = Person(parse_address("Reader0@readers.example")), Person(parse_address(READERS[1]))
    job, code = house.book.ask_for_person(them.identity, None, "", house.clock.now())
    house.erase()
    for account_id, was in zip(accounts, before, strict=True):
        after = house.rows(account_id)
        assert was["subscription"] - after["subscription"] == 1
        assert was["letter"] - after["letter"] == 1
        assert was["event"] == after["event"]  # without what names them
        assert was["ledger"] + 1 == after["ledger"]  # emptied, and one that says so
    assert list(PersonFile(house.store, house.keyring).everywhere(them)) == []
    assert len(list(PersonFile(house.store, house.keyring).everywhere(other))) == 2
    people = PersonEraser(house.store, house.keyring, Pace())
    assert list(people.events_of(them)) == []
    assert list(people.events_of(other))
    assert house.count(DO_NOT_MAIL) == 0
    document = json.loads(house.book.show(job.id).certificate)
    assert document["person"] == digest(code, them.identity)
    assert (document["erased"]["subscription"], document["erased"]["queue: copies"]) == (2, 2)
    with house.store.read() as connection:
        assert connection.execute(select(ERASURE.c.sealed)).scalar_one() == b""
    assert "@" not in house.book.show(job.id).certificate


async def test_a_person_at_one_account_who_is_kept_as_a_hash(house: House) -> None:
    ours, theirs = house.furnish("acme", OURS), house.furnish("others", "others.example")
    await house.queue(theirs)
    them = Person(parse_address(READERS[0]))
    before = house.rows(theirs)
    house.book.ask_for_person(them.identity, ours, "erased at their own wish", house.clock.now())
    house.erase()
    (known,) = PersonFile(house.store, house.keyring).everywhere(them)
    assert known.account_id == theirs
    assert house.rows(theirs) == before
    assert PersonFile(house.store, house.keyring).do_not_mail(them)["reason"] == "erased at their own wish"
    house.book.ask_for_person(them.identity, None, "", house.clock.now())
    house.erase()
    assert PersonFile(house.store, house.keyring).do_not_mail(them) is None


def test_answers_of_the_api_that_name_a_person_are_emptied(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request stays done; what it was answered is gone, in whatever spelling and depth it named them."""
    monkeypatch.setattr(person_eraser, "_READ", 2)  # more than one page
    ours, theirs = house.furnish("acme", OURS), house.furnish("others", "others.example")
    quoted, now = '"o\'b \u00e9"@readers.example', house.clock.now()
    bodies = [READERS[0], quoted, READERS[0].upper(), f"form of <{quoted}>", READERS[1], "nobody"]
    stored = Idempotency(house.store, house.keyring)

    def repeat(number: int, account_id: int, content: bytes = b"same") -> Kept | Reused | Erased:
        answer = json.dumps([201, {"list": "a", "kept": [{"text": bodies[number]}]}, ""]).encode()
        return stored.do(Once(account_id, bytes([number]), content), lambda _: answer, now)

    kept = {(number, one): repeat(number, one) for number in range(len(bodies)) for one in (ours, theirs)}
    with house.store.write() as connection:  # what nobody can read any more is no obstacle
        row = {"account_id": 99, "mark": b"m", "print": b"p", "at": now, "sealed": b"sealed long ago"}
        connection.execute(IDEMPOTENCY.insert().values(row))
    first, _ = house.book.ask_for_person(READERS[0], None, "", now)
    second, _ = house.book.ask_for_person(quoted, ours, "", now)
    house.erase()
    for (number, one), was in kept.items():
        gone = number in {0, 2} or (number in {1, 3} and one == ours)
        assert repeat(number, one) == (Erased() if gone else Kept(was.answer, again=True)), (number, one)
    assert repeat(0, ours, b"another") == Reused()
    counts = [
        json.loads(house.book.show(job.id).certificate)["erased"]["idempotency"] for job in (first, second)
    ]
    assert counts == [4, 2]


async def test_that_a_persons_erasure_can_be_cut_off_at_every_step(house: House) -> None:
    accounts = [house.furnish("acme", OURS), house.furnish("others", "others.example")]
    await house.queue(accounts[0])
    them = Person(parse_address(READERS[0]))
    house.book.ask_for_person(them.identity, None, "", house.clock.now())
    cuts = 0
    while not _erased_within(house, cuts + 1):
        cuts += 1
    assert cuts >= 2
    (shown,) = house.book.listing()
    assert (shown.counts["subscription"], shown.counts["letter"], shown.counts["queue: copies"]) == (2, 2, 1)


async def test_that_a_command_does_it_alone_or_leaves_it_to_the_gateway(house: House) -> None:
    ours = house.furnish("acme", OURS)
    await house.queue(ours, state=DeliveryState.ACTIVE)
    them = Person(parse_address(READERS[0]))
    job, _ = house.book.ask_for_person(them.identity, None, "", house.clock.now())
    lock = lock_shard(house.state / "spool", 0)  # a worker has the copy in its hands
    assert await erase_now(house.means(), job.id, 0.0) is False
    lock.release()
    assert await erase_now(house.means(), job.id, 10.0) is True
    assert await erase_now(house.means(), job.id, 0.0) is True  # it is done


async def test_no_step_of_an_erasure_goes_through_what_grows(
    house: House, slow: Callable[[], set[str]]
) -> None:
    ours, theirs = house.furnish("acme", OURS), house.furnish("others", "others.example")
    await house.queue(theirs)
    them = Person(parse_address(READERS[0]))
    before = slow().copy()
    house.book.ask_for_person(them.identity, ours, "", house.clock.now())
    house.erase()
    house.cancel("others")
    house.erase()
    assert slow() - before == set()
