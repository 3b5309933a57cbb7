"""Leaving a sender, pauses, and taking either back."""

import asyncio
from dataclasses import replace

import pytest

from gateway.model.address import parse_address
from gateway.model.events import EventType
from gateway.model.facts import Account, Basis, Bonds, MailList, SubscriptionState
from gateway.model.ledger import Origin
from gateway.store.consent import StoreConsentBook
from gateway.store.database import Store
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry
from gateway.store.subscription_rows import Bond
from gateway.store.subscriptions import AlreadyUnsubscribed, Subscriptions, Unknown, Unsubscribed
from gateway.store.wishes import NothingToUndo, Paused, Undone, Wishes

FAIR = Origin("operator test", "fair")
PAGE = Origin("subscriber", "page")
UNDO = Origin("subscriber", "undo")

S = SubscriptionState
ANN = parse_address("ann@example.net")
DAY = 86_400.0


class House:
    def __init__(
        self, store: Store, keyring: StoreKeyring, acme: Account, news: MailList, offers: MailList
    ) -> None:
        self.store, self.keyring, self.acme = store, keyring, acme
        self.news, self.offers = news, offers
        self.subscriptions = Subscriptions(store, keyring)
        self.wishes = Wishes(store, keyring)
        self.ann = keyring.address_hash(acme.id, ANN.identity)

    def add(self, mail_list: MailList, basis: Basis = Basis.ASSERTED, state: S = S.CONFIRMED) -> None:
        self.subscriptions.add(self.acme.id, mail_list.id, ANN, basis, FAIR, 100.0, state)

    def bond(self, mail_list: MailList | None = None) -> Bond:
        return Bond(self.acme.id, mail_list.id if mail_list else 0, self.ann)

    def bonds(self) -> Bonds:
        async def ask() -> Bonds:
            book = StoreConsentBook(self.store)
            try:
                return (await book.bonds([(self.acme.id, self.ann)]))[0]
            finally:
                book.close()

        return asyncio.run(ask())

    def states(self) -> list[S]:
        return [one.state for one in self.bonds().subscriptions]

    def said(self) -> list[dict[str, object]]:
        history = EventHistory(self.store, self.keyring).recent(self.acme.id, types=[EventType.SUBSCRIPTION])
        return [{k: v for k, v in event.facts.items() if k != "subscriber"} for event in reversed(history)]


@pytest.fixture
def house(store: Store, keyring: StoreKeyring, registry: Registry, acme: Account, news: MailList) -> House:
    offers = registry.add_list("acme", "offers.example.org", "Offers", default=False)
    return House(store, keyring, acme, news, offers)


def test_an_undo_restores_the_very_same_bond(house: House) -> None:
    house.add(house.news, Basis.DOUBLE_OPT_IN)
    before = house.subscriptions.show(house.acme.id, ANN)
    assert house.subscriptions.unsubscribe(*key(house, house.news), 200.0, PAGE) == Unsubscribed(200.0)
    assert house.wishes.undo_leaving(house.bond(house.news), 200.0, 300.0, UNDO) == Undone()
    (after,) = house.subscriptions.show(house.acme.id, ANN)
    assert after == replace(before[0], changed_at=300.0)
    assert house.said()[-2:] == [
        {"state": "unsubscribed", "via": "page"},
        {"state": "confirmed", "via": "undo"},
    ]
    assert house.wishes.undo_leaving(house.bond(house.news), 200.0, 400.0, UNDO) == NothingToUndo()


@pytest.mark.parametrize("state", [S.PENDING, S.CONFIRMED])
def test_an_undo_makes_nothing_better_than_it_was(house: House, state: S) -> None:
    house.add(house.news, Basis.DOUBLE_OPT_IN, state)
    house.subscriptions.unsubscribe(*key(house, house.news), 200.0, PAGE)
    house.wishes.undo_leaving(house.bond(house.news), 200.0, 300.0, UNDO)
    assert house.states() == [state]


def test_an_undo_never_takes_a_complaint_back(house: House) -> None:
    house.add(house.news)
    house.subscriptions.unsubscribe(*key(house, house.news), 200.0, PAGE)
    house.subscriptions.report(*key(house, house.news), 201.0, PAGE)
    assert house.wishes.undo_leaving(house.bond(house.news), 200.0, 300.0, UNDO) == NothingToUndo()
    assert house.wishes.undo_leaving(house.bond(house.news), 201.0, 300.0, UNDO) == NothingToUndo()
    assert house.states() == [S.COMPLAINED]


