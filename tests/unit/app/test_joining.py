"""The pages' port of joining over a real store, and the loop that erases and reminds."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.app import joining as module
from gateway.app.joining import Rounds, StoreJoining, terms_of
from gateway.model.address import parse_address
from gateway.model.facts import AccountState, ConsentLevel, OverQuota
from gateway.model.ledger import Origin
from gateway.model.letter import LetterKind
from gateway.model.reply import StoreAway
from gateway.model.signup import Pending, Wish
from gateway.observe.memory import MemoryMeter
from gateway.ports import KeyGone
from gateway.settings.schema import SignupSection
from gateway.store.brands import Brands
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.registry import Registry
from gateway.store.signup_rounds import SignupRounds
from gateway.web.joining import Joined, Offer, Over, Question, TurnedDown
from gateway.web.leaving import Brand, Reader

NOW = 1_800_000_000.0
DAY = 86_400.0
ANN = parse_address("ann@example.net")
FORM = Origin("subscriber", "https://acme.example", "192.0.2.7", "Browser/1.0", "You subscribe.")
SETTINGS = SignupSection(reminder=2 * DAY)


def write(kind: LetterKind, pending: Pending, now: float) -> bytes:
    return f"Subject: {kind}\r\n\r\n{pending.id.hex()}".encode()


class House:
    def __init__(self, folder: Path) -> None:
        self.store = fresh_store(folder / "store.sqlite")
        self.keyring = StoreKeyring(self.store, b"m" * 32)
        self.meter = MemoryMeter()
        self.registry = Registry(
            self.store, self.keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        self.account = self.registry.add_account(
            "acme", "pw-pw-pw-pw", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, 1.0
        )
        self.news = self.registry.add_list("acme", "News.acme.example", "Acme News", default=True)
        self.joining = StoreJoining(self.store, self.keyring, self.meter, write, lambda: SETTINGS)
        self.reader = Reader(
            self.account.id, self.news.id, self.keyring.address_hash(self.account.id, ANN.identity)
        )

    def ask(self) -> bytes:
        self.joining.ask(Wish(self.account.id, self.news.id, ANN, "en", FORM), NOW)
        (taken,) = Letters(self.store, self.keyring).take(NOW, 9)
        return bytes.fromhex(taken.letter.content.rpartition(b"\r\n")[2].decode())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.store.close()


def test_the_offer(house: House) -> None:
    words = {"description": "Tea & cake", "frequency": "weekly"}
    house.registry.describe_list("acme", "news.acme.example", words)
    house.registry.add_domain("acme", "acme.example", verified=True, now=1.0)
    house.registry.add_domain("acme", "other.example", verified=False, now=1.0)
    Brands(house.store).set("acme", "#0c5a55", None)
    assert house.joining.offer("acme", "NEWS.acme.example") == Offer(
        house.account.id,
        house.news.id,
        "acme",
        "Acme News",
        "News.acme.example",
        "Tea & cake",
        "weekly",
        ("acme.example",),
        Brand("#0c5a55"),
    )


@pytest.mark.parametrize(("wanted", "written"), [("", "ro"), ("de", "de")])
def test_a_letter_is_in_the_lists_language_where_none_is_said(
    house: House, wanted: str, written: str
) -> None:
    house.registry.describe_list("acme", "news.acme.example", {"language": "ro"})
    letters: list[Pending] = []
    joining = StoreJoining(
        house.store,
        house.keyring,
        house.meter,
        lambda kind, pending, now: letters.append(pending) or write(kind, pending, now),
        lambda: SETTINGS,
    )
    joining.ask(Wish(house.account.id, house.news.id, ANN, wanted, FORM), NOW)
    assert [one.language for one in letters] == [written]


def test_between_the_end_of_the_key_and_of_the_rows_there_is_nobody(house: House) -> None:
    signup_id = house.ask()
    with house.store.write() as connection:
        house.keyring.destroy(connection, house.account.id)
    assert isinstance(house.joining.confirm(house.reader, signup_id, FORM, NOW), Over)
    assert isinstance(house.joining.question(house.reader, signup_id, NOW), Over)
    with pytest.raises(KeyGone):
        house.joining.refuse(house.reader, signup_id, FORM, "refused", NOW)
    with pytest.raises(KeyGone):
        house.ask()


def test_no_offer(house: House) -> None:
    assert house.joining.offer("acme", "other.acme.example") is None
    assert house.joining.offer("emca", "news.acme.example") is None
    house.registry.set_state("acme", AccountState.SUSPENDED, "spam", "operator", NOW)
    assert house.joining.offer("acme", "news.acme.example") is None
    house.joining.ask(Wish(house.account.id, house.news.id, ANN, "en", FORM), NOW)
    assert Letters(house.store, house.keyring).take(NOW, 9) == ()
    nowhere = replace(house.reader, list_id=99)
    assert house.joining.question(nowhere, bytes(16), NOW) == Over(None)
    assert house.joining.confirm(nowhere, bytes(16), FORM, NOW) == Over(None)
    assert house.joining.refuse(nowhere, bytes(16), FORM, "refused", NOW) == Over(None)


def test_who_says_no_is_heard_whatever_became_of_the_account(house: House) -> None:
    signup_id = house.ask()
    house.registry.set_state("acme", AccountState.SUSPENDED, "spam", "operator", NOW)
    question = house.joining.question(house.reader, signup_id, NOW)
    assert isinstance(question, Question)
    assert not question.offer.is_open
    said = house.joining.refuse(house.reader, signup_id, FORM, "refused", NOW)
    assert isinstance(said, TurnedDown)


def test_yes(house: House) -> None:
    offer = house.joining.offer("acme", "news.acme.example")
    assert offer
    signup_id = house.ask()
    names = house.reader, signup_id
    assert house.joining.question(*names, NOW) == Question(
        offer, "a***@e***.net", NOW, "https://acme.example"
    )
    assert house.joining.confirm(*names, FORM, NOW + 1) == Joined(offer)
    assert house.joining.confirm(*names, FORM, NOW + 2) == Joined(offer, NOW + 1)
    assert house.joining.question(*names, NOW + 2) == Joined(offer, NOW + 1)
    assert house.joining.refuse(*names, FORM, "refused", NOW + 3) == Over(offer)
    assert house.meter.value("signup_wishes_total", fate="letter") == 1
    assert house.meter.value("signup_answers_total", answer="confirmed") == 1


def test_no(house: House) -> None:
    offer = house.joining.offer("acme", "news.acme.example")
    assert offer
    signup_id = house.ask()
    assert house.joining.refuse(house.reader, signup_id, FORM, "refused", NOW) == TurnedDown(offer)
    assert house.joining.refuse(house.reader, signup_id, FORM, "refused", NOW) == Over(offer)
    assert house.joining.confirm(house.reader, signup_id, FORM, NOW) == Over(offer)
    assert house.joining.question(house.reader, signup_id, NOW) == Over(offer)
    assert house.meter.value("signup_answers_total", answer="refused") == 1


def test_bombing_is_told_to_the_operator(house: House) -> None:
    with structlog.testing.capture_logs() as lines:
        for number in range(6):
            made = house.registry.add_list("acme", f"l{number}.acme.example", "", default=False)
            house.joining.ask(Wish(house.account.id, made.id, ANN, "en", FORM), NOW + number)
    assert house.meter.value("signup_wishes_total", fate="bombing") == 1
    (line,) = lines
    assert (line["event"], line["account"]) == ("many sign-ups of one person", house.account.id)
    assert "ann" not in repr(line)


class Hands:
    """A clock that is moved by hand."""

    at = NOW

    def now(self) -> float:
        return self.at


async def test_a_round_reminds_and_then_erases(house: House) -> None:
    house.ask()
    clock = Hands()
    rounds = Rounds(SignupRounds(house.store, house.keyring), write, lambda: SETTINGS, clock, house.meter)
    await rounds.round()
    assert not house.meter.value("signup_wishes_total", fate="reminder")
    for clock.at in (NOW + 2 * DAY, NOW + 3 * DAY, NOW + 7 * DAY, NOW + 8 * DAY):
        await rounds.round()
    assert house.meter.value("signup_wishes_total", fate="reminder") == 1
    assert house.meter.value("signup_answers_total", answer="expired") == 1


@pytest.mark.parametrize("error", [StoreAway(), RuntimeError("a fault of ours")])
async def test_no_accident_ends_the_loop(house: House, error: Exception, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    tried = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    class Away(SignupRounds):
        def expire(self, now: float) -> int:
            loop.call_soon_threadsafe(tried.release)
            raise error

    rounds = Rounds(Away(house.store, house.keyring), write, lambda: SETTINGS, Hands(), house.meter)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(rounds.run())
        await tried.acquire()
        await tried.acquire()
        running.cancel()


def test_rounds_find_what_is_due_by_an_index(house: House, slow: Callable[[], set[str]]) -> None:
    house.ask()
    rounds = SignupRounds(house.store, house.keyring)
    before = slow().copy()
    assert rounds.remind(write, terms_of(SETTINGS), NOW + SETTINGS.reminder + 1) == 1
    assert rounds.expire(NOW + SETTINGS.expires + 1) == 1
    Letters(house.store, house.keyring).take(NOW, 9)
    assert slow() - before == set()
