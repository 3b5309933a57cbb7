"""Certificates of deletion: who signed them, and that nothing was changed since."""

import json
import os

import pytest
from sqlalchemy import select

from gateway.store.certificates import BadCertificate, Notary, check, digest
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.schema import HOUSE_SECRET

DOCUMENT = {"erasure": "E1", "kind": "account", "erased": {"subscription": 3}}


@pytest.fixture
def notary(store: Store, keyring: StoreKeyring) -> Notary:
    return Notary(store, keyring, os.urandom)


def test_that_what_was_signed_is_genuine(notary: Notary) -> None:
    signed = json.dumps(notary.sign(DOCUMENT), indent=2)  # whatever the spaces
    found = check(signed, notary.public_key())
    assert {name: found[name] for name in DOCUMENT} == DOCUMENT


def test_that_the_key_is_made_once_and_rests_sealed(
    store: Store, keyring: StoreKeyring, notary: Notary
) -> None:
    first = notary.public_key()
    assert Notary(store, keyring, os.urandom).public_key() == first
    with store.read() as connection:
        (sealed,) = connection.execute(select(HOUSE_SECRET.c.sealed)).scalars()
    assert keyring.open(0, sealed, b"secret:certificates") not in sealed


def test_changed_ones(notary: Notary) -> None:
    signed = notary.sign(DOCUMENT)
    for change in ({"erased": {"subscription": 4}}, {"kind": "person"}, {"more": 1}):
        with pytest.raises(BadCertificate, match="changed after it was signed"):
            check(json.dumps(signed | change), notary.public_key())
    with pytest.raises(BadCertificate, match="form"):
        check(json.dumps(signed | {"form": "other"}), notary.public_key())


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', "null", '{"signature": 5}', '{"signature": "AA=="}'])
def test_what_is_none(notary: Notary, text: str) -> None:
    with pytest.raises(BadCertificate):
        check(text, notary.public_key())


def test_that_another_provider_has_another_key(store: Store, keyring: StoreKeyring, notary: Notary) -> None:
    signed = json.dumps(notary.sign(DOCUMENT))
    with store.write() as connection:
        connection.execute(HOUSE_SECRET.delete())
    with pytest.raises(BadCertificate, match="another provider"):
        check(signed, Notary(store, keyring, os.urandom).public_key())
    with pytest.raises(BadCertificate, match="or the key is none"):
        check(signed, "no key")


def test_a_digest_is_of_both(notary: Notary) -> None:
    assert len({digest("a", "b"), digest("a", "c"), digest("c", "b"), digest("", "a\0b")}) == 4
