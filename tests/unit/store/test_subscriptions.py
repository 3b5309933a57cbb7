import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.model.address import Address, parse_address
from gateway.model.events import EventType
from gateway.model.facts import Account, Basis, MailList, SubscriptionState
from gateway.model.ledger import Origin
from gateway.store.bond import Change
from gateway.store.database import Store
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import HasLeft, NoSuchList
from gateway.store.subscriptions import (
    AlreadyComplained,
    AlreadyUnsubscribed,
    Complained,
    Subscriptions,
    Unknown,
    Unsubscribed,
)

FORM = Origin("operator test", "form")
FILE = Origin("operator test", "file")
LINK = Origin("operator test", "link")
PAGE = Origin("subscriber", "page")
ONE_CLICK = Origin("subscriber", "one-click")

S = SubscriptionState
BOB = Address("Bob", "example.org")
EVE = Address("eve", "example.org")


@pytest.fixture
def bob(keyring: StoreKeyring, acme: Account) -> bytes:
    return keyring.address_hash(acme.id, BOB.identity)


@pytest.fixture
def history(store: Store, keyring: StoreKeyring) -> EventHistory:
    return EventHistory(store, keyring)


def test_a_subscription_is_shown_as_it_was_made(subscriptions: Subscriptions, news: MailList) -> None:
    assert (
        subscriptions.add(
            news.account_id, news.id, BOB, Basis.ASSERTED, Origin("operator test", "form 7"), 10.0
        )
        is Change.ADDED
    )
    [shown] = subscriptions.show(news.account_id, parse_address("bob@EXAMPLE.org"))
    assert (shown.list_id, shown.list_name) == (news.id, "news.example.org")
    assert (shown.state, shown.basis) == (S.CONFIRMED, Basis.ASSERTED)
    assert (shown.address, shown.source) == ("Bob@example.org", "form 7")
    assert (shown.created_at, shown.changed_at) == (10.0, 10.0)
    assert subscriptions.show(news.account_id, EVE) == ()


def test_doing_it_twice_changes_nothing(
    subscriptions: Subscriptions, news: MailList, history: EventHistory
) -> None:
    subscriptions.add(news.account_id, news.id, BOB, Basis.ASSERTED, Origin("operator test", "form 7"), 10.0)
    assert (
        subscriptions.add(
            news.account_id, news.id, BOB, Basis.ASSERTED, Origin("operator test", "form 8"), 11.0
        )
        is Change.UNCHANGED
    )
    [shown] = subscriptions.show(news.account_id, BOB)
    assert (shown.source, shown.changed_at) == ("form 7", 10.0)
    assert len(history.recent(news.account_id)) == 1


def test_a_better_basis_replaces_a_weaker_one(subscriptions: Subscriptions, news: MailList) -> None:
    subscriptions.add(news.account_id, news.id, BOB, Basis.ASSERTED, Origin("operator test", "form 7"), 10.0)
    subscriptions.add(news.account_id, news.id, BOB, Basis.DOUBLE_OPT_IN, LINK, 20.0)
    [shown] = subscriptions.show(news.account_id, BOB)
    assert (shown.basis, shown.source, shown.changed_at) == (
        Basis.DOUBLE_OPT_IN,
        "link",
        10.0,
    )


def test_a_pending_sign_up_is_confirmed(subscriptions: Subscriptions, news: MailList) -> None:
    subscriptions.add(news.account_id, news.id, BOB, Basis.DOUBLE_OPT_IN, FORM, 10.0, S.PENDING)
    assert subscriptions.add(news.account_id, news.id, BOB, Basis.DOUBLE_OPT_IN, LINK, 20.0) is Change.CHANGED
    [shown] = subscriptions.show(news.account_id, BOB)
    assert (shown.state, shown.changed_at, shown.created_at) == (S.CONFIRMED, 20.0, 10.0)


