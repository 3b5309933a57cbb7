"""What every ports.Accounts promises: in memory and over SQLite."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.model.facts import Account, AccountState, ConsentLevel, OverQuota
from gateway.model.rate import Rate
from gateway.model.reply import StoreAway
from gateway.ports import Accounts
from gateway.store.accounts import StoreAccounts
from gateway.store.keys import StoreKeyring
from gateway.store.memory import MemoryAccounts
from gateway.store.passwords import Passwords
from gateway.store.registry import Registry

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
RATES = (Rate(100, 1), Rate(10_000, 3600))


@dataclass
class Subject:
    """An implementation, and the ways to change what it sees."""

    accounts: Accounts
    acme: Account
    set_state: Callable[[AccountState], Awaitable[None]]
    set_password: Callable[[str], Awaitable[None]]
    go_away: Callable[[], Awaitable[None]]
    come_back: Callable[[], Awaitable[None]]


def _in_memory() -> Subject:
    accounts = MemoryAccounts()
    acme = Account(
        1,
        "acme",
        AccountState.ACTIVE,
        "",
        ConsentLevel.CONFIRMED,
        RATES,
        50,
        OverQuota.SHAPE,
        frozenset(),
        (),
        None,
    )
    accounts.put(acme, "secret")

    async def set_state(state: AccountState) -> None:
        accounts.put(replace(acme, state=state), "secret")

    async def set_password(password: str) -> None:
        accounts.put(acme, password)

    async def go_away() -> None:
        accounts.away = StoreAway("away")

    async def come_back() -> None:
        accounts.away = None

    return Subject(accounts, acme, set_state, set_password, go_away, come_back)


@pytest.fixture(params=["memory", "sqlite"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    if request.param == "memory":
        yield _in_memory()
        return
    folder = tmp_path / "state"
    store = fresh_store(folder / "store.sqlite")
    registry = Registry(store, StoreKeyring(store, bytes(32)), QUICK)
    acme = registry.add_account("acme", "secret", ConsentLevel.CONFIRMED, RATES, 50, OverQuota.SHAPE, 1.0)
    accounts = StoreAccounts(store, Passwords(60.0, QUICK))

    async def set_state(state: AccountState) -> None:
        registry.set_state("acme", state, "", "test", 2.0)
        await accounts.revision.look()

    async def set_password(password: str) -> None:
        registry.set_password("acme", password)
        await accounts.revision.look()

    async def go_away() -> None:
        folder.rename(tmp_path / "gone")
        with pytest.raises(StoreAway):
            await accounts.revision.look()
        accounts.revision._until = 0.0  # a second later

    async def come_back() -> None:
        (tmp_path / "gone").rename(folder)

    yield Subject(accounts, acme, set_state, set_password, go_away, come_back)
    accounts.close()
    store.close()


async def test_name_and_password_open(subject: Subject) -> None:
    for _ in range(2):
        assert await subject.accounts.authenticate("acme", "secret") == subject.acme


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("acme", "Secret"),
        ("acme", ""),
        ("ACME", "secret"),
        ("nobody", "secret"),
        ("", ""),
        ("acme\0", "secret"),
        ("ac\udcffme", "\udcff"),
    ],
)
async def test_anything_else_does_not(subject: Subject, name: str, password: str) -> None:
    assert await subject.accounts.authenticate(name, password) is None


async def test_accounts_are_found_by_id_and_name(subject: Subject) -> None:
    assert await subject.accounts.by_id(subject.acme.id) == subject.acme
    assert await subject.accounts.by_name("acme") == subject.acme
    assert await subject.accounts.by_id(99) is None
    assert await subject.accounts.by_name("nobody") is None


@pytest.mark.parametrize("state", AccountState)
async def test_a_state_is_seen_and_only_a_cancelled_account_is_shut_out(
    subject: Subject, state: AccountState
) -> None:
    await subject.accounts.authenticate("acme", "secret")
    await subject.set_state(state)
    seen = await subject.accounts.by_id(subject.acme.id)
    assert seen is not None
    assert seen.state is state
    entered = await subject.accounts.authenticate("acme", "secret")
    assert (entered is None) is (state is AccountState.CANCELLED)


async def test_an_old_password_does_not_open(subject: Subject) -> None:
    await subject.accounts.authenticate("acme", "secret")
    await subject.set_password("another")
    assert await subject.accounts.authenticate("acme", "secret") is None
    assert await subject.accounts.authenticate("acme", "another") == subject.acme


async def test_away_is_said_and_over_when_it_is_over(subject: Subject) -> None:
    await subject.go_away()
    for call in (
        subject.accounts.authenticate("acme", "secret"),
        subject.accounts.by_id(subject.acme.id),
        subject.accounts.by_name("acme"),
    ):
        with pytest.raises(StoreAway):
            await call
    await subject.come_back()
    assert await subject.accounts.by_id(subject.acme.id) == subject.acme