def test_an_undo_of_another_moment_does_nothing(house: House) -> None:
    house.add(house.news)
    house.subscriptions.unsubscribe(*key(house, house.news), 200.0, PAGE)
    assert house.wishes.undo_leaving(house.bond(house.news), 199.0, 300.0, UNDO) == NothingToUndo()
    assert house.wishes.undo_leaving(house.bond(house.offers), 200.0, 300.0, UNDO) == NothingToUndo()
    assert house.states() == [S.UNSUBSCRIBED]


def test_leaving_all_ends_all_and_those_that_will_be(house: House) -> None:
    house.add(house.news)
    house.add(house.offers)
    assert house.wishes.leave_all(house.bond(house.news), 200.0, PAGE) == Unsubscribed(200.0)
    assert house.states() == [S.UNSUBSCRIBED, S.UNSUBSCRIBED]
    suppression = house.bonds().suppression
    assert suppression
    assert suppression.reason == "unsubscribed from all lists on 1970-01-01"
    assert house.wishes.leave_all(house.bond(house.news), 250.0, PAGE) == AlreadyUnsubscribed(200.0)
    assert house.wishes.undo_leaving(house.bond(), 200.0, 300.0, UNDO) == Undone()
    assert house.states() == [S.CONFIRMED, S.CONFIRMED]
    assert house.bonds().suppression is None


def test_leaving_all_leaves_a_complaint_as_it_is(house: House) -> None:
    house.add(house.news)
    house.add(house.offers)
    house.subscriptions.report(*key(house, house.offers), 150.0, PAGE)
    house.wishes.leave_all(house.bond(house.news), 200.0, PAGE)
    house.wishes.undo_leaving(house.bond(), 200.0, 300.0, UNDO)
    assert house.states() == [S.CONFIRMED, S.COMPLAINED]


def test_one_list_is_taken_back_of_two_that_were_left_at_one_moment(house: House) -> None:
    house.add(house.news)
    house.add(house.offers)
    house.wishes.leave_all(house.bond(house.news), 200.0, PAGE)
    assert house.wishes.undo_leaving(house.bond(house.news), 200.0, 300.0, UNDO) == Undone()
    assert house.states() == [S.CONFIRMED, S.UNSUBSCRIBED]
    assert house.bonds().suppression


def test_only_their_own_confirmation_lifts_the_farewell(house: House) -> None:
    house.add(house.news)
    house.wishes.leave_all(house.bond(house.news), 200.0, PAGE)
    house.add(house.offers)  # an import into a list that was none of theirs
    assert house.bonds().suppression
    house.add(house.offers, Basis.DOUBLE_OPT_IN)
    assert house.bonds().suppression is None
    assert house.states() == [S.UNSUBSCRIBED, S.CONFIRMED]


def test_a_pause_and_its_end(house: House) -> None:
    house.add(house.news)
    until = 30 * DAY
    assert house.wishes.pause(house.bond(house.news), until, 200.0, PAGE) == Paused(until)
    assert [one.paused_until for one in house.bonds().subscriptions] == [until]
    assert house.states() == [S.CONFIRMED]
    assert house.wishes.undo_pause(house.bond(house.news), until + 1, 300.0, UNDO) == NothingToUndo()
    assert house.wishes.undo_pause(house.bond(house.news), until, 300.0, UNDO) == Undone()
    assert [one.paused_until for one in house.bonds().subscriptions] == [0.0]
    assert house.said()[-2:] == [
        {"state": "confirmed", "via": "page", "paused_until": until},
        {"state": "confirmed", "via": "undo", "paused_until": 0.0},
    ]


def test_who_confirms_anew_wants_mail_now(house: House) -> None:
    house.add(house.news)
    house.wishes.pause(house.bond(house.news), 30 * DAY, 200.0, PAGE)
    house.add(house.news, Basis.DOUBLE_OPT_IN)
    assert [one.paused_until for one in house.bonds().subscriptions] == [0.0]


def test_what_is_not_there_or_left(house: House) -> None:
    assert house.wishes.leave_all(house.bond(house.news), 1.0, PAGE) == Unknown()
    assert house.wishes.pause(house.bond(house.news), 2.0, 1.0, PAGE) == Unknown()
    house.add(house.news)
    house.subscriptions.unsubscribe(*key(house, house.news), 200.0, PAGE)
    gone = house.wishes.pause(house.bond(house.news), 300.0, 250.0, PAGE)
    assert gone == AlreadyUnsubscribed(200.0)


def key(house: House, mail_list: MailList) -> tuple[int, int, bytes]:
    return house.acme.id, mail_list.id, house.ann
