"""The pages' port over a real store."""

import time
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from gateway.app.leaving import StoreLeaving
from gateway.model.address import parse_address
from gateway.model.events import EventType
from gateway.model.facts import Basis, ConsentLevel, OverQuota
from gateway.model.identity import new_id, octets
from gateway.store.database import open_store
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry
from gateway.store.subscriptions import Subscriptions
from gateway.web.leaving import AlreadyUnsubscribed, Names, Reported, Unknown, Unsubscribed, Via

SUBMISSION = new_id(1.0, b"0123456789")


class House:
    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder / "store.sqlite")
        self.store.upgrade()
        self.keyring = StoreKeyring(self.store, b"m" * 32)
        registry = Registry(
            self.store, self.keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        self.account = registry.add_account(
            "acme", "pw-pw-pw-pw", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, 1.0
        )
        self.news = registry.add_list("acme", "news.acme.example", "Acme News", default=True)
        self.bare = registry.add_list("acme", "bare.acme.example", "", default=False)
        ann = parse_address("ann@example.net")
        Subscriptions(self.store, self.keyring).add(
            self.account.id, self.news.id, ann, Basis.ASSERTED, "fair", 1.0
        )
        self.ann = self.keyring.address_hash(self.account.id, ann.identity)
        self.leaving = StoreLeaving(self.store, self.keyring)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_names(house: House) -> None:
    assert house.leaving.names(house.account.id, house.news.id) == Names("acme", "Acme News")
    assert house.leaving.names(house.account.id, house.bare.id) == Names("acme", "bare.acme.example")
    assert house.leaving.names(house.account.id + 1, house.news.id) is None


def test_leaving_twice_is_leaving_once(house: House) -> None:
    now = time.time()
    who = (house.account.id, house.news.id, house.ann)
    assert house.leaving.unsubscribe(*who, now, Via.ONE_CLICK) == Unsubscribed()
    assert house.leaving.unsubscribe(*who, now + 5, Via.PAGE) == AlreadyUnsubscribed(now)
    assert house.leaving.unsubscribe(*who[:2], b"?" * 16, now, Via.PAGE) == Unknown()


def test_a_report_is_kept_with_its_words_and_its_submission(house: House) -> None:
    who = (house.account.id, house.news.id, house.ann, octets(SUBMISSION))
    assert house.leaving.report(*who, now=2.0, words="I never asked") == Reported()
    history = EventHistory(house.store, house.keyring)
    (kept,) = history.history(SUBMISSION)
    assert (kept.type, kept.data) == (EventType.FEEDBACK, {"words": "I never asked"})
    assert house.leaving.report(*who, now=3.0, words="") == Reported()
    assert len(history.history(SUBMISSION)) == 1
    unknown = (house.account.id, house.news.id, b"?" * 16, octets(SUBMISSION))
    assert house.leaving.report(*unknown, now=3.0, words="x") == Unknown()
