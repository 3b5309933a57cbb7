"""The pages' port over a real store."""

import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.app.leaving import StoreLeaving
from gateway.model.address import parse_address
from gateway.model.events import EventType
from gateway.model.facts import Basis, ConsentLevel, OverQuota, SubscriptionState
from gateway.model.identity import new_id, octets
from gateway.model.ledger import Origin
from gateway.model.undo import Step, Undo
from gateway.observe.memory import MemoryMeter
from gateway.store.brands import Brands
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.registry import Registry
from gateway.store.subscriptions import Subscriptions
from gateway.web.leaving import (
    AlreadyUnsubscribed,
    Asked,
    Logo,
    NothingToUndo,
    Paused,
    Reader,
    Reported,
    Story,
    Undone,
    Unknown,
    Unsubscribed,
)

FAIR = Origin("operator test", "fair")
ONE_CLICK = Origin("subscriber", "one-click")
LETTER = Origin("subscriber", "letter")

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 120, 40) + bytes(5)
PAGE = Origin("subscriber", "page", "192.0.2.7", "Browser/1")
UNDO = Origin("subscriber", "undo")
SUBMISSION = new_id(1.0, b"0123456789")


class House:
    def __init__(self, folder: Path) -> None:
        self.store = fresh_store(folder / "store.sqlite")
        self.keyring = StoreKeyring(self.store, b"m" * 32)
        self.meter = MemoryMeter()
        self.registry = registry = Registry(
            self.store, self.keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        self.account = registry.add_account(
            "acme", "pw-pw-pw-pw", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, 1.0
        )
        self.news = registry.add_list("acme", "news.acme.example", "Acme News", default=True)
        self.bare = registry.add_list("acme", "bare.acme.example", "", default=False)
        ann = parse_address("ann@example.net")
        Subscriptions(self.store, self.keyring).add(
            self.account.id, self.news.id, ann, Basis.ASSERTED, FAIR, 1.0
        )
        self.ann = self.keyring.address_hash(self.account.id, ann.identity)
        self.leaving = StoreLeaving(self.store, self.keyring, self.meter)
        self.reader = Reader(self.account.id, self.news.id, self.ann)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.store.close()


def test_the_story(house: House) -> None:
    story = house.leaving.story(house.reader)
    assert story == Story(
        account="acme",
        mail_list="Acme News",
        list_id="news.acme.example",
        domains=(),
        address="a***@e***.net",
        state=SubscriptionState.CONFIRMED,
        changed_at=1.0,
        paused_until=0.0,
        basis=Basis.ASSERTED,
        source="fair",
        since=1.0,
    )


def test_the_story_of_an_account_with_a_face(house: House) -> None:
    house.registry.add_domain("acme", "acme.example", verified=True, now=1.0)
    house.registry.add_domain("acme", "other.example", verified=False, now=1.0)
    Brands(house.store).set("acme", "#0C5A55", PNG)
    story = house.leaving.story(house.reader)
    assert story
    assert story.domains == ("acme.example",)
    assert (story.brand.colour, story.brand.width, story.brand.height) == ("#0c5a55", 120, 40)
    assert house.leaving.logo(story.brand.logo) == Logo("image/png", PNG)
    assert house.leaving.logo("other") is None
    assert house.leaving.logo("") is None


def test_what_is_gone_has_no_story(house: House) -> None:
    reader = house.reader
    assert house.leaving.story(replace(reader, account_id=reader.account_id + 1)) is None
    assert house.leaving.story(replace(reader, list_id=house.bare.id)) is None
    assert house.leaving.story(replace(reader, address_hash=bytes(16))) is None
    with house.store.write() as connection:
        house.keyring.destroy(connection, house.account.id)
    assert house.leaving.story(reader) is None
    assert house.leaving.ask(reader, lambda _: b"", 1.0) == Unknown()


def test_leaving_all_pausing_and_undoing(house: House) -> None:
    reader, leaving = house.reader, house.leaving
    names = reader.account_id, reader.list_id, reader.address_hash
    assert leaving.pause(reader, 90.0, 10.0, PAGE) == Paused(90.0)
    assert leaving.undo(Undo(Step.PAUSED, *names, 90.0, 0), 11.0, UNDO) == Undone()
    assert leaving.undo(Undo(Step.PAUSED, *names, 90.0, 0), 12.0, UNDO) == NothingToUndo()
    assert leaving.leave_all(reader, 20.0, LETTER) == Unsubscribed()
    assert leaving.leave_all(reader, 21.0, LETTER) == AlreadyUnsubscribed(20.0)
    assert leaving.pause(reader, 90.0, 22.0, PAGE) == AlreadyUnsubscribed(20.0)
    assert leaving.undo(Undo(Step.LEFT, names[0], 0, names[2], 20.0, 0), 23.0, UNDO) == Undone()
    gone = replace(reader, address_hash=bytes(16))
    assert leaving.leave_all(gone, 1.0, PAGE) == Unknown()
    assert leaving.pause(gone, 2.0, 1.0, PAGE) == Unknown()


def test_asking_by_letter(house: House) -> None:
    for now in (100.0, 200.0):
        assert house.leaving.ask(house.reader, lambda to: f"To: <{to}>\r\n\r\n".encode(), now) == Asked()
    (taken,) = Letters(house.store, house.keyring).take(200.0, 10)
    assert taken.letter.content == b"To: <ann@example.net>\r\n\r\n"
    assert house.meter.value("letters_total", kind="leaving", result="written") == 1
    assert house.meter.value("letters_total", kind="leaving", result="limited") == 1


def test_leaving_twice_is_leaving_once(house: House) -> None:
    now = time.time()
    submission, nobody = octets(SUBMISSION), replace(house.reader, address_hash=b"?" * 16)
    assert house.leaving.unsubscribe(house.reader, submission, now, ONE_CLICK) == Unsubscribed()
    assert house.leaving.unsubscribe(house.reader, submission, now + 5, PAGE) == AlreadyUnsubscribed(now)
    assert house.leaving.unsubscribe(nobody, submission, now, PAGE) == Unknown()
    (left,) = EventHistory(house.store, house.keyring).history(SUBMISSION)
    assert (left.type, left.facts["via"]) == (EventType.SUBSCRIPTION, "one-click")


def test_a_report_is_kept_with_its_words_and_its_submission(house: House) -> None:
    submission = octets(SUBMISSION)
    assert house.leaving.report(house.reader, submission, 2.0, PAGE, "I never asked") == Reported()
    history = EventHistory(house.store, house.keyring)
    told = history.history(SUBMISSION)  # at one time, in either order
    marked, kept = sorted(told, key=lambda event: len(event.data))
    assert (marked.type, marked.facts["state"]) == (EventType.FEEDBACK, "complained")
    assert (kept.type, kept.data) == (EventType.FEEDBACK, {"words": "I never asked"})
    assert house.leaving.report(house.reader, submission, 3.0, PAGE, "") == Reported()
    assert len(history.history(SUBMISSION)) == 2
    unknown = replace(house.reader, address_hash=b"?" * 16)
    assert house.leaving.report(unknown, submission, 3.0, PAGE, "x") == Unknown()
