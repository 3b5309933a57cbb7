import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from gateway.model.facts import Account, AccountState
from gateway.model.reply import StoreAway
from gateway.store.accounts import StoreAccounts
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.passwords import Passwords
from gateway.store.registry import Registry

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def accounts(store: Store) -> Iterator[StoreAccounts]:
    accounts = StoreAccounts(store, Passwords(60.0, QUICK))
    yield accounts
    accounts.close()


@pytest.fixture
def elsewhere(open_another: Callable[..., Store], keyring: StoreKeyring) -> Registry:
    """The command line, in another process."""
    return Registry(open_another(), keyring, QUICK)


async def test_a_suspension_is_seen_everywhere_within_a_second(
    store: Store, told: Any, acme: Account, elsewhere: Registry
) -> None:
    passwords = Passwords(60.0, QUICK)
    accounts = StoreAccounts(store, passwords, told)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(accounts.watch())
        assert await accounts.by_id(acme.id) == acme
        await asyncio.to_thread(elsewhere.set_state, "acme", AccountState.SUSPENDED, "spam", "root", 1.0)
        await told.changed.wait()
        account = await accounts.by_id(acme.id)
        watch.cancel()
    accounts.close()
    assert account is not None
    assert account.state is AccountState.SUSPENDED


async def test_a_changed_password_ends_what_was_remembered(
    accounts: StoreAccounts, acme: Account, elsewhere: Registry
) -> None:
    assert await accounts.authenticate("acme", "secret") == acme
    elsewhere.set_password("acme", "another")
    await accounts.revision.look()
    assert await accounts.authenticate("acme", "secret") is None
    assert await accounts.authenticate("acme", "another") == acme


async def test_a_cancelled_account_does_not_get_in_though_remembered(
    accounts: StoreAccounts, acme: Account, elsewhere: Registry
) -> None:
    assert await accounts.authenticate("acme", "secret") == acme
    elsewhere.set_state("acme", AccountState.SUSPENDED, "spam", "root", 1.0)
    await accounts.revision.look()
    suspended = await accounts.authenticate("acme", "secret")
    assert suspended is not None
    assert suspended.state_reason == "spam"
    elsewhere.set_state("acme", AccountState.CANCELLED, "spam", "root", 1.0)
    await accounts.revision.look()
    assert await accounts.authenticate("acme", "secret") is None


async def test_a_snapshot_costs_no_query(
    accounts: StoreAccounts, acme: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await accounts.by_name("acme")
    monkeypatch.setattr(accounts, "_read", None)
    assert await accounts.by_id(acme.id) is first
    assert await accounts.by_name("acme") is first


async def test_a_store_that_is_away_comes_back(accounts: StoreAccounts, acme: Account, path: Path) -> None:
    gone = path.parent.rename(path.parent.with_name("gone"))
    for call in (accounts.by_id(acme.id), accounts.by_name("acme"), accounts.authenticate("acme", "secret")):
        with pytest.raises(StoreAway):
            await call
    gone.rename(path.parent)
    assert await accounts.authenticate("acme", "secret") == acme


async def test_no_password_is_logged(
    accounts: StoreAccounts, acme: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await accounts.authenticate("acme", "secret")
    await accounts.authenticate("acme", "wr0ng")
    assert "secret" not in caplog.text
    assert "wr0ng" not in caplog.text
