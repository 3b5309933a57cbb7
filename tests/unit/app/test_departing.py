"""The one-click POST's port over a real store."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.app.departing import StoreDeparting
from gateway.app.leaving import StoreLeaving
from gateway.model.address import parse_address
from gateway.model.facts import Basis, ConsentLevel, OverQuota
from gateway.model.ledger import Origin
from gateway.observe.memory import MemoryMeter
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry
from gateway.store.subscriptions import Subscriptions
from gateway.web.leaving import AlreadyUnsubscribed, Reader, Unknown, Unsubscribed

FAIR = Origin("operator test", "fair")
PAGE = Origin("subscriber", "page")
ONE_CLICK = Origin("subscriber", "one-click")

SUBMISSION = b"s" * 16


@pytest.fixture
def store(tmp_path: Path):
    store = fresh_store(tmp_path / "store.sqlite")
    yield store
    store.close()


async def test_the_button_of_the_mail_program_and_that_of_the_page_are_one(store) -> None:
    keyring = StoreKeyring(store, b"m" * 32)
    registry = Registry(store, keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    account = registry.add_account("acme", "pw-pw", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, 1.0)
    news = registry.add_list("acme", "news.acme.example", "Acme News", default=True)
    ann = parse_address("ann@example.net")
    Subscriptions(store, keyring).add(account.id, news.id, ann, Basis.ASSERTED, FAIR, 1.0)
    who = (account.id, news.id, keyring.address_hash(account.id, ann.identity))
    departing = StoreDeparting(store, keyring)
    assert await departing.leave(*who, SUBMISSION, now=5.0, origin=ONE_CLICK) == Unsubscribed()
    assert await departing.leave(*who, SUBMISSION, now=6.0, origin=ONE_CLICK) == AlreadyUnsubscribed(5.0)
    assert await departing.leave(*who[:2], b"?" * 16, SUBMISSION, now=6.0, origin=ONE_CLICK) == Unknown()
    await departing.close()
    assert StoreLeaving(store, keyring, MemoryMeter()).unsubscribe(
        Reader(*who), SUBMISSION, 7.0, PAGE
    ) == AlreadyUnsubscribed(5.0)
    recent = EventHistory(store, keyring).recent(account.id)
    assert [event.facts["via"] for event in recent if "via" in event.facts] == ["one-click"]
