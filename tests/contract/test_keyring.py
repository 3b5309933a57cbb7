"""What every ports.Keyring promises: in memory and over SQLite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fresh_store import fresh_store
from hypothesis import given
from hypothesis import strategies as st

from gateway.ports import Keyring
from gateway.store.keys import StoreKeyring
from gateway.store.memory import MemoryKeyring


@dataclass
class Subject:
    keyring: Keyring  # with keys of the accounts 1 and 2
    destroy: Callable[[int], None]


@pytest.fixture(params=["memory", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        memory = MemoryKeyring(1, 2)
        yield Subject(memory, memory.destroy)
        return
    store = fresh_store(tmp_path / "store.sqlite")
    keyring = StoreKeyring(store, bytes(32))
    with store.write() as connection:
        keyring.create(connection, 1)
        keyring.create(connection, 2)

    def destroy(account_id: int) -> None:
        with store.write() as connection:
            keyring.destroy(connection, account_id)

    yield Subject(keyring, destroy)
    store.close()


@pytest.mark.parametrize("account_id", [0, 1, 2])
@pytest.mark.parametrize("plain", [b"", b"bob@example.org", bytes(100_000)])
def test_what_was_sealed_opens(subject: Subject, account_id: int, plain: bytes) -> None:
    sealed = subject.keyring.seal(account_id, plain, b"context")
    assert plain not in sealed or not plain
    assert subject.keyring.open(account_id, sealed, b"context") == plain


def test_no_two_seals_are_alike(subject: Subject) -> None:
    assert len({subject.keyring.seal(1, b"same", b"") for _ in range(100)}) == 100


def test_it_opens_nowhere_else(subject: Subject) -> None:
    sealed = subject.keyring.seal(1, b"plain", b"context")
    for account_id, context in ((2, b"context"), (0, b"context"), (1, b"contex"), (1, b"")):
        with pytest.raises(ValueError, match="belongs elsewhere"):
            subject.keyring.open(account_id, sealed, context)


def test_any_octet_that_was_changed_is_seen(subject: Subject) -> None:
    sealed = subject.keyring.seal(1, b"plain", b"context")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(ValueError, match="sealed value"):
            subject.keyring.open(1, bytes(changed), b"context")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(noise: bytes) -> None:
    with pytest.raises(ValueError, match="sealed value"):
        KEYRING.open(1, noise, b"")


KEYRING = MemoryKeyring(1)


def test_an_address_has_one_hash_at_one_account(subject: Subject) -> None:
    keyring = subject.keyring
    assert keyring.address_hash(1, "bob@example.org") == keyring.address_hash(1, "bob@example.org")
    hashes = {
        keyring.address_hash(account_id, identity)
        for account_id in (0, 1, 2)
        for identity in ("bob@example.org", "eve@example.org", "bøb@example.org", "")
    }
    assert len(hashes) == 12
    assert {len(one) for one in hashes} == {16}


def test_without_a_key_there_is_nothing(subject: Subject) -> None:
    sealed = subject.keyring.seal(1, b"plain", b"")
    subject.destroy(1)
    subject.destroy(1)
    for account_id in (1, 99):
        with pytest.raises(KeyError):
            subject.keyring.open(account_id, sealed, b"")
        with pytest.raises(KeyError):
            subject.keyring.seal(account_id, b"", b"")
        with pytest.raises(KeyError):
            subject.keyring.address_hash(account_id, "bob@example.org")
    assert subject.keyring.open(2, subject.keyring.seal(2, b"other", b""), b"") == b"other"
