"""What the cases of imports promise, and what a process that is killed at any moment leaves behind."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.imports.case import CaseState
from gateway.imports.known import Known
from gateway.imports.mail_domains import Taking
from gateway.imports.reading import Form, UnreadableFile
from gateway.model.address import parse_address
from gateway.model.events import EventType
from gateway.model.facts import Account, Basis, ConsentLevel, MailList, OverQuota, SubscriptionState
from gateway.model.import_rules import Decision, ImportRules
from gateway.model.ledger import BEGINNING, Entry, Origin, open_entry, what_is_wrong
from gateway.store import import_applying, import_staging
from gateway.store.database import Store
from gateway.store.events import EventHistory
from gateway.store.farewell import say_farewell
from gateway.store.import_cases import Case, CaseMoved, NoSuchImport
from gateway.store.imports import Imports
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import NoSuchList, TooMany
from gateway.store.registry import Registry
from gateway.store.schema import (
    DO_NOT_MAIL,
    IMPORT_FAULT,
    IMPORT_ROW,
    LEDGER,
    PERSON_SAMPLE,
    PROVIDER_ID,
    SUBSCRIPTION,
)
from gateway.store.subscriptions import Subscriptions

NOW = 1_700_000_000.0
KNOWN = Known(frozenset({"info"}), frozenset(), frozenset(), frozenset({"trap@example.net", "@trap.example"}))
RULES = ImportRules()
BY = Origin("operator ann", "a form")


class World:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.keyring = StoreKeyring(store, bytes(range(32)))
        self.registry = Registry(
            store, self.keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        self.subscriptions = Subscriptions(store, self.keyring)
        self.imports = Imports(store, self.keyring)
        self.acme, self.news = self.account("acme")

    def account(self, name: str, consent: ConsentLevel = ConsentLevel.ASSERTED) -> tuple[Account, MailList]:
        account = self.registry.add_account(
            name, "secret", consent, (), 0, OverQuota.REFUSE, now=NOW - 86_400
        )
        return account, self.registry.add_list(name, f"news.{name}.example", "News", default=True)

    def open(self, form: Form | None = None) -> Case:
        return self.imports.open(
            self.acme.id,
            self.news.id,
            Basis.ASSERTED,
            "our shop",
            "x.csv",
            form or Form(),
            "operator ann",
            NOW,
        )

    def staged(self, text: str, limit: int = 10_000) -> Case:
        case = self.imports.stage(self.open(), [text.encode()], KNOWN, limit, NOW)
        return self.imports.complete(case, NOW)

    def examined(self, text: str) -> Case:
        return self.imports.examine(self.staged(text), KNOWN, RULES, None, NOW)

    def applied(self, text: str) -> Case:
        case = self.imports.decide(self.examined(text), Decision.ACCEPT, "operator ann", "known", NOW)
        return self.imports.apply(case, NOW)

    def ledger(self) -> list[Entry]:
        """Return the account's entries, the chain of which holds."""
        with self.store.read() as connection:
            rows = connection.execute(LEDGER.select().order_by(LEDGER.c.number)).all()
        entries, last = [Entry(*row) for row in rows], BEGINNING
        for number, entry in enumerate(entries, 1):
            assert what_is_wrong(entry, number, last) == ""
            last = entry.hash
        return entries

    def count(self, table: object) -> int:
        with self.store.read() as connection:
            return len(connection.execute(table.select()).all())  # type: ignore[attr-defined]

    def state(self, address: str) -> SubscriptionState | None:
        found = self.subscriptions.show(self.acme.id, parse_address(address))
        return found[0].state if found else None


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    store = fresh_store(tmp_path / "store.sqlite")
    yield World(store)
    store.close()


def people(*numbers: int) -> str:
    return "email,confirmed_at,ip,source\n" + "".join(
        f"P{number}@Example.net,2023-01-0{number % 9 + 1},192.0.2.{number % 250},https://shop.example/\n"
        for number in numbers
    )


