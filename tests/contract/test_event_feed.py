"""What every ports.EventFeed promises: in memory and over SQLite."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fresh_store import fresh_store
from sqlalchemy import Connection

from gateway.model.events import Event, EventType, seal_event
from gateway.model.identity import new_id
from gateway.model.notice import ALL, NoticeType
from gateway.ports import BadCursor, EventFeed
from gateway.store import dialect
from gateway.store.database import open_store
from gateway.store.events import insert_events
from gateway.store.feed import StoreFeed
from gateway.store.keys import StoreKeyring
from gateway.store.memory import MemoryFeed

ACME, CAFE = 1, 2


@dataclass
class Subject:
    feed: EventFeed
    tell: Callable[[Event], None]


@pytest.fixture(params=["memory", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        memory = MemoryFeed()
        yield Subject(memory, memory.tell)
        return
    with over_sqlite(tmp_path) as found:
        yield found


@contextmanager
def over_sqlite(folder: Path) -> Iterator[Subject]:
    store = fresh_store(folder / "store.sqlite")
    keyring = StoreKeyring(store, bytes(32))
    with store.write() as connection:
        for account_id in (ACME, CAFE):
            keyring.create(connection, account_id)

    def tell(event: Event) -> None:
        with store.write() as connection:
            insert_events(connection, [seal_event(event, keyring.seal)])

    yield Subject(StoreFeed(store, keyring), tell)
    store.close()


def delivery(number: int, account: int = ACME, kind: EventType = EventType.DELIVERY) -> Event:
    event_id = new_id(number, number.to_bytes(10, "big"))
    return Event(event_id, kind, float(number), account, "S", 0, data={"recipient": f"r{number}@example.net"})


def recipients(subject: Subject, after: int = 0, limit: int = 100, account: int = ACME) -> list[object]:
    page = subject.feed.page(account, after, ALL, limit)
    return [notice.data["recipient"] for notice in page.notices]


def test_the_order_is_that_of_coming_and_not_that_of_happening(subject: Subject) -> None:
    for number in (5, 3, 9):
        subject.tell(delivery(number))
    assert recipients(subject) == ["r5@example.net", "r3@example.net", "r9@example.net"]


def test_what_comes_late_is_after_where_one_was(subject: Subject) -> None:
    subject.tell(delivery(100))
    first = subject.feed.page(ACME, 0, ALL, 10)
    assert not first.more
    subject.tell(delivery(1))  # it happened before, and its id sorts before
    assert recipients(subject, first.place) == ["r1@example.net"]


def test_pages_join_without_a_gap_or_an_overlap(subject: Subject) -> None:
    for number in range(25):
        subject.tell(delivery(number))
        subject.tell(delivery(1000 + number, CAFE))
    seen, place, more = [], 0, True
    while more:
        page = subject.feed.page(ACME, place, ALL, 7)
        seen += [notice.data["recipient"] for notice in page.notices]
        place, more = page.place, page.more
    assert seen == [f"r{number}@example.net" for number in range(25)]
    assert recipients(subject, place) == []


def test_one_account_never_sees_another(subject: Subject) -> None:
    subject.tell(delivery(1, CAFE))
    assert recipients(subject) == []
    assert recipients(subject, account=CAFE) == ["r1@example.net"]


def test_only_what_is_asked_for(subject: Subject) -> None:
    subject.tell(delivery(1))
    subject.tell(delivery(2, kind=EventType.BOUNCE))
    subject.tell(delivery(3, kind=EventType.CONTENT_MODIFIED))  # tenants are not told
    bounces = subject.feed.page(ACME, 0, {NoticeType.MESSAGE_BOUNCED}, 10)
    assert [notice.type for notice in bounces.notices] == [NoticeType.MESSAGE_BOUNCED]
    everything = subject.feed.page(ACME, 0, ALL, 10)
    assert len(everything.notices) == 2
    assert everything.place == bounces.place == 3  # what was passed over need not be looked at again
    assert subject.feed.page(ACME, 0, (), 10).notices == ()


def test_a_cursor_is_the_accounts_own(subject: Subject) -> None:
    cursor = subject.feed.cursor(ACME, 17)
    assert cursor == subject.feed.cursor(ACME, 17)
    assert subject.feed.place(ACME, cursor) == 17
    for account, text in ((CAFE, cursor), (ACME, ""), (ACME, "17"), (ACME, cursor[:-1]), (ACME, "\u0661")):
        with pytest.raises(BadCursor):
            subject.feed.place(account, text)


class Restless:
    """A connection of a server that shows to each query what was committed before it (READ COMMITTED)."""

    def __init__(self, connection: Connection, happens: Callable[[], None]) -> None:
        self._connection = connection
        self._happens = happens

    def execute(self, query: Any) -> Any:
        answer = self._connection.execute(query)
        self._happens()
        return answer


def test_what_is_committed_between_two_queries_is_told_once(tmp_path: Path, monkeypatch) -> None:
    with over_sqlite(tmp_path) as subject:
        assert isinstance(subject.feed, StoreFeed)
        store = open_store(tmp_path / "store.sqlite")
        late = iter([delivery(2)])

        @contextmanager
        def read() -> Iterator[Restless]:
            with dialect.reading_each(store.engine).connect() as connection:
                yield Restless(connection, lambda: [subject.tell(one) for one in late] and None)

        subject.tell(delivery(1))
        monkeypatch.setattr(subject.feed._store, "read", read)
        first = subject.feed.page(ACME, 0, ALL, 10)
        monkeypatch.undo()
        seen = [notice.data["recipient"] for notice in first.notices]
        assert [*seen, *recipients(subject, first.place)] == ["r1@example.net", "r2@example.net"]
        store.close()
