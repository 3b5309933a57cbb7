import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql

from gateway.model.address import Address
from gateway.model.facts import Account, Basis, MailList, SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.reply import StoreAway
from gateway.store import consent
from gateway.store.consent import StoreConsentBook
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.subscriptions import Subscriptions

BOB = Address("bob", "example.org")


@pytest.fixture
def hashes(subscriptions: Subscriptions, keyring: StoreKeyring, acme: Account, news: MailList) -> list[bytes]:
    lines = [f"user{number}@example.org" for number in range(600)]
    subscriptions.load(acme.id, news.id, lines, Basis.ASSERTED, Origin("operator test", "file"), 7.0)
    return [keyring.address_hash(acme.id, line) for line in lines]


@pytest.fixture(params=[0, 16], ids=["thread", "at once"])
def book(request: pytest.FixtureRequest, store: Store) -> Iterator[StoreConsentBook]:
    book = StoreConsentBook(store, request.param)
    yield book
    book.close()


@pytest.mark.parametrize("count", [0, 1, 2, 9, 15, 33, 511, 600])
async def test_many_addresses_in_one_question(
    book: StoreConsentBook, acme: Account, hashes: list[bytes], count: int
) -> None:
    keys = [(acme.id, address_hash) for address_hash in hashes[:count]]
    stranger = (acme.id, bytes(16))
    for _ in range(2):  # the second time there is a connection for the event loop too
        found = await book.bonds([stranger, *keys, stranger, *keys[:1]])
        assert [len(bonds.subscriptions) for bonds in found] == [0, *[1] * count, 0, *[1] * min(count, 1)]
        assert all(bonds.subscriptions[0].basis is Basis.ASSERTED for bonds in found[1 : count + 1])


async def test_a_change_is_seen_by_the_next_question(
    book: StoreConsentBook, acme: Account, news: MailList, hashes: list[bytes], subscriptions: Subscriptions
) -> None:
    key = (acme.id, hashes[0])
    for _ in range(2):
        [bonds] = await book.bonds([key])
        assert bonds.subscriptions[0].state is SubscriptionState.CONFIRMED
    subscriptions.unsubscribe(acme.id, news.id, hashes[0], 50.0, Origin("subscriber", "page"))
    [bonds] = await book.bonds([key])
    assert (bonds.subscriptions[0].state, bonds.subscriptions[0].changed_at) == (
        SubscriptionState.UNSUBSCRIBED,
        50.0,
    )


async def test_a_writer_does_not_keep_readers_waiting(
    book: StoreConsentBook, acme: Account, hashes: list[bytes], store: Store
) -> None:
    with store.write():
        for _ in range(2):
            assert (await book.bonds([(acme.id, hashes[0])]))[0].subscriptions


async def test_a_store_that_is_away_comes_back(
    book: StoreConsentBook, acme: Account, hashes: list[bytes], store: Store, path: Path
) -> None:
    key = (acme.id, hashes[0])
    await book.bonds([key])
    gone = path.parent.rename(path.parent.with_name("gone"))
    with pytest.raises(StoreAway):
        store.health()
    for _ in range(2):
        with pytest.raises(StoreAway):
            await book.bonds([key])
    gone.rename(path.parent)
    for _ in range(3):
        assert (await book.bonds([key]))[0].subscriptions


async def test_an_error_of_the_driver_is_away_and_the_next_question_connects_anew(
    book: StoreConsentBook, acme: Account, hashes: list[bytes]
) -> None:
    key = (acme.id, hashes[0])
    for _ in range(2):
        await book.bonds([key])
    for reader in (book._reader, book._quick):
        if reader._connection is not None:
            reader._cursor.close()
    with pytest.raises(StoreAway, match="consent book"):
        await book.bonds([key])
    assert (await book.bonds([key]))[0].subscriptions


async def test_the_event_loop_never_waits_for_a_lock(
    open_another: Callable[..., Store], acme: Account, hashes: list[bytes], store: Store, path: Path
) -> None:
    patient = open_another(timeout=0.05)
    book = StoreConsentBook(patient)
    key = (acme.id, hashes[0])
    assert await book.bonds([key])
    book.close()
    patient.close()
    store.close()  # the last one: now a lock on the whole file can be had
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN IMMEDIATE")
    locked = open_another(timeout=0.05)
    book = StoreConsentBook(locked)
    with pytest.raises(StoreAway, match="locked"):
        await book.bonds([key])
    holder.close()
    for _ in range(2):
        assert (await book.bonds([key]))[0].subscriptions
    book.close()


async def test_one_who_goes_away_takes_nothing_from_others(
    book: StoreConsentBook, acme: Account, hashes: list[bytes]
) -> None:
    keys = [(acme.id, address_hash) for address_hash in hashes]
    async with asyncio.TaskGroup() as tasks:
        gone = tasks.create_task(book.bonds(keys))
        stays = tasks.create_task(book.bonds(keys))
        await asyncio.sleep(0)
        gone.cancel()
    assert len(stays.result()) == 600


def test_a_loop_that_ended_is_not_told(book: StoreConsentBook, acme: Account) -> None:
    started, go_on = threading.Event(), threading.Event()
    look_up = book._reader.look_up

    def slowly(keys: object) -> object:
        started.set()
        go_on.wait(10)
        return look_up(keys)  # type: ignore[arg-type]

    book._reader.look_up = slowly  # type: ignore[method-assign, assignment]

    async def leave() -> None:
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(book.bonds([(acme.id, bytes(16))]))
            await asyncio.to_thread(started.wait, 10)
            asked.cancel()

    asyncio.run(leave())
    go_on.set()
    assert asyncio.run(_ask(book, acme.id))[0].subscriptions == ()


async def _ask(book: StoreConsentBook, account_id: int) -> list[object]:
    return list(await book.bonds([(account_id, bytes(16))]))


def test_a_server_takes_its_parameters_by_name() -> None:
    statement = consent._statement(postgresql.psycopg.dialect(), 2)
    assert "suppression" in statement.text
    assert statement.values(7, [b"a"]) == {"account": 7, "h0": b"a", "h1": b"a"}
