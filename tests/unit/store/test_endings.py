"""Cancelling and restoring an account, and the terms that it accepted."""

import pytest
from sqlalchemy import update

from gateway.model.events import EventType
from gateway.model.facts import Account, AccountState
from gateway.store.database import Store
from gateway.store.endings import Endings
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import IsCancelled, NoSuchAccount, NotCancelled
from gateway.store.registry import Registry
from gateway.store.schema import ACCOUNT, ERASURE


@pytest.fixture
def endings(store: Store, keyring: StoreKeyring) -> Endings:
    return Endings(store, keyring)


def told(store: Store, keyring: StoreKeyring, account: Account) -> list[tuple[object, ...]]:
    events = EventHistory(store, keyring).recent(account.id, types=[EventType.ACCOUNT_STATE])
    return [(one.facts["from"], one.facts["to"], one.data["reason"], one.data["actor"]) for one in events]


def test_a_cancelled_account_and_when_it_is_erased(
    endings: Endings, registry: Registry, store: Store, keyring: StoreKeyring, acme: Account
) -> None:
    before = store.revision()
    account = endings.cancel("acme", "contract ended", "ops", grace=100.0, now=50.0)
    assert (account.state, account.state_reason) == (AccountState.CANCELLED, "contract ended")
    assert account.erase_at == 150.0
    assert store.revision() > before
    assert told(store, keyring, acme) == [("active", "cancelled", "contract ended", "ops")]
    for state in (AccountState.ACTIVE, AccountState.SUSPENDED):
        with pytest.raises(IsCancelled, match="account restore acme"):
            registry.set_state("acme", state, "", "ops", 60.0)
    with pytest.raises(IsCancelled, match="cancelled already"):
        endings.cancel("acme", "again", "ops", grace=0.0, now=60.0)


def test_that_restoring_gives_back_what_was(
    endings: Endings, registry: Registry, store: Store, keyring: StoreKeyring, acme: Account
) -> None:
    suspended = registry.set_state("acme", AccountState.SUSPENDED, "complaints", "ops", 10.0)
    endings.cancel("acme", "contract ended", "ops", grace=100.0, now=50.0)
    assert endings.restore("acme", "ops", 149.0) == suspended
    assert told(store, keyring, acme)[0] == ("cancelled", "suspended", "complaints", "ops")
    with pytest.raises(NotCancelled, match="it is suspended"):
        endings.restore("acme", "ops", 149.0)


def test_that_it_is_too_late_when_the_grace_is_over(endings: Endings, acme: Account) -> None:
    endings.cancel("acme", "contract ended", "ops", grace=100.0, now=50.0)
    with pytest.raises(IsCancelled, match="being erased"):
        endings.restore("acme", "ops", 150.0)


def test_that_an_erasure_that_has_begun_is_not_stopped_by_a_clock_set_back(
    endings: Endings, store: Store, acme: Account
) -> None:
    endings.cancel("acme", "contract ended", "ops", grace=100.0, now=50.0)
    with store.write() as connection:
        connection.execute(
            ERASURE.insert().values(
                id="E", kind="account", account_id=acme.id, phase="queue", asked_at=150.0, counts="{}",
                sealed=b"", certificate="",
            )
        )  # fmt: skip
    with pytest.raises(IsCancelled, match="being erased"):
        endings.restore("acme", "ops", 60.0)


def test_terms(
    endings: Endings, registry: Registry, store: Store, keyring: StoreKeyring, acme: Account
) -> None:
    assert (acme.terms, acme.terms_accepted_at) == ("", None)
    account = endings.accept_terms("acme", "2026-03", "ops", 70.0)
    assert (account.terms, account.terms_accepted_at) == ("2026-03", 70.0)
    assert endings.accept_terms("acme", "2026-03", "ops", 80.0) == account  # the first time counts
    assert registry.account("acme") == account
    (event,) = EventHistory(store, keyring).recent(acme.id, types=[EventType.TERMS])
    assert (event.facts["version"], event.facts["before"], event.data) == ("2026-03", "", {"actor": "ops"})


def test_nobody(endings: Endings) -> None:
    for call in (
        lambda: endings.cancel("nobody", "", "ops", 0.0, 1.0),
        lambda: endings.restore("nobody", "ops", 1.0),
        lambda: endings.accept_terms("nobody", "1", "ops", 1.0),
    ):
        with pytest.raises(NoSuchAccount):
            call()


def test_an_account_that_was_cancelled_before_there_was_a_grace(
    endings: Endings, store: Store, acme: Account
) -> None:
    with store.write() as connection:
        connection.execute(update(ACCOUNT).values(state="cancelled"))
    with pytest.raises(IsCancelled):
        endings.restore("acme", "ops", 1.0)
