"""Invitations: once, to who may be invited, and never to who wants none."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.model.address import parse_address
from gateway.model.events import EventType
from gateway.model.facts import Basis, ConsentLevel, MailList, OverQuota, SubscriptionState
from gateway.model.ledger import Entry, Origin, open_entry
from gateway.model.letter import LetterKind
from gateway.model.recommendation import Invitation, Recommendation, Result
from gateway.model.signup import Pending, Terms, Wish
from gateway.store.database import Store
from gateway.store.do_not_mail import keep
from gateway.store.events import EventHistory
from gateway.store.invitations import Invitations
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.refusals import NoSuchList
from gateway.store.registry import Registry
from gateway.store.schema import EVENT, INVITATION, LEDGER, METADATA, SUBSCRIPTION, SUPPRESSION
from gateway.store.signups import Signups
from gateway.store.subscription_rows import Bond
from gateway.store.subscriptions import Subscriptions

NOW = 1_800_000_000.0
FAIR = Origin("operator test", "fair")
DAY = 86_400.0
ANN, BOB = parse_address("ann@example.net"), parse_address("Bob@example.org")


def write(invitation: Invitation, now: float) -> bytes:
    return f"Subject: {invitation.name} {invitation.mail_list}\r\n\r\n{invitation.id.hex()}".encode()


class Desk:
    def __init__(self, store: Store, keyring: StoreKeyring, registry: Registry, news: MailList) -> None:
        self.store, self.keyring, self.registry, self.news = store, keyring, registry, news
        self.invitations = Invitations(store, keyring)
        self.letters = Letters(store, keyring)
        self.bob = keyring.address_hash(news.account_id, BOB.identity)
        self.bond = Bond(news.account_id, news.id, self.bob)
        by = keyring.address_hash(news.account_id, ANN.identity)
        self.what = Recommendation(
            news.account_id, news.id, by, "Ann", ANN, BOB, "en", "192.0.2.7", "Browser"
        )

    def recommend(self, now: float = NOW, **changes: object) -> Result:
        return self.invitations.recommend(replace(self.what, **changes), write, 2, now)

    def sent(self, now: float = NOW) -> list[bytes]:
        taken = self.letters.take(now, 100)
        for one in taken:
            assert one.letter.kind is LetterKind.INVITATION
            self.letters.sent(one)
        return [one.letter.content for one in taken]


@pytest.fixture
def desk(store: Store, keyring: StoreKeyring, registry: Registry, news: MailList) -> Desk:
    return Desk(store, keyring, registry, news)


def test_one_invitation_for_a_list_and_a_friend_ever(desk: Desk) -> None:
    assert desk.recommend() is Result.INVITED
    (content,) = desk.sent()
    assert content.startswith(b"Subject: Ann News\r\n")
    for years in (0, 1, 20):
        assert desk.recommend(NOW + years * 365 * DAY) is Result.INVITED_BEFORE
    assert (
        desk.recommend(NOW + 1, friend=parse_address("BOB@example.org"), name="Eve") is Result.INVITED_BEFORE
    )
    assert desk.sent(NOW + 20 * 365 * DAY) == []


def test_it_is_no_subscription(desk: Desk, store: Store) -> None:
    desk.recommend()
    with store.read() as connection:
        assert connection.execute(select(SUBSCRIPTION)).all() == []


@pytest.mark.parametrize("state", list(SubscriptionState))
def test_who_knows_the_list_is_left_alone(desk: Desk, state: SubscriptionState) -> None:
    subscriptions = Subscriptions(desk.store, desk.keyring)
    subscriptions.add(desk.news.account_id, desk.news.id, BOB, Basis.ASSERTED, FAIR, 1.0, state)
    assert desk.recommend() is Result.KNOWN
    assert desk.sent() == []


def test_who_is_just_signing_up_or_suppressed_is_left_alone(desk: Desk, store: Store) -> None:
    wish = Wish(desk.news.account_id, desk.news.id, BOB, "en", Origin("subscriber", "form"))

    def ask(kind: LetterKind, pending: Pending, now: float) -> bytes:
        return b"Subject: x\r\n\r\n"

    Signups(store, desk.keyring).ask(wish, ask, Terms(DAY, 0.0, 5, 9), NOW)
    assert desk.recommend() is Result.KNOWN
    with store.write() as connection:
        names = {"account_id": desk.news.account_id, "address_hash": desk.bob}
        connection.execute(SUPPRESSION.insert().values(**names, reason="by the operator", since=1.0))
    assert desk.recommend() is Result.SUPPRESSED


def test_whom_the_provider_keeps_for_all_accounts_is_left_alone(desk: Desk, store: Store) -> None:
    person = desk.keyring.address_hash(0, BOB.identity)
    with store.write() as connection:
        keep(connection, [(person, "complained", 1.0)])
    assert desk.recommend() is Result.SUPPRESSED
    assert desk.sent() == []


def test_two_a_day_whatever_the_accounts(desk: Desk) -> None:
    other = desk.registry.add_account(
        "other", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, now=1.0
    )
    lists = [desk.news, desk.registry.add_list("other", "a.example.org", "", default=False)]
    lists.append(desk.registry.add_list("other", "b.example.org", "", default=False))
    said = [desk.recommend(account_id=one.account_id, list_id=one.id) for one in lists]
    assert said == [Result.INVITED, Result.INVITED, Result.OFTEN]
    assert desk.recommend(NOW + DAY + 1, account_id=other.id, list_id=lists[2].id) is Result.INVITED


def test_never_again(desk: Desk) -> None:
    desk.recommend()
    (content,) = desk.sent()
    invitation_id = bytes.fromhex(content.rpartition(b"\r\n")[2].decode())
    assert desk.invitations.is_open(desk.bond, invitation_id)
    assert not desk.invitations.is_open(desk.bond, bytes(16))
    assert not desk.invitations.never_again(desk.bond, bytes(16), NOW)
    assert desk.invitations.never_again(desk.bond, invitation_id, NOW)
    assert desk.invitations.never_again(desk.bond, invitation_id, NOW + 1)
    desk.registry.add_account("other", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, now=1.0)
    theirs = desk.registry.add_list("other", "a.example.org", "", default=False)
    assert desk.recommend(NOW + 9 * DAY, account_id=theirs.account_id, list_id=theirs.id) is Result.NEVER


def test_of_the_friend_there_stays_no_address(desk: Desk, store: Store) -> None:
    desk.recommend()
    desk.sent()
    with store.read() as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(select(table)).all():
                assert "bob@" not in repr(tuple(row)).lower(), table.name
        assert len(connection.execute(select(INVITATION)).all()) == 1
        facts = [json.loads(one) for one in connection.execute(select(EVENT.c.facts)).scalars()]
        (entry,) = [Entry(*row) for row in connection.execute(select(LEDGER))]
    assert facts == [{"result": "recommended: invited"}]
    assert (entry.act, entry.subject) == ("recommended", desk.bob)
    details = open_entry(entry, desk.keyring.open)
    assert (details["by"], details["name"], details["ip"]) == (desk.what.by.hex(), "Ann", "192.0.2.7")
    (told,) = EventHistory(store, desk.keyring).recent(desk.news.account_id, types=[EventType.SIGN_UP])
    assert told.data == {}


def test_a_list_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(NoSuchList):
        desk.recommend(list_id=99)
