"""Leaving by one click: many in one transaction, each with its own answer."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, select
from sqlalchemy.dialects import postgresql

from gateway.model.address import Address
from gateway.model.events import EventType
from gateway.model.facts import Basis, ConsentLevel, MailList, OverQuota, SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.reply import StoreAway
from gateway.store.consent import StoreConsentBook
from gateway.store.database import Store
from gateway.store.departure_book import Departure, _Statement
from gateway.store.departures import Departures
from gateway.store.event_ids import EventIds
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.schema import SUBSCRIPTION
from gateway.store.subscription_rows import Bond, Scribe
from gateway.store.subscriptions import AlreadyUnsubscribed, Subscriptions, Unknown, Unsubscribed

FAIR = Origin("operator test", "fair")
PAGE = Origin("subscriber", "page")
ONE_CLICK = Origin("subscriber", "one-click")

NOW = 1000.0


@pytest.fixture
def scribe(keyring: StoreKeyring) -> Scribe:
    return Scribe(keyring, EventIds(os.urandom))


@pytest.fixture
async def departures(store: Store, scribe: Scribe) -> AsyncIterator[Departures]:
    departures = Departures(store, scribe)
    yield departures
    await departures.close()


@pytest.fixture
def subscribe(
    subscriptions: Subscriptions, keyring: StoreKeyring, news: MailList
) -> Callable[..., Departure]:
    """Subscribes a person, and gives what takes them off again."""

    def one(number: int = 0, state: SubscriptionState = SubscriptionState.CONFIRMED) -> Departure:
        person = Address(f"r{number}", "example.net")
        account = news.account_id
        subscriptions.add(account, news.id, person, Basis.ASSERTED, FAIR, 10.0, state)
        address_hash = keyring.address_hash(account, person.identity)
        return Departure(Bond(account, news.id, address_hash), NOW, ONE_CLICK)

    return one


def row(store: Store, departure: Departure) -> dict[str, object]:
    with store.read() as connection:
        return dict(connection.execute(select(SUBSCRIPTION).where(departure.bond.here)).one()._mapping)


def told(store: Store, keyring: StoreKeyring, departure: Departure) -> list[dict[str, object]]:
    """The facts of the events of somebody's leaving."""
    recent = EventHistory(store, keyring).recent(departure.bond.account_id, 1000, [EventType.SUBSCRIPTION])
    mine = [dict(one.facts) for one in recent if one.facts["subscriber"] == departure.bond.address_hash.hex()]
    return [facts for facts in mine if "via" in facts]


async def test_leaving_twice_is_leaving_once(departures, store, keyring, subscribe) -> None:
    ann = subscribe()
    assert await departures.leave(ann) == Unsubscribed(NOW)
    assert await departures.leave(replace(ann, now=NOW + 5)) == AlreadyUnsubscribed(NOW)
    assert (row(store, ann)["state"], row(store, ann)["changed_at"]) == ("unsubscribed", NOW)
    (facts,) = told(store, keyring, ann)
    assert facts == {"state": "unsubscribed", "via": "one-click", "subscriber": ann.bond.address_hash.hex()}


async def test_that_an_account_whose_key_is_gone_is_unknown_and_holds_up_nobody(
    departures, store, keyring, registry, subscribe
) -> None:
    ann, subscriptions = subscribe(), Subscriptions(store, keyring)
    other = registry.add_account("other", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, 1.0)
    theirs = registry.add_list("other", "news.other.example", "", default=True)
    subscriptions.add(other.id, theirs.id, Address("r0", "example.net"), Basis.ASSERTED, FAIR, 10.0)
    erased = Departure(Bond(other.id, theirs.id, keyring.address_hash(other.id, "r0@example.net")), NOW, PAGE)
    with store.write() as connection:
        keyring.destroy(connection, other.id)
    answers = await asyncio.gather(departures.leave(ann), departures.leave(erased))
    assert answers == [Unsubscribed(NOW), Unknown()]


async def test_it_counts_for_the_very_next_recipient(departures, store, subscribe) -> None:
    ann = subscribe()
    book = StoreConsentBook(store)
    key = (ann.bond.account_id, ann.bond.address_hash)
    (before,) = await book.bonds([key])
    await departures.leave(ann)
    (after,) = await book.bonds([key])
    book.close()
    assert before.subscriptions[0].state is SubscriptionState.CONFIRMED
    assert after.subscriptions[0].state is SubscriptionState.UNSUBSCRIBED