def test_an_import_from_its_first_row_to_its_end(world):
    case = world.applied(people(*range(20)))
    assert (case.state, case.rows, case.added, case.faults) == (CaseState.APPLIED, 20, 20, 0)
    shown = world.subscriptions.show(world.acme.id, parse_address("p7@example.net"))
    assert shown[0].address == "P7@example.net"
    assert shown[0].source == "our shop [line 9 | 2023-01-08 | 192.0.2.7 | https://shop.example/]"
    assert (shown[0].state, shown[0].basis) == (SubscriptionState.CONFIRMED, Basis.ASSERTED)
    assert world.count(IMPORT_ROW) == 0


def test_each_row_has_its_entry_in_the_ledger_and_the_case_one_event(world):
    case = world.applied(people(*range(20)))
    entries = world.ledger()
    assert len(entries) == 20
    details = [open_entry(entry, world.keyring.open) for entry in entries]
    (said,) = [one for one in details if one["address"] == "P7@example.net"]
    assert (said["actor"], said["source"]) == (f"import {case.id}", "our shop")
    assert (said["ip"], said["at"], said["line"]) == ("192.0.2.7", "2023-01-08", 9)
    told = EventHistory(world.store, world.keyring).recent(world.acme.id, types=[EventType.IMPORT])
    assert [(one.facts["state"], one.facts["added"]) for one in told] == [("applied", 20), ("accepted", 0)]
    assert not EventHistory(world.store, world.keyring).recent(world.acme.id, types=[EventType.SUBSCRIPTION])


def test_nothing_counts_before_the_decision(world):
    case = world.examined(people(1, 2))
    for _ in range(2):
        with pytest.raises(CaseMoved):
            world.imports.apply(case, NOW)
        with pytest.raises(CaseMoved):
            world.imports.ask(case, lambda *_: True, 10, NOW)
        assert world.count(SUBSCRIPTION) == 0
        case = (
            world.imports.decide(case, Decision.HOLD, "policy", "", NOW)
            if case.state is not CaseState.HELD
            else case
        )
    asked = world.imports.decide(case, Decision.ASK, "operator ann", "", NOW)
    with pytest.raises(CaseMoved):
        world.imports.apply(asked, NOW)
    assert case.report is not None


def test_who_left_is_not_brought_back(world):
    add = world.subscriptions.add
    for number in (1, 2, 3):
        add(world.acme.id, world.news.id, parse_address(f"p{number}@example.net"), Basis.ASSERTED, BY, NOW)
    bob = world.keyring.address_hash(world.acme.id, "p1@example.net")
    world.subscriptions.unsubscribe(world.acme.id, world.news.id, bob, NOW, Origin("subscriber", "page"))
    with world.store.write() as connection:
        say_farewell(
            connection, world.acme.id, world.keyring.address_hash(world.acme.id, "p4@example.net"), NOW
        )
        person = world.keyring.address_hash(PROVIDER_ID, "p5@example.net")
        connection.execute(DO_NOT_MAIL.insert().values(person=person, reason="complained", since=NOW))
    case = world.applied(people(*range(1, 7)))
    assert (case.added, case.unchanged, case.left_out) == (1, 2, 3)
    assert world.state("p1@example.net") is SubscriptionState.UNSUBSCRIBED
    assert world.state("p5@example.net") is None
    reasons = dict(world.imports.faults(case))
    assert "unsubscribed since 2023-11-14" in reasons[2]
    assert "suppressed" in reasons[5]
    assert case.report is not None
    assert next(one.count for one in case.report.findings if one.name == "gone") == 3


def test_a_better_basis_changes_a_pending_subscription(world):
    world.subscriptions.add(
        world.acme.id, world.news.id, parse_address("p1@example.net"), Basis.DOUBLE_OPT_IN, BY, NOW,
        SubscriptionState.PENDING,
    )  # fmt: skip
    case = world.applied(people(1))
    assert (case.changed, world.state("p1@example.net")) == (1, SubscriptionState.CONFIRMED)