def test_who_left_comes_back_by_their_own_confirmation_only(
    subscriptions: Subscriptions, news: MailList, bob: bytes
) -> None:
    subscriptions.add(news.account_id, news.id, BOB, Basis.ASSERTED, FORM, 10.0)
    subscriptions.unsubscribe(news.account_id, news.id, bob, 20.0, ONE_CLICK)
    with pytest.raises(HasLeft, match="unsubscribed since 1970-01-01"):
        subscriptions.add(news.account_id, news.id, BOB, Basis.ASSERTED, FORM, 30.0)
    assert subscriptions.show(news.account_id, BOB)[0].state is S.UNSUBSCRIBED
    assert subscriptions.add(news.account_id, news.id, BOB, Basis.DOUBLE_OPT_IN, LINK, 40.0) is Change.CHANGED
    assert subscriptions.show(news.account_id, BOB)[0].state is S.CONFIRMED


def test_leaving_is_idempotent_and_keeps_the_first_date(
    subscriptions: Subscriptions, news: MailList, bob: bytes, history: EventHistory
) -> None:
    account = news.account_id
    assert subscriptions.unsubscribe(account, news.id, bob, 5.0, PAGE) == Unknown()
    subscriptions.add(account, news.id, BOB, Basis.ASSERTED, FORM, 10.0)
    assert subscriptions.unsubscribe(account, news.id, bob, 20.0, ONE_CLICK) == Unsubscribed(20.0)
    assert subscriptions.unsubscribe(account, news.id, bob, 30.0, PAGE) == AlreadyUnsubscribed(20.0)
    left, joined = history.recent(account)
    assert (left.type, left.list_id, left.at) == (EventType.SUBSCRIPTION, news.id, 20.0)
    assert left.facts == {"state": "unsubscribed", "via": "one-click", "subscriber": bob.hex()}
    assert joined.facts == {"state": "confirmed", "basis": "asserted", "subscriber": bob.hex()}
    assert joined.data == {"address": "Bob@example.org", "source": "form"}


def test_a_complaint_is_stronger_than_leaving(
    subscriptions: Subscriptions, news: MailList, bob: bytes, history: EventHistory
) -> None:
    account = news.account_id
    assert subscriptions.report(account, news.id, bob, 5.0, PAGE) == Unknown()
    subscriptions.add(account, news.id, BOB, Basis.ASSERTED, FORM, 10.0)
    subscriptions.unsubscribe(account, news.id, bob, 20.0, PAGE)
    assert subscriptions.report(account, news.id, bob, 30.0, PAGE) == Complained(30.0)
    assert subscriptions.report(account, news.id, bob, 40.0, PAGE) == AlreadyComplained(30.0)
    assert subscriptions.unsubscribe(account, news.id, bob, 50.0, PAGE) == AlreadyUnsubscribed(30.0)
    assert subscriptions.show(account, BOB)[0].state is S.COMPLAINED
    assert [event.type for event in history.recent(account, types=[EventType.FEEDBACK])] == [
        EventType.FEEDBACK
    ]


def test_a_list_of_another_account_is_none(
    subscriptions: Subscriptions, news: MailList, keyring: StoreKeyring
) -> None:
    keyring.seal(0, b"", b"")
    for account_id, list_id in ((0, news.id), (news.account_id, 99)):
        with pytest.raises(NoSuchList):
            subscriptions.add(account_id, list_id, BOB, Basis.ASSERTED, FORM, 10.0)
        with pytest.raises(NoSuchList):
            subscriptions.load(account_id, list_id, ["a@b.org"], Basis.ASSERTED, FORM, 10.0)


