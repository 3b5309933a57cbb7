"""Sealing: a master key, a key for each account wrapped by it, and what is sealed with those.

A sealed value is one octet of version, 12 octets of nonce, and AES-256-GCM's ciphertext with its tag; its
associated data are the account's id and the caller's context, so that a value moved elsewhere does not open.
The account's key makes three others by HKDF (RFC 5869): one seals, one keys the hash of addresses, one veils
what outsiders carry about for us (cursors). Without the account's key its rows, in every backup too, mean
nothing.

Nonces are random: one key may seal 2^32 values (NIST SP 800-38D section 8.3), which is a hundred a second for
a year and more; the version octet is the way to another scheme.

``open`` raises KeyGone (a KeyError) when the account's key is gone, ValueError when the value was tampered
with or belongs elsewhere, or when the master key is the wrong one. A store that cannot be asked is StoreAway.
"""

import hashlib
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, delete, select

from gateway.model.spelling import NO_RULES, Rules, under
from gateway.ports import KeyGone
from gateway.settings.secret_files import BadSecret, read_secret
from gateway.store import dialect
from gateway.store.bounded import Bounded
from gateway.store.database import Store
from gateway.store.schema import ACCOUNT_KEY, PROVIDER_ID

_VERSION = b"\x01"
_KEY_LENGTH = 32
_NONCE_LENGTH = 12
_HEAD = 1 + _NONCE_LENGTH
_HASH_LENGTH = 16
_CACHED_KEYS = 10_000
_IN_ONE_QUERY = 1000

Octets = Callable[[int], bytes]