def test_doubles_count_once_and_the_row_with_evidence_stays(world):
    case = world.applied("email,date\nbob@example.net,\nBob@example.net,2023-01-01\nBOB@example.net,\n")
    assert (case.rows, case.added, case.unchanged) == (3, 1, 2)
    shown = world.subscriptions.show(world.acme.id, parse_address("bob@example.net"))
    assert "line 3 | 2023-01-01" in shown[0].source


def test_bad_rows_have_their_line_and_reason(world):
    case = world.staged('email,name\nnobody,x\nbob@example.net,x\n"x\n@,y,z\n')
    assert world.imports.faults(case) == [
        (2, "the address has no domain"),
        (4, "a quote is opened and never closed"),
        (5, "the line does not have 2 columns, as the first one has, but 3"),
    ]
    assert (case.rows, case.faults) == (1, 3)
    assert world.imports.faults(case, after=2, limit=1) == [(4, "a quote is opened and never closed")]


def test_faults_that_are_named_are_bounded(world, monkeypatch):
    monkeypatch.setattr(import_staging, "NAMED", 2)
    monkeypatch.setattr(import_staging, "_BATCH", 2)
    case = world.staged("email\n" + "nobody\n" * 9)
    assert (case.faults, world.count(IMPORT_FAULT)) == (9, 2)


def test_an_import_may_not_be_too_large(world):
    with pytest.raises(UnreadableFile, match="3 rows at most"):
        world.staged(people(*range(4)), limit=3)


def test_traps_and_roles_are_counted(world):
    case = world.examined("email\ntrap@example.net\nany@trap.example\n" + "info@example.net\n" * 3)
    found = {one.name: one.count for one in case.report.findings}
    assert (found["traps"], found["role"]) == (2, 3)


def test_domains_are_looked_up_the_largest_first(world):
    asked = []

    def look_up(domains, seconds):
        asked.append((domains, seconds))
        return {"dead.example": Taking.NO, "odd.example": Taking.UNKNOWN}

    case = world.staged(
        "email\n" + "".join(f"p{n}@dead.example\n" for n in range(5)) + "x@odd.example\nx@c.example\n"
    )
    case = world.imports.examine(case, KNOWN, ImportRules(domains=2, seconds=7.0), look_up, NOW)
    assert asked == [(["dead.example", "odd.example"], 7.0)]
    assert [(one.count, one.of) for one in case.report.findings if one.name == "no-mail"] == [(5, 5)]
    case = world.staged(people(1))
    world.imports.examine(case, KNOWN, ImportRules(look_up=False), look_up, NOW)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("score", "basis", "consent", "state"),
    [
        (0, Basis.ASSERTED, ConsentLevel.ASSERTED, CaseState.ACCEPTED),
        (0, Basis.ASSERTED, ConsentLevel.CONFIRMED, CaseState.PENDING),
        (0, Basis.ACCOUNT, ConsentLevel.CONFIRMED, CaseState.ACCEPTED),
        (25, Basis.ASSERTED, ConsentLevel.ASSERTED, CaseState.PENDING),
        (50, Basis.ASSERTED, ConsentLevel.CONFIRMED, CaseState.HELD),
        (100, Basis.ASSERTED, ConsentLevel.ASSERTED, CaseState.REFUSED),
    ],
)
def test_the_score_decides(world, score, basis, consent, state):
    account, mail_list = world.account("other", consent)
    case = world.imports.open(account.id, mail_list.id, basis, "shop", "x", Form(), "operator ann", NOW)
    case = world.imports.complete(
        world.imports.stage(case, [b"email\na@b.example\nb@b.example\nc@b.example\n"], KNOWN, 9, NOW), NOW
    )
    rules = ImportRules(points={**RULES.points, "no-evidence": score})
    case = world.imports.examine(case, KNOWN, rules, None, NOW)
    case = world.imports.judge(case, RULES, NOW)
    assert (case.report.score, case.state) == (score, state)


def test_judging_comes_after_examining(world):
    with pytest.raises(CaseMoved):
        world.imports.judge(world.staged(people(1)), RULES, NOW)


