import pytest
from sqlalchemy import update

from gateway.model.facts import Account, ConsentLevel, OverQuota
from gateway.store.database import Store
from gateway.store.dkim_keys import DkimKeyBook, DkimKeys, StoredKey
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import AlreadyThere, NoSuchDomain
from gateway.store.registry import Registry
from gateway.store.revision import Revision
from gateway.store.schema import DKIM_KEY


@pytest.fixture
def keys(store: Store, keyring: StoreKeyring, registry: Registry, acme: Account) -> DkimKeys:
    registry.add_domain("acme", "example.org", verified=True, now=1.0)
    return DkimKeys(store, keyring)


@pytest.fixture
def revision(store: Store) -> Revision:
    return Revision(store)


@pytest.fixture
def book(store: Store, keyring: StoreKeyring, revision: Revision) -> DkimKeyBook:
    return DkimKeyBook(store, keyring, revision)


def test_keys_are_kept_sealed(keys: DkimKeys, store: Store, acme: Account) -> None:
    keys.add("example.org", "s1", "rsa", b"private one", "v=DKIM1; p=one", 10.0)
    keys.add("example.org", "s2", "ed25519", b"private two", "v=DKIM1; p=two", 11.0)
    assert keys.for_domain("example.org") == (
        StoredKey("s1", "rsa", b"private one", acme.id),
        StoredKey("s2", "ed25519", b"private two", acme.id),
    )
    assert [(one.selector, one.public, one.active) for one in keys.shown("example.org")] == [
        ("s1", "v=DKIM1; p=one", True),
        ("s2", "v=DKIM1; p=two", True),
    ]
    with store.read() as connection:
        assert not any(b"private" in row.private for row in connection.execute(DKIM_KEY.select()))
    assert "private" not in repr(keys.for_domain("example.org"))


def test_a_key_moved_to_another_selector_does_not_open(keys: DkimKeys, store: Store) -> None:
    keys.add("example.org", "s1", "rsa", b"private", "", 10.0)
    with store.write() as connection:
        connection.execute(update(DKIM_KEY).values(selector="s9"))
    with pytest.raises(ValueError, match="belongs elsewhere"):
        keys.for_domain("example.org")


def test_what_cannot_be_added_is_told(keys: DkimKeys) -> None:
    keys.add("example.org", "s1", "rsa", b"private", "", 10.0)
    with pytest.raises(AlreadyThere, match="selector s1"):
        keys.add("example.org", "s1", "rsa", b"private", "", 10.0)
    with pytest.raises(NoSuchDomain):
        keys.add("other.example", "s1", "rsa", b"private", "", 10.0)
    with pytest.raises(NoSuchDomain):
        keys.retire("other.example", "s1")


def test_the_providers_domain_has_keys_too(keys: DkimKeys, registry: Registry) -> None:
    registry.add_domain("provider", "esp.example", verified=True, now=1.0)
    keys.add("esp.example", "p1", "rsa", b"private", "", 10.0)
    assert keys.for_domain("esp.example") == (StoredKey("p1", "rsa", b"private", 0),)


async def test_an_account_signs_for_its_own_domains_only(
    keys: DkimKeys, book: DkimKeyBook, registry: Registry, acme: Account
) -> None:
    other = registry.add_account("other", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, 1.0)
    keys.add("example.org", "s1", "rsa", b"private", "", 10.0)
    assert await book.keys(acme.id, "example.org") == keys.for_domain("example.org")
    assert await book.keys(other.id, "example.org") == ()
    assert await book.keys(0, "example.org") == ()
    assert await book.keys(acme.id, "unknown.example") == ()


async def test_the_book_knows_keys_until_something_changes(
    keys: DkimKeys, book: DkimKeyBook, revision: Revision, acme: Account
) -> None:
    keys.add("example.org", "s1", "rsa", b"private", "", 10.0)
    first = await book.keys(acme.id, "example.org")
    assert await book.keys(acme.id, "example.org") is first
    keys.add("example.org", "s2", "rsa", b"private", "", 10.0)
    keys.retire("example.org", "s1")
    await revision.look()
    assert [key.selector for key in await book.keys(acme.id, "example.org")] == ["s2"]
    assert [(key.selector, key.active) for key in keys.shown("example.org")] == [("s1", False), ("s2", True)]