class AccountKey:
    """One account's key, ready to use."""

    __slots__ = ("_aad", "_aead", "_hash", "_octets", "_rules", "_siv")

    def __init__(
        self, account_id: int, key: bytes, octets: Octets = os.urandom, rules: Rules = NO_RULES
    ) -> None:
        self._rules = rules
        self._aad = _aad(account_id)
        self._aead = AESGCM(_derive(key, b"consentry seal"))
        # Copied for each hash: the key's block is taken in once.
        self._hash = hashlib.blake2b(key=_derive(key, b"consentry hash"), digest_size=_HASH_LENGTH)
        self._octets = octets
        self._siv = AESSIV(_derive(key, b"consentry veil", 2 * _KEY_LENGTH))

    def address_hash(self, identity: str) -> bytes:
        """Return the hash under which an address is found, by the store's rules of spelling."""
        keyed = self._hash.copy()
        keyed.update((under(self._rules, identity) if self._rules else identity).encode())
        return keyed.digest()

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate."""
        nonce = self._octets(_NONCE_LENGTH)
        return _VERSION + nonce + self._aead.encrypt(nonce, plain, self._aad + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt; raise ValueError."""
        if len(sealed) < _HEAD or sealed[:1] != _VERSION:
            raise ValueError("not a sealed value of a version known here")
        try:
            return self._aead.decrypt(sealed[1:_HEAD], sealed[_HEAD:], self._aad + context)
        except InvalidTag:
            raise ValueError("the sealed value was changed, or belongs elsewhere") from None

    def veil(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate without chance: the same octets always give the same (RFC 5297)."""
        return self._siv.encrypt(plain, [self._aad, context])

    def unveil(self, veiled: bytes, context: bytes) -> bytes:
        """Decrypt what was veiled; raise ValueError."""
        try:
            return self._siv.decrypt(veiled, [self._aad, context])
        except InvalidTag:
            raise ValueError("the veiled value was changed, or belongs elsewhere") from None


class StoreKeyring:
    """The keyring over the store: ports.Keyring. Safe for threads; the keys in use stay in memory.

    ``rules``: the spellings that are one mailbox, as the store has agreed to them (gateway.store.agreement).
    """

    def __init__(
        self, store: Store, master: bytes, octets: Octets = os.urandom, rules: Rules = NO_RULES
    ) -> None:
        self._store = store
        self._rules = rules
        self._master = AESGCM(master)
        self._octets = octets
        self._keys: Bounded[int, AccountKey] = Bounded(_CACHED_KEYS)

    def address_hash(self, account_id: int, identity: str) -> bytes:
        """Return the 16-octet keyed hash under which an address identity is looked up."""
        return self.of(account_id).address_hash(identity)

    def seal(self, account_id: int, plain: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate; ``context`` says what it is and where it belongs."""
        return self.of(account_id).seal(plain, context)

    def open(self, account_id: int, sealed: bytes, context: bytes) -> bytes:
        """Decrypt; raise KeyGone when the account's key is gone, ValueError when it was tampered with."""
        return self.of(account_id).open(sealed, context)

    def of(self, account_id: int) -> AccountKey:
        """Return an account's key, for many uses in a row; raise KeyGone, ValueError, StoreAway."""
        return self._keys.get(account_id) or self._fetch(account_id)

    def create(self, connection: Connection, account_id: int) -> None:
        """Give a new account its key, in the transaction that makes the account."""
        self._insert(connection, account_id)

    def destroy(self, connection: Connection, account_id: int) -> None:
        """Destroy an account's key: nothing that was sealed with it can be read again, by anyone."""
        connection.execute(delete(ACCOUNT_KEY).where(ACCOUNT_KEY.c.account_id == account_id))
        self.forget(account_id)

    def forget(self, account_id: int) -> None:
        """Drop a key from this process's memory."""
        self._keys.pop(account_id)

    def forget_destroyed(self) -> int:
        """Drop the keys that were destroyed, by whatever process; return how many. Raise StoreAway."""
        remembered = self._keys.keys()
        there: set[int] = set()
        with self._store.read() as connection:
            for start in range(0, len(remembered), _IN_ONE_QUERY):
                asked = ACCOUNT_KEY.c.account_id.in_(remembered[start : start + _IN_ONE_QUERY])
                there.update(connection.execute(select(ACCOUNT_KEY.c.account_id).where(asked)).scalars())
        gone = [account_id for account_id in remembered if account_id not in there]
        for account_id in gone:
            self.forget(account_id)
        return len(gone)

    def _fetch(self, account_id: int) -> AccountKey:
        wrapped = self._wrapped(account_id)
        if wrapped is None and account_id == PROVIDER_ID:
            with self._store.write() as connection:
                self._insert(connection, PROVIDER_ID)
            wrapped = self._wrapped(PROVIDER_ID)  # ours, or that of a process that was faster
        if wrapped is None:
            raise KeyGone(f"the key of account {account_id} is gone")
        key = AccountKey(account_id, self._unwrap(account_id, wrapped), self._octets, self._rules)
        self._keys.put(account_id, key)
        return key

    def _wrapped(self, account_id: int) -> bytes | None:
        query = select(ACCOUNT_KEY.c.wrapped).where(ACCOUNT_KEY.c.account_id == account_id)
        with self._store.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _insert(self, connection: Connection, account_id: int) -> None:
        nonce = self._octets(_NONCE_LENGTH)
        key = self._octets(_KEY_LENGTH)
        wrapped = _VERSION + nonce + self._master.encrypt(nonce, key, b"account key" + _aad(account_id))
        row = dialect.insert(connection, ACCOUNT_KEY).values(account_id=account_id, wrapped=wrapped)
        connection.execute(row.on_conflict_do_nothing())

    def _unwrap(self, account_id: int, wrapped: bytes) -> bytes:
        if wrapped[:1] != _VERSION:
            raise ValueError("the account's key was wrapped by a later version of this program")
        try:
            return self._master.decrypt(wrapped[1:_HEAD], wrapped[_HEAD:], b"account key" + _aad(account_id))
        except InvalidTag:
            raise ValueError("the master key is not the one that the store was made with") from None


def load_master_key(name: str, read: Callable[[str], bytes] = read_secret) -> bytes:
    """Read the master key from a path or ``credential:NAME``; raise BadSecret.

    It is 32 octets, as they are or as 64 hexadecimal digits.
    """
    content = read(name)
    if len(content) == _KEY_LENGTH:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_LENGTH:
        raise BadSecret(
            f"{name}: a master key is {_KEY_LENGTH} octets, or {_KEY_LENGTH * 2} hexadecimal digits"
        )
    return key


def _derive(key: bytes, purpose: bytes, length: int = _KEY_LENGTH) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=purpose).derive(key)


def _aad(account_id: int) -> bytes:
    return account_id.to_bytes(8, "big")
