"""The consent ledger at rest: one chain for each account, written with the changes that it tells of."""

import threading
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import event, select

from gateway.model.address import parse_address
from gateway.model.facts import Account, Basis, MailList, SubscriptionState
from gateway.model.ledger import BEGINNING, Act, Deed, Entry, Origin, open_entry, text_hash, what_is_wrong
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.ledger import append, empty, erase, of_person, text_context
from gateway.store.schema import LEDGER, LEDGER_HEAD, SHOWN_TEXT
from gateway.store.subscription_rows import Bond
from gateway.store.subscriptions import Subscriptions
from gateway.store.wishes import Wishes

ANN = parse_address("Ann@example.net")
FORM = Origin("subscriber", "https://news.example/form", "192.0.2.7", "Browser/1", "News, once a week.")
PAGE = Origin("subscriber", "page", "192.0.2.9", "Browser/2")


def entries(store: Store, account_id: int) -> Sequence[Entry]:
    with store.read() as connection:
        rows = connection.execute(
            select(LEDGER).where(LEDGER.c.account_id == account_id).order_by(LEDGER.c.number)
        )
        return [Entry(*row) for row in rows]


def assert_whole(store: Store, account_id: int) -> None:
    number, last = 0, BEGINNING
    for number, entry in enumerate(entries(store, account_id), 1):
        assert what_is_wrong(entry, number, last) == ""
        last = entry.hash
    with store.read() as connection:
        head = connection.execute(select(LEDGER_HEAD).where(LEDGER_HEAD.c.account_id == account_id)).one()
    assert (head.number, head.hash) == (number, last)


@pytest.fixture
def ann(keyring: StoreKeyring, acme: Account) -> bytes:
    return keyring.address_hash(acme.id, ANN.identity)


@pytest.fixture
def told(
    store: Store, keyring: StoreKeyring, acme: Account
) -> Callable[[], list[tuple[str, dict[str, object]]]]:
    """Return what the ledger tells, without the entry's place."""
    return lambda: [(one.act, open_entry(one, keyring.open)) for one in entries(store, acme.id)]


def test_each_change_has_its_entry(  # noqa: PLR0917 - fixtures
    store: Store, subscriptions: Subscriptions, keyring: StoreKeyring, news: MailList, ann: bytes, told
) -> None:
    where = (news.account_id, news.id)
    wishes, bond = Wishes(store, keyring), Bond(*where, ann)
    subscriptions.add(*where, ANN, Basis.DOUBLE_OPT_IN, FORM, 1.0, SubscriptionState.PENDING)
    subscriptions.add(*where, ANN, Basis.DOUBLE_OPT_IN, Origin("subscriber", "link", "192.0.2.8"), 2.0)
    subscriptions.add(*where, ANN, Basis.ASSERTED, Origin("api-key 7", "crm"), 3.0)  # changes nothing
    wishes.pause(bond, 90.0, 4.0, PAGE)
    wishes.undo_pause(bond, 90.0, 5.0, Origin("subscriber", "undo"))
    wishes.leave_all(bond, 6.0, PAGE)
    wishes.leave_all(bond, 7.0, PAGE)  # changes nothing
    wishes.undo_leaving(bond.of_all_lists, 6.0, 8.0, Origin("subscriber", "undo"))
    subscriptions.unsubscribe(*where, ann, 9.0, PAGE)
    subscriptions.unsubscribe(*where, ann, 10.0, PAGE)  # changes nothing
    subscriptions.report(*where, ann, 11.0, PAGE)
    page = {"actor": "subscriber", "source": "page", "ip": "192.0.2.9", "user_agent": "Browser/2"}
    undo = {"actor": "subscriber", "source": "undo"}
    who = {"address": "Ann@example.net", "basis": "double-opt-in"}
    assert told() == [
        (
            "signed-up",
            {
                "actor": "subscriber",
                "source": "https://news.example/form",
                "ip": "192.0.2.7",
                "user_agent": "Browser/1",
                "text": text_hash(FORM.text).hex(),
                "state": "pending",
                **who,
            },
        ),
        (
            "confirmed",
            {"actor": "subscriber", "source": "link", "ip": "192.0.2.8", "state": "confirmed", **who},
        ),
        ("paused", {**page, "until": 90.0}),
        ("resumed", undo),
        ("unsubscribed", page),
        ("unsubscribed", page),  # from the lists to come
        ("undone", {**undo, "state": "confirmed"}),
        ("undone", undo),
        ("unsubscribed", page),
        ("complained", page),
    ]
    assert [one.list_id for one in entries(store, news.account_id)][4:8] == [news.id, 0, news.id, 0]
    assert {one.subject for one in entries(store, news.account_id)} == {ann}
    assert_whole(store, news.account_id)