def test_a_refused_import_leaves_no_rows(world):
    case = world.imports.decide(
        world.examined(people(*range(9))), Decision.REFUSE, "operator ann", "bought", NOW
    )
    assert (case.state, world.count(IMPORT_ROW), world.count(SUBSCRIPTION)) == (CaseState.REFUSED, 0, 0)
    assert world.imports.to_do(NOW + 1e9) == []
    with pytest.raises(CaseMoved):
        world.imports.decide(world.imports.show(case.id), Decision.ACCEPT, "operator ann", "", NOW)


def test_of_two_who_move_a_case_one_does(world):
    case = world.examined(people(1))
    world.imports.decide(case, Decision.ACCEPT, "operator ann", "", NOW)
    with pytest.raises(CaseMoved):
        world.imports.decide(case, Decision.REFUSE, "operator bob", "", NOW)


class Killed(BaseException):
    pass


def dies_in(monkeypatch, module, name, call):
    """Let the nth call of something be the process's last."""
    calls = 0
    real = getattr(module, name)

    def deadly(*args, **named):
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*args, **named)

    monkeypatch.setattr(module, name, deadly)


@pytest.mark.parametrize("call", range(1, 6))
def test_staging_goes_on_after_a_death(world, monkeypatch, call):
    whole = world.examined(people(*range(20)) + "nobody,,,\n").report
    monkeypatch.setattr(import_staging, "_BATCH", 5)
    case = world.open()
    text = (people(*range(20)) + "nobody,,,\n").encode()
    with monkeypatch.context() as patch:
        dies_in(patch, import_staging, "change", call)
        with pytest.raises(Killed):
            world.imports.stage(case, [text], KNOWN, 100, NOW)
    case = world.imports.show(case.id)
    assert case.rows == 5 * (call - 1)
    case = world.imports.complete(world.imports.stage(case, [text], KNOWN, 100, NOW), NOW)
    assert (case.rows, case.faults, world.imports.faults(case)) == (
        20,
        1,
        [(22, "the address has no domain")],
    )
    assert world.imports.examine(case, KNOWN, RULES, None, NOW).report == whole


def test_another_file_is_not_gone_on_with(world, monkeypatch):
    monkeypatch.setattr(import_staging, "_BATCH", 5)
    case = world.imports.stage(world.open(), [people(*range(10)).encode()], KNOWN, 100, NOW)
    with pytest.raises(UnreadableFile, match="not the one"):
        world.imports.stage(case, [people(*range(1, 11)).encode()], KNOWN, 100, NOW)
    with pytest.raises(CaseMoved):
        world.imports.stage(world.imports.complete(case, NOW), [], KNOWN, 100, NOW)


@pytest.mark.parametrize("where", ["change", "append_sealed", "add_rows"])
@pytest.mark.parametrize("call", [1, 3])
def test_applying_goes_on_after_a_death(world, monkeypatch, where, call):
    monkeypatch.setattr(import_applying, "_ROWS", 4)
    case = world.imports.decide(world.examined(people(*range(30))), Decision.ACCEPT, "x", "", NOW)
    with monkeypatch.context() as patch:
        dies_in(patch, import_applying, where, call)
        with pytest.raises(Killed):
            world.imports.apply(case, NOW)
    half = world.imports.show(case.id)
    assert half.state is CaseState.APPLYING
    assert world.count(SUBSCRIPTION) == half.added == len(world.ledger())
    assert world.count(IMPORT_ROW) == 30 - half.added
    assert [one.id for one in world.imports.to_do(NOW + 1000)] == [case.id]
    after = world.imports.apply(half, NOW)
    assert (after.state, after.added, world.count(SUBSCRIPTION)) == (CaseState.APPLIED, 30, 30)


def test_two_who_apply_do_not_do_it_twice(world, monkeypatch):
    monkeypatch.setattr(import_applying, "_ROWS", 4)
    case = world.imports.decide(world.examined(people(*range(30))), Decision.ACCEPT, "x", "", NOW)
    world.imports.apply(case, NOW)
    with pytest.raises(CaseMoved):
        world.imports.apply(case, NOW)
    assert world.count(SUBSCRIPTION) == 30


