"""What the web process does about imports, by itself."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.app import importing as module
from gateway.app.importing import ImportDesk, ImportRounds
from gateway.imports.case import CaseState
from gateway.imports.reading import Form
from gateway.model.facts import Basis, ConsentLevel, OverQuota
from gateway.model.import_rules import Decision
from gateway.model.reply import StoreAway
from gateway.model.signup import Fate
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import Settings
from gateway.store import import_applying
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry

NOW = 1_700_000_000.0
FILE = b"email,date\n" + b"".join(b"%s@example.net,2023-01-0%d\n" % (name, day) for day, name in enumerate(
    (b"eve", b"ann", b"dan", b"bob"), 1
))  # fmt: skip


class World:
    def __init__(self, store, folder: Path) -> None:
        self.now = NOW
        self.store = store
        self.keyring = StoreKeyring(store, bytes(32))
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        registry = Registry(store, self.keyring, quick)
        self.account = registry.add_account(
            "acme", "secret", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, now=NOW
        )
        self.list = registry.add_list("acme", "news.example.org", "News", default=True)
        policy = {"imports": {"look_up": False, "asks": 3600}}
        configuration = SimpleNamespace(settings=Settings(), loaded=SimpleNamespace(policy=policy))
        self.desk = ImportDesk(store, self.keyring, lambda: configuration, self)
        self.meter = MemoryMeter()
        self.asked = []
        self.rounds = ImportRounds(self.desk, self.ask, folder / "imports.lock", self, self.meter)

    def ask(self, wish, now):
        self.asked.append((str(wish.address), wish.origin.actor, now))
        return Fate.SUPPRESSED if wish.address.local == "bob" else Fate.LETTER

    def opened(self):
        return self.desk.begin(
            self.account.id, self.list.id, Basis.ASSERTED, "the shop", "x.csv", Form(), "operator ann"
        )

    def received(self):
        return self.desk.receive(self.opened(), [FILE])

    def later(self, seconds=1000.0):
        self.now += seconds
        self.rounds.round()


@pytest.fixture
def world(tmp_path):
    store = fresh_store(tmp_path / "store.sqlite")
    world = World(store, tmp_path)
    # The clock: the world's own.
    world.desk._clock = world.rounds._clock = SimpleNamespace(now=lambda: world.now)
    yield world
    store.close()


def test_what_was_left_is_brought_to_its_end(world):
    case = world.received()
    world.later(60)  # somebody may be at it
    assert world.desk.cases.show(case.id).state is CaseState.RECEIVED
    world.later()
    after = world.desk.cases.show(case.id)
    assert (after.state, after.added) == (CaseState.APPLIED, 4)
    assert world.meter.value("imports_total", state="applied") == 1


def test_people_are_asked_at_the_rate_of_policy(world):
    case = world.desk.cases.examine(world.received(), world.desk.known, world.desk.rules, None, NOW)
    world.desk.cases.decide(case, Decision.ASK, "policy", "", NOW)
    world.later(121)
    after = world.desk.cases.show(case.id)
    assert (after.state, after.asked, after.left_out) == (CaseState.APPLIED, 3, 1)
    assert ("eve@example.net", f"import {case.id}", world.now) in world.asked


def test_a_file_whose_rest_never_came_is_given_up(world):
    case = world.opened()
    world.later(604_801)
    after = world.desk.cases.show(case.id)
    assert (after.state, after.details.reason) == (CaseState.REFUSED, "the rest of the file never came")
    world.later()
    assert world.desk.cases.to_do(world.now) == []


def test_rows_of_a_refused_import_that_a_death_left_are_deleted(world, monkeypatch):
    case = world.desk.cases.examine(world.received(), world.desk.known, world.desk.rules, None, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(type(world.desk.cases), "clear", lambda *_: 0)
        world.desk.cases.decide(case, Decision.REFUSE, "operator ann", "", NOW)
    assert [one.id for one in world.desk.cases.to_do(world.now)] == [case.id]
    world.later()
    assert world.desk.cases.to_do(world.now) == []


def test_held_imports_are_shown_to_operators(world):
    case = world.desk.cases.examine(world.received(), world.desk.known, world.desk.rules, None, NOW)
    world.desk.cases.decide(case, Decision.HOLD, "policy", "", NOW)
    world.later()
    assert world.meter.value("imports_held") == 1


def test_a_store_that_is_away_is_asked_again(world, monkeypatch):
    world.received()
    with monkeypatch.context() as patch:
        patch.setattr(type(world.desk.cases), "to_do", lambda *_: (_ for _ in ()).throw(StoreAway("gone")))
        world.later()
    with monkeypatch.context() as patch:
        patch.setattr(type(world.desk.cases), "examine", lambda *_: (_ for _ in ()).throw(StoreAway("gone")))
        world.later()
    world.later()
    assert world.desk.cases.list()[0].state is CaseState.APPLIED


def test_a_process_that_is_to_end_stops_behind_a_transaction(world, monkeypatch):
    monkeypatch.setattr(import_applying, "_ROWS", 1)
    case = world.received()
    world.rounds._stopping = True
    world.later()
    half = world.desk.cases.show(case.id)
    assert (half.state, half.added) == (CaseState.APPLYING, 1)
    world.rounds._stopping = False
    world.later()
    assert world.desk.cases.show(case.id).added == 4


async def test_what_is_handed_over_goes_on_at_once(world, monkeypatch):
    monkeypatch.setattr(module, "_PAUSE", 3600.0)
    rounds, loop, real = asyncio.Queue(), asyncio.get_running_loop(), world.rounds.round

    def a_round(handed):
        real(handed)
        loop.call_soon_threadsafe(rounds.put_nowait, set(handed))

    world.rounds.round = a_round
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.rounds.run())
        assert await rounds.get() == set()
        case = world.received()
        world.rounds.hand_over(case.id)
        world.rounds.hand_over("of an account that was erased meanwhile")
        assert case.id in await rounds.get()
        running.cancel()
    assert world.desk.cases.show(case.id).state is CaseState.APPLIED


async def test_the_loop_runs_until_it_is_cancelled(world):
    case = world.received()
    world.now += 1000
    gone_round = asyncio.Event()
    loop, real = asyncio.get_running_loop(), world.rounds.round

    def a_round(handed):
        real(handed)
        loop.call_soon_threadsafe(gone_round.set)

    world.rounds.round = a_round
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.rounds.run())
        await gone_round.wait()
        running.cancel()
    assert world.desk.cases.show(case.id).state is CaseState.APPLIED
    assert world.rounds._stopping
