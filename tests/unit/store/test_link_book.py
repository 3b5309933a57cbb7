"""Hosts out of the events, and findings into them."""

import pytest

from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import Account
from gateway.model.mention import Mention
from gateway.store.database import Store
from gateway.store.events import EventHistory, insert_events
from gateway.store.keys import StoreKeyring
from gateway.store.link_book import StoreLinkBook


@pytest.fixture
def book(store: Store, keyring: StoreKeyring) -> StoreLinkBook:
    return StoreLinkBook(store, keyring)


def tell(store: Store, keyring: StoreKeyring, account: Account, *hosts: str) -> None:
    with store.write() as connection:
        events = [
            Event(
                f"{store_place(connection)}-{number}",
                EventType.RECEPTION if host != "bounce" else EventType.BOUNCE,
                1.0,
                account.id,
                f"S{number}",
                list_id=3,
                facts={"way_out_host": host} if host not in {"", "bounce"} else {},
            )
            for number, host in enumerate(hosts)
        ]
        insert_events(connection, [seal_event(one, keyring.seal) for one in events])


def store_place(connection) -> int:
    return connection.exec_driver_sql("select count(*) from event").scalar_one()


def test_hosts_are_read_from_a_place_on(book, store, keyring, acme) -> None:
    tell(store, keyring, acme, "before.example")
    place = book.end()
    tell(store, keyring, acme, "a.example", "", "bounce", "b.example")
    page = book.after(place)
    assert page.found == (
        Mention("a.example", acme.id, "S0", 3),
        Mention("b.example", acme.id, "S3", 3),
    )
    assert page.place == book.end()
    assert book.after(page.place).found == ()
    assert book.after(page.place).place == page.place


def test_a_finding_is_one_event_a_day(book, store, keyring, acme) -> None:
    mention = Mention("gone.example", acme.id, "S1", 3)
    for now in (86_400.0 * 9, 86_400.0 * 9 + 5000, 86_400.0 * 10):
        book.record(mention, "no-such-name", now)
    later, first = EventHistory(store, keyring).recent(acme.id, types=[EventType.TAMPERING])
    assert (first.at, later.at) == (86_400.0 * 9, 86_400.0 * 10)
    assert first.facts == {
        "verdict": "broken",
        "rule": "dead-host",
        "host": "gone.example",
        "why": "no-such-name",
    }
    assert (first.submission_id, first.list_id) == ("S1", 3)
