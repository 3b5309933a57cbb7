"""The pages' port of recommending over a real store."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.app.recommending import StoreRecommending
from gateway.model.address import parse_address
from gateway.model.facts import AccountState, Basis, ConsentLevel, OverQuota, SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.recommendation import Invitation, Recommendation, Result
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import RecommendationSection
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.registry import Registry
from gateway.store.subscriptions import Subscriptions
from gateway.web.leaving import Reader

NOW = 1_800_000_000.0
ANN, BOB = parse_address("ann@example.net"), parse_address("bob@example.org")
FAIR = Origin("operator test", "fair")


def write(invitation: Invitation, now: float) -> bytes:
    return f"Subject: {invitation.name}\r\n\r\n{invitation.id.hex()}".encode()


class House:
    def __init__(self, folder: Path) -> None:
        self.store = fresh_store(folder / "store.sqlite")
        self.keyring = StoreKeyring(self.store, b"m" * 32)
        self.meter = MemoryMeter()
        self.registry = Registry(
            self.store, self.keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        account = self.registry.add_account(
            "acme", "pw-pw-pw-pw", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, 1.0
        )
        self.news = self.registry.add_list("acme", "news.acme.example", "Acme News", default=True)
        self.subscriptions = Subscriptions(self.store, self.keyring)
        self.recommending = StoreRecommending(
            self.store, self.keyring, self.meter, write, RecommendationSection
        )
        self.reader = Reader(account.id, self.news.id, self.keyring.address_hash(account.id, ANN.identity))
        self.friend = replace(self.reader, address_hash=self.keyring.address_hash(account.id, BOB.identity))
        self.what = Recommendation(account.id, self.news.id, self.reader.address_hash, "Ann", ANN, BOB, "en")

    def add(self, state: SubscriptionState = SubscriptionState.CONFIRMED) -> None:
        self.subscriptions.add(self.reader.account_id, self.news.id, ANN, Basis.ASSERTED, FAIR, 1.0, state)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.store.close()


def test_who_is_on_the_list_may_recommend_it(house: House) -> None:
    assert house.recommending.offer_to_recommend(house.reader) is None
    house.add()
    offer = house.recommending.offer_to_recommend(house.reader)
    assert offer
    assert offer.mail_list == "Acme News"
    house.registry.set_state("acme", AccountState.SUSPENDED, "spam", "operator", NOW)
    assert house.recommending.offer_to_recommend(house.reader) is None


@pytest.mark.parametrize("state", sorted(set(SubscriptionState) - {SubscriptionState.CONFIRMED}))
def test_who_is_not_may_not(house: House, state: SubscriptionState) -> None:
    house.add(state)
    assert house.recommending.offer_to_recommend(house.reader) is None


def test_whose_address_it_is(house: House) -> None:
    assert house.recommending.is_theirs(house.reader, parse_address("ANN@example.net"))
    assert not house.recommending.is_theirs(house.reader, BOB)
    assert house.recommending.person(ANN) == house.recommending.person(parse_address("Ann@EXAMPLE.net"))
    assert house.recommending.person(ANN) != house.recommending.person(BOB)


def test_an_invitation_and_its_end(house: House) -> None:
    assert house.recommending.recommend(house.what, NOW) is Result.INVITED
    assert house.recommending.recommend(house.what, NOW) is Result.INVITED_BEFORE
    (taken,) = Letters(house.store, house.keyring).take(NOW, 9)
    invitation_id = bytes.fromhex(taken.letter.content.rpartition(b"\r\n")[2].decode())
    house.registry.set_state("acme", AccountState.SUSPENDED, "spam", "operator", NOW)
    offer = house.recommending.invitation(house.friend, invitation_id)
    assert offer
    assert not offer.is_open
    assert house.recommending.invitation(house.reader, invitation_id) is None
    assert house.recommending.never_again(house.friend, invitation_id, NOW), "whatever became of the account"
    assert not house.recommending.never_again(house.reader, invitation_id, NOW)
    assert house.meter.value("invitations_total", result="invited") == 1


def test_an_account_that_is_stopped_meanwhile(house: House) -> None:
    house.registry.set_state("acme", AccountState.SUSPENDED, "spam", "operator", NOW)
    assert house.recommending.recommend(house.what, NOW) is Result.SUPPRESSED
    assert Letters(house.store, house.keyring).take(NOW, 9) == ()
