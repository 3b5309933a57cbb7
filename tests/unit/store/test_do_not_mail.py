"""People whom no tenant's statement brings back."""

import pytest

from gateway.model.address import parse_address
from gateway.model.facts import Account, Basis, MailList
from gateway.model.ledger import SUBSCRIBER, Origin
from gateway.store.bond import Change
from gateway.store.database import Store
from gateway.store.do_not_mail import anybody, keep, kept_among, lift
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import HasLeft
from gateway.store.subscriptions import Subscriptions

ANN = parse_address("Ann@example.net")
FAIR = Origin("operator ops", "the fair")
FORM = Origin(SUBSCRIBER, "https://form.example")


@pytest.fixture
def kept(store: Store, keyring: StoreKeyring) -> bytes:
    person = keyring.address_hash(0, ANN.identity)
    with store.write() as connection:
        assert keep(connection, [(person, "complained", 86_400.0)]) == 1
    return person


def test_that_they_are_kept_once(store: Store, kept: bytes) -> None:
    with store.write() as connection:
        assert keep(connection, [(kept, "left", 5.0), (b"x" * 16, "left", 5.0)]) == 1
        assert kept_among(connection, [kept, b"y" * 16]) == {kept: 86_400.0}
        assert anybody(connection)
        assert lift(connection, kept)
        assert not lift(connection, kept)


def test_that_no_statement_adds_them(
    subscriptions: Subscriptions, acme: Account, news: MailList, kept: bytes
) -> None:
    for basis in (Basis.ASSERTED, Basis.ACCOUNT, Basis.RECOMMENDED):
        with pytest.raises(HasLeft, match="since 1970-01-02 nobody may add this address but its owner"):
            subscriptions.add(acme.id, news.id, ANN, basis, FAIR, 5.0)
    lines = ["ann@example.net", "bob@example.net", "nonsense"]
    loaded = subscriptions.load(acme.id, news.id, lines, Basis.ASSERTED, FAIR, 5.0)
    assert (loaded.added, loaded.refused_count) == (1, 2)
    assert [number for number, _ in loaded.refused] == [1, 3]


def test_that_their_own_confirmation_does_and_lifts_it(
    store: Store, subscriptions: Subscriptions, acme: Account, news: MailList, kept: bytes
) -> None:
    assert subscriptions.add(acme.id, news.id, ANN, Basis.DOUBLE_OPT_IN, FORM, 5.0) is Change.ADDED
    with store.read() as connection:
        assert not anybody(connection)


def test_that_a_load_of_those_who_confirmed_asks_nobody(
    subscriptions: Subscriptions, acme: Account, news: MailList, kept: bytes
) -> None:
    loaded = subscriptions.load(acme.id, news.id, ["ann@example.net"], Basis.DOUBLE_OPT_IN, FORM, 5.0)
    assert loaded.added == 1
