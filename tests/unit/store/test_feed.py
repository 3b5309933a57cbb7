"""The feed over the store: what is opened for whom, and how much one page looks at."""

from collections.abc import MutableMapping

import pytest
import structlog
from sqlalchemy import update

from gateway.model.address import parse_address
from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import Account, Basis, MailList
from gateway.model.identity import new_id
from gateway.model.ledger import Origin
from gateway.model.notice import ALL, TOLD, NoticeType
from gateway.store.database import Store
from gateway.store.events import insert_events
from gateway.store.feed import StoreFeed, _following
from gateway.store.keys import StoreKeyring
from gateway.store.schema import EVENT, SUBSCRIPTION
from gateway.store.subscriptions import Subscriptions

ANN = parse_address("Ann@example.net")
LEFT = {NoticeType.SUBSCRIPTION_UNSUBSCRIBED}


@pytest.fixture
def feed(store: Store, keyring: StoreKeyring) -> StoreFeed:
    return StoreFeed(store, keyring)


@pytest.fixture
def ann_left(subscriptions: Subscriptions, keyring: StoreKeyring, acme: Account, news: MailList) -> None:
    subscriptions.add(acme.id, news.id, ANN, Basis.ASSERTED, Origin("operator test", "fair"), 1.0)
    subscriptions.unsubscribe(
        acme.id, news.id, keyring.address_hash(acme.id, ANN.identity), 2.0, Origin("subscriber", "one-click")
    )


@pytest.mark.usefixtures("ann_left")
def test_who_left_is_told_by_address_and_list(feed: StoreFeed, acme: Account) -> None:
    joined, left = feed.page(acme.id, 0, ALL, 10).notices
    assert (joined.type, joined.data["basis"]) == (NoticeType.SUBSCRIPTION_CONFIRMED, "asserted")
    assert (left.type, left.at) == (NoticeType.SUBSCRIPTION_UNSUBSCRIBED, 2.0)
    assert left.data == {
        "address": "Ann@example.net",
        "list": "news.example.org",
        "state": "unsubscribed",
        "basis": None,
        "via": "one-click",
        "paused_until": None,
    }


@pytest.mark.usefixtures("ann_left")
def test_who_was_erased_since_is_told_without_an_address(
    feed: StoreFeed, acme: Account, store: Store
) -> None:
    with store.write() as connection:
        connection.execute(SUBSCRIPTION.delete())
    (left,) = feed.page(acme.id, 0, LEFT, 10).notices
    assert left.data["address"] is None


@pytest.mark.usefixtures("ann_left")
@pytest.mark.parametrize("table", [EVENT, SUBSCRIPTION])
def test_what_was_tampered_with_stops_nothing(feed: StoreFeed, acme: Account, store: Store, table) -> None:
    column = table.c.data if table is EVENT else table.c.sealed
    with store.write() as connection:
        connection.execute(update(table).where(column != b"").values({column.name: b"\x01" + bytes(40)}))
    lines: list[MutableMapping[str, object]]
    with structlog.testing.capture_logs() as lines:
        told = feed.page(acme.id, 0, ALL, 10).notices
    assert len(told) == 2
    assert told[1].data["address"] == (None if table is SUBSCRIPTION else "Ann@example.net")
    assert {line["log_level"] for line in lines} == {"error"}


def test_a_page_looks_at_a_bounded_number(feed: StoreFeed, acme: Account, store: Store, keyring) -> None:
    joined = [
        Event(
            new_id(1.0, number.to_bytes(10, "big")),
            EventType.SUBSCRIPTION,
            1.0,
            acme.id,
            facts={"state": "confirmed"},
        )
        for number in range(2500)
    ]
    with store.write() as connection:
        insert_events(connection, [seal_event(one, keyring.seal) for one in joined])
    page = feed.page(acme.id, 0, LEFT, 10)
    assert (page.notices, page.place, page.more) == ((), 2000, True)
    page = feed.page(acme.id, page.place, LEFT, 10)
    assert (page.notices, page.place, page.more) == ((), 2500, False)


@pytest.mark.usefixtures("ann_left")
def test_a_cursor_from_before_a_backup_was_put_back_goes_on(feed: StoreFeed, acme: Account) -> None:
    page = feed.page(acme.id, 1000, ALL, 10)
    assert (page.notices, page.place, page.more) == ((), 2, False)


@pytest.mark.usefixtures("ann_left")
def test_the_query_seeks(store: Store) -> None:
    query = _following(1, (5, 9), TOLD, 200).compile(
        dialect=store.engine.dialect, compile_kwargs={"literal_binds": True}
    )
    with store.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    ways = {row[3] for row in plan if " event " in row[3]}
    covering = "SEARCH event USING COVERING INDEX event_account_id_type_place"
    assert ways == {
        "SEARCH event USING INTEGER PRIMARY KEY (rowid=?)",
        f"{covering} (account_id=? AND type=? AND place>? AND place<?)",
    }
