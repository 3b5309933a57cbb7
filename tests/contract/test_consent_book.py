"""What every ports.ConsentBook promises: in memory and over SQLite, on the event loop and in its thread."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fresh_store import fresh_store

from gateway.model.facts import Basis, Bonds, Subscription, SubscriptionState, Suppression
from gateway.ports import ConsentBook
from gateway.store.consent import StoreConsentBook
from gateway.store.database import Store
from gateway.store.memory import MemoryConsentBook
from gateway.store.schema import SUBSCRIPTION, SUPPRESSION

BOB, EVE, ZOE = (bytes([number]) * 16 for number in (1, 2, 3))


@dataclass
class Subject:
    book: ConsentBook
    put: Callable[[int, bytes, Subscription], None]
    suppress: Callable[[int, bytes, Suppression], None]


def _stored(store: Store, book: StoreConsentBook) -> Subject:
    def put(account_id: int, address_hash: bytes, bond: Subscription) -> None:
        with store.write() as connection:
            connection.execute(
                SUBSCRIPTION.insert().values(
                    account_id=account_id,
                    address_hash=address_hash,
                    list_id=bond.list_id,
                    state=str(bond.state),
                    basis=str(bond.basis),
                    sealed=b"",
                    created_at=0.0,
                    changed_at=bond.changed_at,
                )
            )

    def suppress(account_id: int, address_hash: bytes, why: Suppression) -> None:
        values = {
            "account_id": account_id,
            "address_hash": address_hash,
            "reason": why.reason,
            "since": why.since,
        }
        with store.write() as connection:
            connection.execute(SUPPRESSION.insert().values(**values))

    return Subject(book, put, suppress)


@pytest.fixture(params=["memory", "sqlite", "sqlite in its thread"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    if request.param == "memory":
        memory = MemoryConsentBook()
        yield Subject(memory, memory.put, memory.suppress)
        return
    store = fresh_store(tmp_path / "store.sqlite")
    book = StoreConsentBook(store) if request.param == "sqlite" else StoreConsentBook(store, short=0)
    await book.bonds([(1, BOB)])  # connects
    yield _stored(store, book)
    book.close()
    store.close()


def _bond(list_id: int, state: SubscriptionState = SubscriptionState.CONFIRMED) -> Subscription:
    return Subscription(list_id, state, Basis.DOUBLE_OPT_IN, 7.5)


async def test_nobody_is_known_at_first(subject: Subject) -> None:
    assert list(await subject.book.bonds([])) == []
    assert list(await subject.book.bonds([(1, BOB), (2, EVE)])) == [Bonds(), Bonds()]


async def test_answers_come_in_the_order_of_the_keys(subject: Subject) -> None:
    subject.put(1, BOB, _bond(4))
    subject.put(1, BOB, _bond(3, SubscriptionState.UNSUBSCRIBED))
    subject.put(1, EVE, _bond(3))
    bob = Bonds((_bond(3, SubscriptionState.UNSUBSCRIBED), _bond(4)))
    eve = Bonds((_bond(3),))
    assert list(await subject.book.bonds([(1, EVE), (1, ZOE), (1, BOB), (1, EVE)])) == [
        eve,
        Bonds(),
        bob,
        eve,
    ]


async def test_accounts_do_not_see_one_another(subject: Subject) -> None:
    subject.put(1, BOB, _bond(1))
    subject.put(2, BOB, _bond(2))
    subject.suppress(3, BOB, Suppression("bounced", 5.0))
    found = await subject.book.bonds([(3, BOB), (2, BOB), (1, BOB), (4, BOB)])
    assert list(found) == [
        Bonds((), Suppression("bounced", 5.0)),
        Bonds((_bond(2),)),
        Bonds((_bond(1),)),
        Bonds(),
    ]


async def test_a_suppression_comes_with_the_subscriptions(subject: Subject) -> None:
    subject.put(1, BOB, _bond(1))
    subject.suppress(1, BOB, Suppression("complained", 5.0))
    assert list(await subject.book.bonds([(1, BOB)])) == [Bonds((_bond(1),), Suppression("complained", 5.0))]


@pytest.mark.parametrize("state", SubscriptionState)
@pytest.mark.parametrize("basis", Basis)
async def test_every_state_and_basis_is_told(
    subject: Subject, state: SubscriptionState, basis: Basis
) -> None:
    bond = Subscription(1, state, basis, 1.25)
    subject.put(1, BOB, bond)
    assert list(await subject.book.bonds([(1, BOB)])) == [Bonds((bond,))]


async def test_a_large_question_has_a_large_answer(subject: Subject) -> None:
    keys = [(1 + number % 3, number.to_bytes(16, "big")) for number in range(1200)]
    for account_id, address_hash in keys[::100]:
        subject.put(account_id, address_hash, _bond(1))
    found = await subject.book.bonds(keys)
    assert [bool(one.subscriptions) for one in found] == [number % 100 == 0 for number in range(1200)]