def test_a_load_tells_what_became_of_each_line(
    subscriptions: Subscriptions, news: MailList, bob: bytes
) -> None:
    account = news.account_id
    subscriptions.add(account, news.id, BOB, Basis.ASSERTED, FORM, 10.0)
    subscriptions.add(account, news.id, EVE, Basis.DOUBLE_OPT_IN, FORM, 10.0, S.PENDING)
    subscriptions.unsubscribe(account, news.id, bob, 20.0, PAGE)
    lines = [
        "new@example.org\n",
        "\n",
        "  BOB@example.org ",
        "not an address",
        "NEW@example.org",
        "eve@example.org",
        "ä@" + "é" * 70 + ".org",
    ]
    seen: list[int] = []
    loaded = subscriptions.load(
        account, news.id, lines, Basis.ASSERTED, Origin("operator test", "file 3"), 30.0, seen.append
    )
    assert (loaded.added, loaded.changed, loaded.unchanged, loaded.refused_count) == (1, 1, 1, 3)
    assert [number for number, _ in loaded.refused] == [3, 4, 7]
    reasons = dict(loaded.refused)
    assert "unsubscribed since" in reasons[3]
    assert "no domain" in reasons[4]
    assert "internationalised" in reasons[7]
    assert seen == [7]
    assert subscriptions.show(account, EVE)[0].state is S.CONFIRMED
    assert subscriptions.show(account, parse_address("new@example.org"))[0].source == "file 3"


def test_a_load_goes_in_batches(
    subscriptions: Subscriptions, news: MailList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.loading._BATCH", 40)
    monkeypatch.setattr("gateway.store.loading._REASONS", 2)
    monkeypatch.setattr("gateway.store.subscription_rows._IN_ONE_QUERY", 7)
    lines = [f"user{number % 90}@example.org" for number in range(100)] + ["x"] * 5
    seen: list[int] = []
    loaded = subscriptions.load(news.account_id, news.id, lines, Basis.ASSERTED, FILE, 30.0, seen.append)
    assert (loaded.added, loaded.unchanged, loaded.refused_count, len(loaded.refused)) == (90, 10, 5, 2)
    assert seen == [40, 80, 105]
    again = subscriptions.load(news.account_id, news.id, lines, Basis.ASSERTED, FILE, 40.0)
    assert (again.added, again.unchanged) == (0, 100)


def test_two_loads_of_the_same_addresses_at_once(
    subscriptions: Subscriptions,
    news: MailList,
    open_another: Callable[..., Store],
    keyring: StoreKeyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.store.loading._BATCH", 50)
    other = Subscriptions(open_another(), keyring)
    added: list[int] = []

    def load(one: Subscriptions) -> None:
        lines = (f"user{number}@example.org" for number in range(500))
        added.append(one.load(news.account_id, news.id, lines, Basis.ASSERTED, FILE, 30.0).added)

    threads = [threading.Thread(target=load, args=(one,)) for one in (subscriptions, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == 500


SECRETS = (
    b"bob@",
    b"plain.example",
    b"carol@",
    b"dave,",
)  # three letters are in any sealed value now and then


def _secrets_in(folder: Path) -> set[tuple[str, bytes]]:
    files = list(folder.iterdir())
    assert files
    return {(file.name, one) for file in files for one in SECRETS if one in file.read_bytes().lower()}


def test_no_file_of_the_store_holds_a_plain_address(
    subscriptions: Subscriptions, store: Store, news: MailList, bob: bytes, path: Path
) -> None:
    source = "asked by carol@plain.example, see dave, too"
    lines = [f"user{number}@plain.example" for number in range(100)]
    subscriptions.add(news.account_id, news.id, BOB, Basis.ASSERTED, Origin("operator test", source), 10.0)
    subscriptions.load(news.account_id, news.id, lines, Basis.ASSERTED, Origin("operator test", source), 10.0)
    subscriptions.unsubscribe(news.account_id, news.id, bob, 20.0, PAGE)
    # The log too, while the store is open; copied by another process, because closing the file in this one
    # would drop the locks that it has on it.
    copies = path.parent.with_name("copies")
    subprocess.run(["cp", "-r", str(path.parent), str(copies)], check=True)
    assert _secrets_in(copies) == set()
    assert (copies / "store.sqlite-wal").stat().st_size > 0
    store.close()  # the log goes into the file
    assert _secrets_in(path.parent) == set()