async def test_the_row_is_as_the_page_would_leave_it(departures, store, subscriptions, subscribe) -> None:
    ann, bob = subscribe(1), subscribe(2)
    await departures.leave(ann)
    bond = bob.bond
    subscriptions.unsubscribe(bond.account_id, bond.list_id, bond.address_hash, NOW, PAGE)
    own = {"address_hash", "sealed"}
    one, other = (
        {name: value for name, value in row(store, who).items() if name not in own} for who in (ann, bob)
    )
    assert one == other


@pytest.mark.parametrize(
    ("state", "leaves"),
    [
        (state, state not in {SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED})
        for state in SubscriptionState
    ],
)
async def test_who_can_leave(departures, store, subscribe, state, leaves) -> None:
    ann = subscribe(state=state)
    answer = await departures.leave(ann)
    assert answer == (Unsubscribed(NOW) if leaves else AlreadyUnsubscribed(10.0))
    assert row(store, ann)["state"] == ("unsubscribed" if leaves else str(state))


async def test_a_stranger(departures, subscribe) -> None:
    ann = subscribe()
    for bond in (replace(ann.bond, address_hash=b"?" * 16), replace(ann.bond, list_id=99)):
        assert await departures.leave(replace(ann, bond=bond)) == Unknown()


async def test_a_hundred_at_once_for_one_person(departures, store, keyring, subscribe) -> None:
    ann = subscribe()
    answers = await asyncio.gather(*(departures.leave(ann) for _ in range(100)))
    assert answers.count(Unsubscribed(NOW)) == 1
    assert answers.count(AlreadyUnsubscribed(NOW)) == 99
    assert len(told(store, keyring, ann)) == 1


async def test_those_who_wait_share_a_transaction(departures, store, keyring, subscribe, monkeypatch) -> None:
    monkeypatch.setattr("gateway.store.departures._LARGEST", 20)
    people = [subscribe(number) for number in range(45)]
    await departures.leave(people[0])  # both books are open now
    commits = []
    event.listen(store.engine, "commit", commits.append)
    answers = await asyncio.gather(*(departures.leave(one) for one in people[1:]))
    assert set(answers) == {Unsubscribed(NOW)}
    assert len(commits) == 3  # of twenty at most
    assert all(len(told(store, keyring, one)) == 1 for one in people)


@pytest.mark.parametrize("patience", [10.0, 0.0])
async def test_a_transaction_waits_for_company_while_company_comes(
    departures, store, subscribe, monkeypatch, *, patience
) -> None:
    monkeypatch.setattr("gateway.store.departures._COMPANY", patience)
    people = [subscribe(number) for number in range(5)]
    await departures.leave(people[0])
    commits = []
    event.listen(store.engine, "commit", commits.append)

    async def leave_after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await departures.leave(people[turns])

    await asyncio.gather(*(leave_after(turns) for turns in range(1, 5)))
    assert (len(commits) == 1) is (patience > 0)


async def test_another_process_that_writes_is_waited_for_and_stops_nobody_else(
    departures, open_another, subscribe, monkeypatch
) -> None:
    ann, bob = subscribe(1), subscribe(2)
    await departures.leave(ann)
    begun, begin = asyncio.Event(), departures._begin
    monkeypatch.setattr(departures, "_begin", lambda: (begin(), begun.set()))
    async with asyncio.TaskGroup() as tasks:
        with open_another().write():
            waiting = [tasks.create_task(departures.leave(bob)) for _ in range(2)]
            await begun.wait()  # the batch is in the thread, and we are here
            assert not any(one.done() for one in waiting)
    assert [one.result() for one in waiting] == [Unsubscribed(NOW), AlreadyUnsubscribed(NOW)]


