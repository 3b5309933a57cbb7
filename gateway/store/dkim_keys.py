"""DKIM keys: sealed with the key of the account whose domain they sign for.

What it promises: ``DkimKeyBook.keys`` gives an account the keys of its own domains and of no other's; a key
that is added or retired anywhere is seen within a second. It fails with StoreAway, KeyError (the account's
key is gone) and ValueError (the row was tampered with).
"""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Row, Select, select, update
from sqlalchemy.exc import IntegrityError

from gateway.ports import Keyring
from gateway.store.account_rows import bump_revision, read_revision
from gateway.store.database import Store
from gateway.store.refusals import AlreadyThere, NoSuchDomain
from gateway.store.revision import Revision, Snapshots
from gateway.store.schema import DKIM_KEY, DOMAIN

_SNAPSHOTS = 10_000


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key to sign with; ``private_der`` is PKCS#8."""

    selector: str
    algorithm: str
    private_der: bytes
    account_id: int

    def __repr__(self) -> str:
        return f"StoredKey({self.selector!r}, {self.algorithm!r}, account_id={self.account_id})"


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as operators see it: nothing secret. ``public`` is the DNS record's text."""

    domain: str
    selector: str
    algorithm: str
    public: str
    created_at: float
    active: bool


class DkimKeys:
    """The keys of all domains, for the command line; sync."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def add(  # noqa: PLR0917 - what there is to say of one; callers name them
        self, domain: str, selector: str, algorithm: str, private_der: bytes, public: str, now: float
    ) -> None:
        """Keep a key for a registered domain; raise NoSuchDomain, AlreadyThere, StoreAway."""
        # Sealed before the transaction: the provider's own key may have to be made first, in another one.
        with self._store.read() as connection:
            account_id = _domain(connection, domain).account_id
        sealed = self._keyring.seal(account_id, private_der, _context(domain, selector))
        values = {"selector": selector, "algorithm": algorithm, "private": sealed, "public": public}
        try:
            with self._store.write() as connection:
                domain_id = _domain(connection, domain).id
                row = DKIM_KEY.insert().values(**values, domain_id=domain_id, created_at=now, active=True)
                connection.execute(row)
                bump_revision(connection)
        except IntegrityError as error:
            raise AlreadyThere(f"{domain} has a key with the selector {selector} already") from error

    def retire(self, domain: str, selector: str) -> None:
        """Sign with a key no more; raise NoSuchDomain, StoreAway."""
        with self._store.write() as connection:
            domain_id = _domain(connection, domain).id
            this = (DKIM_KEY.c.domain_id == domain_id) & (DKIM_KEY.c.selector == selector)
            connection.execute(update(DKIM_KEY).where(this).values(active=False))
            bump_revision(connection)

    def for_domain(self, domain: str) -> tuple[StoredKey, ...]:
        """Return the active keys of a domain, in the order of their making; raise StoreAway."""
        with self._store.read() as connection:
            return _open(connection, _active(domain), self._keyring)

    def shown(self, domain: str) -> tuple[ShownKey, ...]:
        """Return all keys of a domain, retired ones too, without their secrets; raise StoreAway."""
        query = select(DKIM_KEY).join(DOMAIN).where(DOMAIN.c.name == domain).order_by(DKIM_KEY.c.id)
        with self._store.read() as connection:
            return tuple(
                ShownKey(domain, row.selector, row.algorithm, row.public, row.created_at, row.active)
                for row in connection.execute(query)
            )


class DkimKeyBook:
    """What the signer asks, for every message."""

    def __init__(self, store: Store, keyring: Keyring, revision: Revision) -> None:
        self._store = store
        self._keyring = keyring
        self._revision = revision
        self._snapshots: Snapshots[tuple[int, str], tuple[StoredKey, ...]] = Snapshots(_SNAPSHOTS)

    async def keys(self, account_id: int, domain: str) -> tuple[StoredKey, ...]:
        """Return the active keys of a domain if it is this account's, else none; raise StoreAway.

        The same tuple is returned until something changes.
        """
        known = self._snapshots.get((account_id, domain), await self._revision.current())
        if known is None:
            known = await self._store.in_thread(partial(self._read, account_id, domain))
        return known

    def _read(self, account_id: int, domain: str) -> tuple[StoredKey, ...]:
        with self._store.read() as connection:
            revision = read_revision(connection)
            own = _active(domain).where(DOMAIN.c.account_id == account_id)
            keys = _open(connection, own, self._keyring)
        self._snapshots.put((account_id, domain), revision, keys)
        return keys


def _active(domain: str) -> Select[tuple[object, ...]]:
    return (
        select(DKIM_KEY, DOMAIN.c.account_id, DOMAIN.c.name.label("domain"))
        .join(DOMAIN, DOMAIN.c.id == DKIM_KEY.c.domain_id)
        .where(DOMAIN.c.name == domain, DKIM_KEY.c.active)
        .order_by(DKIM_KEY.c.id)
    )


def _open(
    connection: Connection, query: Select[tuple[object, ...]], keyring: Keyring
) -> tuple[StoredKey, ...]:
    keys = []
    for row in connection.execute(query).all():
        private = keyring.open(row.account_id, row.private, _context(row.domain, row.selector))
        keys.append(StoredKey(row.selector, row.algorithm, private, row.account_id))
    return tuple(keys)


def _domain(connection: Connection, domain: str) -> Row[tuple[object, ...]]:
    row = connection.execute(select(DOMAIN).where(DOMAIN.c.name == domain)).one_or_none()
    if row is None:
        raise NoSuchDomain(f"the domain {domain} is not registered")
    return row


def _context(domain: str, selector: str) -> bytes:
    return f"dkim:{domain}:{selector}".encode()
