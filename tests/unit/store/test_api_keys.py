"""API keys at rest: as hashes, and what a wrong one costs."""

import hashlib

import pytest
from sqlalchemy import select

from gateway.model.api_key import Scope
from gateway.model.facts import Account, AccountState
from gateway.store.api_keys import ApiKeyBook, ApiKeys
from gateway.store.database import Store
from gateway.store.refusals import NoSuchKey
from gateway.store.registry import Registry
from gateway.store.revision import Revision
from gateway.store.schema import API_KEY

READ = frozenset({Scope.EVENTS_READ})
HOUR = 3600.0


@pytest.fixture
def office(store: Store) -> ApiKeys:
    return ApiKeys(store)


@pytest.fixture
def ticks() -> list[float]:
    return [0.0]


@pytest.fixture
def book(store: Store, ticks: list[float]) -> ApiKeyBook:
    return ApiKeyBook(store, Revision(store, lambda: ticks[0]))


def test_the_secret_is_not_kept(office: ApiKeys, acme: Account, store: Store) -> None:
    key = office.add(acme.id, "shop", READ, 5.0)
    with store.read() as connection:
        row = connection.execute(select(API_KEY)).one()
    assert row.digest == hashlib.sha256(str(key).split("_")[2].encode()).digest()
    assert key.secret not in repr(row)
    assert key.secret not in repr(key)


def test_what_operators_see(office: ApiKeys, acme: Account) -> None:
    key = office.add(acme.id, "shop", READ, 5.0)
    (shown,) = office.of_account(acme.id)
    assert (shown.id, shown.name, shown.scopes, shown.used_at) == (key.id, "shop", (Scope.EVENTS_READ,), None)
    assert office.revoke(key.id, 6.0).revoked_at is None
    assert office.revoke(key.id, 7.0).revoked_at == 6.0
    assert office.of_account(99) == ()
    with pytest.raises(NoSuchKey, match="nobody"):
        office.revoke("nobody", 1.0)


async def test_a_suspended_account_may_read_and_a_cancelled_one_may_not(
    office: ApiKeys, book: ApiKeyBook, acme: Account, registry: Registry, ticks: list[float]
) -> None:
    text = str(office.add(acme.id, "", READ, 5.0))
    registry.set_state("acme", AccountState.SUSPENDED, "rates", "op", 6.0)
    assert await book.grant(text, 7.0)
    registry.set_state("acme", AccountState.CANCELLED, "", "op", 8.0)
    ticks[0] += 1.0
    assert await book.grant(text, 9.0) is None


async def test_a_wrong_key_costs_one_look_whatever_is_wrong(
    office: ApiKeys, book: ApiKeyBook, acme: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, revoked = office.add(acme.id, "", READ, 5.0), office.add(acme.id, "", READ, 5.0)
    office.revoke(revoked.id, 6.0)
    assert await book.grant(str(good), 7.0)
    looks = []
    read = book._read
    monkeypatch.setattr(book, "_read", lambda key_id: looks.append(key_id) or read(key_id))
    assert await book.grant(str(good), 7.0)  # remembered
    assert looks == []
    other = "a" * 52
    for text in (f"ck_{good.id}_{other}", f"ck_{'b' * 13}_{other}", str(revoked), f"ck_{good.id}_{other}"):
        assert await book.grant(text, 7.0) is None
    assert looks == [good.id, "b" * 13, revoked.id, good.id]


async def test_the_last_use_is_kept_to_the_hour(
    office: ApiKeys, book: ApiKeyBook, acme: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = office.add(acme.id, "", READ, 5.0)

    def used() -> float | None:
        return office.of_account(acme.id)[0].used_at

    for now in (HOUR + 5, HOUR + 500):
        await book.grant(str(key), now)
    assert used() is None
    await book.write_down()
    assert used() == HOUR
    writes = []
    monkeypatch.setattr(book, "_write", writes.append)
    await book.grant(str(key), HOUR + 900)
    await book.write_down()
    assert writes == []
    await book.grant(str(key), 2 * HOUR)
    await book.write_down()
    assert writes == [{key.id: 2 * HOUR}]


async def test_a_scope_of_a_later_version_is_passed_over(
    office: ApiKeys, book: ApiKeyBook, acme: Account, store: Store
) -> None:
    key = office.add(acme.id, "", READ, 5.0)
    with store.write() as connection:
        connection.execute(API_KEY.update().values(scopes="events:read lists:burn"))
    grant = await book.grant(str(key), 6.0)
    assert grant is not None
    assert grant.scopes == READ