async def test_a_store_that_is_locked_for_too_long_is_away_and_comes_back(
    open_another, store, keyring, subscribe
) -> None:
    ann = subscribe()
    departures = Departures(open_another(timeout=0.05), Scribe(keyring, EventIds(os.urandom)))
    with store.write():
        answers = await asyncio.gather(*(departures.leave(ann) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in answers] == [StoreAway] * 3
    assert row(store, ann)["state"] == "confirmed"
    assert await departures.leave(ann) == Unsubscribed(NOW)
    await departures.close()


async def test_a_file_that_is_gone_is_away_and_comes_back(departures, store, path: Path, subscribe) -> None:
    ann, bob = subscribe(1), subscribe(2)
    store.engine.dispose()
    away = path.with_suffix(".gone")
    await asyncio.to_thread(path.rename, away)
    with pytest.raises(StoreAway):
        await departures.leave(ann)
    await asyncio.to_thread(away.rename, path)
    assert await departures.leave(bob) == Unsubscribed(NOW)


async def test_a_commit_that_fails_is_tried_once_more_with_patience(
    departures, store, keyring, subscribe, monkeypatch
) -> None:
    ann, bob = subscribe(1), subscribe(2)
    await departures.leave(ann)

    def fail() -> None:
        monkeypatch.undo()
        departures._quick._roll_back()
        raise StoreAway("no room")

    monkeypatch.setattr(departures._quick, "commit", fail)
    assert await departures.leave(bob) == Unsubscribed(NOW)
    assert len(told(store, keyring, bob)) == 1


class Stumbling(Scribe):
    """Cannot write the event of one person."""

    culprit = b""

    def moved(self, kind, bond, *said):
        if bond.address_hash == self.culprit:
            raise RuntimeError("ink")
        return super().moved(kind, bond, *said)


@pytest.mark.parametrize("warm", [True, False])
async def test_only_the_culprit_fails(store, keyring, subscribe, monkeypatch, *, warm) -> None:
    people = [subscribe(number) for number in range(5)]
    departures = Departures(store, Stumbling(keyring, EventIds(os.urandom)))
    if warm:
        await departures.leave(subscribe(9))
    monkeypatch.setattr(Stumbling, "culprit", people[2].bond.address_hash)
    answers = await asyncio.gather(*(departures.leave(one) for one in people), return_exceptions=True)
    assert [str(answers.pop(2))] == ["ink"]
    assert answers == [Unsubscribed(NOW)] * 4
    assert row(store, people[2])["state"] == "confirmed"
    await departures.close()


async def test_one_who_is_gone_before_the_answer_has_left_all_the_same(departures, store, subscribe) -> None:
    ann, bob = subscribe(1), subscribe(2)
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(departures.leave(ann))
        await asyncio.sleep(0)
        asking.cancel()
        await departures.leave(bob)
    assert row(store, ann)["state"] == "unsubscribed"


async def test_the_end_commits_what_was_taken(store, scribe, subscribe) -> None:
    people = [subscribe(number) for number in range(3)]
    departures = Departures(store, scribe)
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(departures.leave(one)) for one in people]
        await asyncio.sleep(0)
        await departures.close()
    assert [one.result() for one in asking] == [Unsubscribed(NOW)] * 3
    with pytest.raises(StoreAway):
        await departures.leave(people[0])
    assert not any(thread.name == "departures" for thread in threading.enumerate())


async def test_what_waits_is_bounded(departures, subscribe, monkeypatch) -> None:
    ann = subscribe()
    monkeypatch.setattr("gateway.store.departures._MOST_WAITING", 2)
    answers = await asyncio.gather(*(departures.leave(ann) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in answers] == [Unsubscribed, AlreadyUnsubscribed, StoreAway]


def test_the_statement_for_a_database_server() -> None:
    statement = _Statement.of(postgresql.dialect())
    departure = Departure(Bond(7, 3, b"h" * 16), NOW, ONE_CLICK)
    assert "state NOT IN ('complained', 'unsubscribed')" in " ".join(statement.text.split())
    assert statement.values(departure) == {"account": 7, "person": b"h" * 16, "list": 3, "now": NOW}


async def test_the_thread_outlives_a_connection_that_cannot_be_made(
    departures, store, subscribe, monkeypatch
) -> None:
    """Without the thread nobody could leave any more, and nobody would say so."""

    def fail() -> None:
        raise RuntimeError("no memory")

    first, second = subscribe(1), subscribe(2)
    monkeypatch.setattr(departures._quick, "open", fail)
    async with asyncio.timeout(30):
        assert await departures.leave(first) == Unsubscribed(NOW)
        assert await departures.leave(second) == Unsubscribed(NOW)
    assert row(store, second)["state"] == SubscriptionState.UNSUBSCRIBED
