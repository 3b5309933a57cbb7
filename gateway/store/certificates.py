"""Certificates of deletion: what was erased, when, and the provider's signature under it.

A certificate is JSON; its signature (Ed25519, RFC 8032) is over the same JSON without the signature, its
keys sorted and without spaces. The key is made when it is needed first, and rests sealed with the
provider's key. There is no address, no name and no list in a certificate: an account is named by its number
and by a salted hash of its name, a person by a hash of their address with a code that only they were told.

It fails with StoreAway; ``check`` raises BadCertificate with what is wrong.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, select

from gateway.ports import Keyring
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.schema import HOUSE_SECRET, PROVIDER_ID

FORM = "consentry-erasure-1"
_NAME = "certificates"
_CONTEXT = b"secret:certificates"

Octets = Callable[[int], bytes]
Document = Mapping[str, Any]


class BadCertificate(Exception):
    """It proves nothing; the message says why."""


class Notary:
    """Signs, with a key that is made on first use."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets) -> None:
        self._store = store
        self._keyring = keyring
        self._octets = octets

    def public_key(self) -> str:
        """Return the key that certificates are checked with, in base64; raise StoreAway."""
        return _text(self._key().public_key().public_bytes_raw())

    def sign(self, document: Document) -> dict[str, Any]:
        """Return the document with the key and the signature; raise StoreAway."""
        key = self._key()
        named = {**document, "form": FORM, "public_key": _text(key.public_key().public_bytes_raw())}
        return {**named, "signature": _text(key.sign(_octets_of(named)))}

    def _key(self) -> Ed25519PrivateKey:
        with self._store.read() as connection:
            sealed = _read(connection)
        if sealed is None:
            made = self._keyring.seal(PROVIDER_ID, self._octets(32), _CONTEXT)
            with self._store.write() as connection:
                row = dialect.insert(connection, HOUSE_SECRET).values(name=_NAME, sealed=made)
                connection.execute(row.on_conflict_do_nothing())
                sealed = _read(connection) or made  # ours, or that of a process that was faster
        return Ed25519PrivateKey.from_private_bytes(self._keyring.open(PROVIDER_ID, sealed, _CONTEXT))


def check(certificate: str | bytes, public_key: str) -> dict[str, Any]:
    """Return what a certificate says, signed by that key (base64); raise BadCertificate."""
    try:
        document = json.loads(certificate)
        signature = base64.b64decode(document.pop("signature"), validate=True)
        form, named = document["form"], document["public_key"]
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadCertificate("it is no certificate, or the key is none") from error
    if form != FORM:
        raise BadCertificate(f"its form is {form!r}, which is not known here")
    if named != public_key:
        raise BadCertificate("another provider's key has signed it")
    try:
        key.verify(signature, _octets_of(document))
    except InvalidSignature:
        raise BadCertificate("it was changed after it was signed") from None
    return dict(document)


def digest(code: str, name: str) -> str:
    """Return the hash by which a certificate names somebody: who knows code and name can check it."""
    return hashlib.sha256(f"{code}\0{name}".encode()).hexdigest()


def _octets_of(document: Document) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _read(connection: Connection) -> bytes | None:
    query = select(HOUSE_SECRET.c.sealed).where(HOUSE_SECRET.c.name == _NAME)
    sealed: bytes | None = connection.execute(query).scalar_one_or_none()
    return sealed


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