def test_people_are_asked_a_few_at_a_time(world):
    case = world.imports.decide(world.examined(people(*range(6))), Decision.ASK, "policy", "", NOW)
    asked = []

    def ask(case, address, ip):
        asked.append((str(address), ip))
        return not str(address).startswith("P3")

    case = world.imports.ask(case, ask, 4, NOW)
    assert (case.state, len(asked), world.count(IMPORT_ROW)) == (CaseState.APPLYING, 4, 2)
    case = world.imports.ask(case, ask, 4, NOW)
    assert (case.state, case.asked, case.left_out) == (CaseState.APPLIED, 5, 1)
    assert min(asked) == ("P0@example.net", "192.0.2.0")
    assert world.count(SUBSCRIPTION) == 0


def test_a_list_that_was_moved_within_the_account(world):
    world.applied(people(*range(100)))
    world.news = world.registry.add_list("acme", "offers.acme.example", "Offers", default=False)
    moved = "email\n" + "".join(f"p{number}@example.net\n" for number in range(82))
    rest = "".join(f"q{number}@example.net\n" for number in range(18))
    case = world.examined(moved + rest)
    finding = next(one for one in case.report.findings if one.name == "moved")
    assert (finding.count, finding.of) == (82, 100)
    assert (case.report.overlaps[0].list_id, case.report.overlaps[0].share) == (1, 0.82)
    told = EventHistory(world.store, world.keyring).recent(world.acme.id, types=[EventType.OVERLAP])
    assert [(one.facts["list"], one.facts["share"]) for one in told] == [(1, 0.82)]
    # With evidence of its own for each row nothing was moved.
    evidenced = world.examined(people(*range(82)))
    assert not [one for one in evidenced.report.findings if one.name == "moved"]


def test_a_list_that_another_account_has_is_found_by_the_sample(world):
    world.applied(people(*range(2000)))
    world.acme, world.news = world.account("other")
    case = world.examined(people(*range(360, 2360)))
    (found,) = case.report.overlaps
    low, high = found.bounds
    assert (found.account_id, found.list_id) == (1, 1)
    assert high - low < 0.08
    assert low - 0.05 < 0.82 < high + 0.05  # the keys are made at random: the bounds hold for 19 of 20
    assert "bought" not in {one.name for one in case.report.for_tenants()}
    assert world.count(PERSON_SAMPLE) == pytest.approx(500, abs=80)


def test_the_sample_is_kept_by_all_who_add(world):
    everybody = [f"r{number}@example.net" for number in range(40)]
    for address in everybody[:20]:
        world.subscriptions.add(world.acme.id, world.news.id, parse_address(address), Basis.ASSERTED, BY, NOW)
    world.subscriptions.load(world.acme.id, world.news.id, everybody[20:], Basis.ASSERTED, BY, NOW)
    wanted = {world.keyring.address_hash(PROVIDER_ID, address) for address in everybody}
    with world.store.read() as connection:
        kept = set(connection.execute(PERSON_SAMPLE.select()).scalars())
    assert kept == {person for person in wanted if person < b"\x40"}
    assert kept


def test_what_there_is_not(world):
    with pytest.raises(NoSuchImport):
        world.imports.show("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    case = world.open()
    with pytest.raises(NoSuchImport):
        world.imports.show(case.id, world.acme.id + 1)
    with pytest.raises(NoSuchList):
        world.imports.open(world.acme.id, 99, Basis.ASSERTED, "x", "x", Form(), "x", NOW)


def test_open_imports_are_bounded_and_listed(world):
    cases = [world.open() for _ in range(20)]
    with pytest.raises(TooMany):
        world.open()
    assert [one.id for one in world.imports.list(world.acme.id, limit=2)] == [cases[19].id, cases[18].id]
    assert [one.id for one in world.imports.list(before=cases[1].number)] == [cases[0].id]
    assert world.imports.list(states=[CaseState.HELD]) == []
    assert world.imports.to_do(NOW) == []
    assert len(world.imports.to_do(NOW + 700_000)) == 20  # the rest of a file never came