def test_a_load_has_an_entry_a_row(store: Store, subscriptions: Subscriptions, news: MailList, told) -> None:
    lines = [f"r{number}@example.net" for number in range(30)] + ["r1@example.net", "nonsense"]
    subscriptions.load(news.account_id, news.id, lines, Basis.ASSERTED, Origin("operator ops", "file"), 5.0)
    kept = told()
    assert {act for act, _ in kept} == {"imported"}
    assert sorted(str(details["address"]) for _, details in kept) == sorted(lines[:30])
    assert kept[0][1] | {"address": ""} == {
        "actor": "operator ops", "source": "file", "address": "", "state": "confirmed", "basis": "asserted"
    }  # fmt: skip
    assert_whole(store, news.account_id)


def test_a_text_is_kept_once_and_sealed(
    store: Store, subscriptions: Subscriptions, keyring: StoreKeyring, news: MailList
) -> None:
    for name in ("a", "b"):
        address = parse_address(f"{name}@example.net")
        subscriptions.add(news.account_id, news.id, address, Basis.DOUBLE_OPT_IN, FORM, 1.0)
    with store.read() as connection:
        (row,) = connection.execute(select(SHOWN_TEXT)).all()
    assert row.hash == text_hash(FORM.text)
    assert keyring.open(row.account_id, row.sealed, text_context(row.hash)).decode() == FORM.text


def test_a_change_that_fails_leaves_no_entry(
    store: Store, keyring: StoreKeyring, acme: Account, ann: bytes
) -> None:
    def fail() -> None:
        with store.write() as connection:
            append(connection, keyring, acme.id, [Deed(Act.BOUNCED, 1, ann, PAGE)], 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not entries(store, acme.id)


def test_accounts_have_chains_of_their_own(
    store: Store, keyring: StoreKeyring, acme: Account, ann: bytes
) -> None:
    keyring_of_both = keyring
    with store.write() as connection:
        keyring.create(connection, 99)
    for account_id in (acme.id, 99, acme.id):
        with store.write() as connection:
            append(connection, keyring_of_both, account_id, [Deed(Act.BOUNCED, 1, ann, PAGE)], 1.0)
            append(connection, keyring_of_both, account_id, [], 1.0)
    assert [len(entries(store, one)) for one in (acme.id, 99)] == [2, 1]
    assert_whole(store, acme.id)
    assert_whole(store, 99)


def test_writers_at_once_make_one_chain(
    open_another: Callable[..., Store], store: Store, keyring: StoreKeyring, acme: Account, ann: bytes
) -> None:
    def write(one: Store) -> None:
        for number in range(25):
            with one.write() as connection:
                append(connection, keyring, acme.id, [Deed(Act.PAUSED, 1, ann, PAGE)], float(number))

    threads = [threading.Thread(target=write, args=(open_another(30.0),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entries(store, acme.id)) == 100
    assert_whole(store, acme.id)


def test_erasure_empties_a_persons_entries_and_the_chain_holds(
    store: Store, keyring: StoreKeyring, acme: Account, ann: bytes, told
) -> None:
    bob = b"b" * 16
    with store.write() as connection:
        append(connection, keyring, acme.id, [Deed(Act.ADDED, 1, who, PAGE) for who in (ann, bob, ann)], 1.0)
        assert erase(connection, keyring, acme.id, ann, 2.0) == 2
        assert erase(connection, keyring, acme.id, ann, 3.0) == 0
    assert_whole(store, acme.id)
    kept = entries(store, acme.id)
    assert [one.subject for one in kept] == [b"", bob, b"", b""]
    assert [one.is_emptied for one in kept] == [True, False, True, False]
    assert told()[-1] == ("erased", {"actor": "system", "source": "erasure", "entries": 2})


def test_a_persons_entries_are_found_without_going_through_all(store: Store, news: MailList) -> None:
    deed = Deed(Act.SIGNED_UP, news.id, b"somebody", FORM)
    asked = list[tuple[str, object]]()
    event.listen(store.engine, "before_cursor_execute", lambda *said: asked.append(said[2:4]))
    with store.write() as connection:
        empty(connection, news.account_id, deed, 1.0)
        connection.execute(select(LEDGER).where(of_person(news.account_id, deed.subject)))
        queries = [one for one in asked if "ledger" in one[0]]
        for text, values in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            steps = [row[3] for row in plan]
            assert "SEARCH ledger USING PRIMARY KEY (account_id=? AND number=?)" in steps
            assert not any(step.endswith("PRIMARY KEY (account_id=?)") for step in steps)
    assert len(queries) == 2
