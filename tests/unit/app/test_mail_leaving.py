"""The unsubscribe desk's port over a real store."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fresh_store import fresh_store

from gateway.app.mail_leaving import MailLeaving
from gateway.inbound.leaving import Left, LeftBefore, Unknown
from gateway.model.address import parse_address
from gateway.model.facts import Basis, ConsentLevel, OverQuota
from gateway.model.ledger import Origin
from gateway.model.reply import StoreAway
from gateway.model.token import Purpose, Token
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry
from gateway.store.subscriptions import Subscriptions

FAIR = Origin("operator test", "fair")
MAIL = Origin("subscriber", "mail")


@pytest.fixture
def store(tmp_path: Path):
    store = fresh_store(tmp_path / "store.sqlite", timeout=0.1)
    yield store
    store.close()


@pytest.fixture
def keyring(store) -> StoreKeyring:
    return StoreKeyring(store, b"m" * 32)


@pytest.fixture
def token(store, keyring: StoreKeyring) -> Token:
    registry = Registry(store, keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    account = registry.add_account("acme", "pw-pw", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, 1.0)
    news = registry.add_list("acme", "news.acme.example", "Acme News", default=True)
    ann = parse_address("ann@example.net")
    Subscriptions(store, keyring).add(account.id, news.id, ann, Basis.ASSERTED, FAIR, 1.0)
    known = keyring.address_hash(account.id, ann.identity)
    return Token(Purpose.UNSUBSCRIBE, account.id, news.id, known, b"s" * 16)


async def test_leaving_twice_is_leaving_once(store, keyring: StoreKeyring, token: Token) -> None:
    leaving = MailLeaving(store, keyring)
    both = await asyncio.gather(
        leaving.leave(token, 5.0, MAIL),
        leaving.leave(token, 5.0, MAIL),
    )
    assert sorted(map(repr, both)) == [repr(Left("acme", "Acme News")), repr(LeftBefore())]
    await leaving.close()
    recent = EventHistory(store, keyring).recent(token.account_id)
    assert [event.facts["via"] for event in recent if "via" in event.facts] == ["mail"]


async def test_whom_nobody_knows(store, keyring: StoreKeyring, token: Token) -> None:
    leaving = MailLeaving(store, keyring)
    stranger = Token(Purpose.UNSUBSCRIBE, token.account_id + 1, 9, token.address_hash, token.submission)
    assert await leaving.leave(stranger, 5.0, MAIL) == Unknown()
    await leaving.close()


async def test_a_store_that_is_away(store, keyring: StoreKeyring, token: Token, tmp_path: Path) -> None:
    leaving = MailLeaving(store, keyring)
    holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway):
        await leaving.leave(token, 5.0, MAIL)
    holder.execute("ROLLBACK")
    holder.close()
    assert await leaving.leave(token, 6.0, MAIL) == Left("acme", "Acme News")
    await leaving.close()
