"""What every ports.ApiKeys promises: in memory and over SQLite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fresh_store import fresh_store

from gateway.model.api_key import Grant, Scope
from gateway.model.facts import ConsentLevel, OverQuota
from gateway.model.reply import StoreAway
from gateway.ports import ApiKeys
from gateway.store import api_keys
from gateway.store.keys import StoreKeyring
from gateway.store.memory import MemoryApiKeys
from gateway.store.registry import Registry
from gateway.store.revision import Revision

READ = frozenset({Scope.EVENTS_READ})


@dataclass
class Subject:
    keys: ApiKeys
    make: Callable[[], str]  # a key of account 1
    revoke: Callable[[str], None]  # and let the second pass in which it may still be good
    go_away: Callable[[], None]


@pytest.fixture(params=["memory", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        memory = MemoryApiKeys()
        numbers = iter(range(100))

        def put() -> str:
            text = f"key {next(numbers)}"
            memory.put(text, Grant(text, 1, READ))
            return text

        yield Subject(memory, put, memory.remove, lambda: setattr(memory, "away", StoreAway("away")))
        return
    store = fresh_store(tmp_path / "store.sqlite")
    registry = Registry(store, StoreKeyring(store, bytes(32)))
    registry.add_account("acme", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, now=1.0)
    office, ticks = api_keys.ApiKeys(store), [0.0]

    def revoke(text: str) -> None:
        office.revoke(text.split("_")[1], 2.0)
        ticks[0] += 1.0

    def go_away() -> None:
        (tmp_path / "store.sqlite").rename(tmp_path / "elsewhere")
        store.engine.dispose()
        ticks[0] += 1.0

    book = api_keys.ApiKeyBook(store, Revision(store, lambda: ticks[0]))
    yield Subject(book, lambda: str(office.add(1, "", READ, 1.0)), revoke, go_away)
    store.close()


async def test_a_key_is_its_accounts(subject: Subject) -> None:
    grant = await subject.keys.grant(subject.make(), 5.0)
    assert grant is not None
    assert (grant.account_id, grant.scopes) == (1, READ)


async def test_what_is_no_key(subject: Subject) -> None:
    good = subject.make()
    for text in ("", "ck", good + "x", good[:-1], good.upper(), f" {good}", f"{good}\n", "\udce9" + good):
        assert await subject.keys.grant(text, 5.0) is None


async def test_a_revoked_key_is_good_for_nothing(subject: Subject) -> None:
    good, other = subject.make(), subject.make()
    assert await subject.keys.grant(good, 5.0)
    subject.revoke(good)
    assert await subject.keys.grant(good, 5.0) is None
    assert await subject.keys.grant(other, 5.0)


async def test_away(subject: Subject) -> None:
    good = subject.make()
    subject.go_away()
    with pytest.raises(StoreAway):
        await subject.keys.grant(good, 5.0)
