from pathlib import Path

import pytest
from sqlalchemy import select, update

from gateway.model.facts import Account
from gateway.settings.secret_files import BadSecret
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring, load_master_key
from gateway.store.schema import ACCOUNT_KEY

MASTER = bytes(range(32))


@pytest.mark.parametrize("content", [MASTER, MASTER.hex().encode(), MASTER.hex().encode() + b"\n"])
def test_a_master_key_is_octets_or_digits(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    assert load_master_key(str(path)) == MASTER


@pytest.mark.parametrize("content", [b"", b"secret", MASTER[:31], b"\xff" * 64, b"ab" * 31])
def test_anything_else_is_no_master_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(BadSecret, match="32 octets"):
        load_master_key(str(path))


def test_another_process_opens_what_was_sealed(store: Store, keyring: StoreKeyring, acme: Account) -> None:
    sealed = keyring.seal(acme.id, b"plain", b"context")
    other = StoreKeyring(store, MASTER)
    assert other.open(acme.id, sealed, b"context") == b"plain"
    assert other.address_hash(acme.id, "a@b") == keyring.address_hash(acme.id, "a@b")


def test_the_wrong_master_key_opens_nothing(store: Store, keyring: StoreKeyring, acme: Account) -> None:
    sealed = keyring.seal(acme.id, b"plain", b"context")
    with pytest.raises(ValueError, match="master key"):
        StoreKeyring(store, bytes(32)).open(acme.id, sealed, b"context")


def test_a_key_of_one_account_does_not_unwrap_as_anothers(
    store: Store, keyring: StoreKeyring, acme: Account
) -> None:
    with store.write() as connection:
        wrapped = connection.execute(select(ACCOUNT_KEY.c.wrapped)).scalar_one()
        connection.execute(ACCOUNT_KEY.insert().values(account_id=99, wrapped=wrapped))
    with pytest.raises(ValueError, match="master key"):
        keyring.seal(99, b"", b"")


def test_a_wrapping_of_a_later_version_is_told(store: Store, keyring: StoreKeyring, acme: Account) -> None:
    with store.write() as connection:
        connection.execute(update(ACCOUNT_KEY).values(wrapped=b"\x02" + bytes(60)))
    with pytest.raises(ValueError, match="later version"):
        keyring.seal(acme.id, b"", b"")


def test_the_providers_key_makes_itself_once(store: Store, keyring: StoreKeyring) -> None:
    sealed = keyring.seal(0, b"plain", b"")
    assert StoreKeyring(store, MASTER).open(0, sealed, b"") == b"plain"


def test_a_destroyed_key_is_gone_for_everyone(store: Store, keyring: StoreKeyring, acme: Account) -> None:
    sealed = keyring.seal(acme.id, b"plain", b"")
    with store.write() as connection:
        keyring.destroy(connection, acme.id)
    with pytest.raises(KeyError):
        keyring.open(acme.id, sealed, b"")
    with pytest.raises(KeyError):
        StoreKeyring(store, MASTER).address_hash(acme.id, "a@b")
