"""API keys of accounts, as hashes.

What it promises: a key that is revoked anywhere is good for nothing within a second; a suspended account's
keys go on, a cancelled one's do not. A wrong key costs one look into the store whether its id exists or not,
and the comparison takes as long for one as for the other. When a key was used last is kept to the hour, and
written a minute late at most. It fails with StoreAway.
"""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Row, or_, select, update

from gateway.model.api_key import OCTETS, ApiKey, Grant, Scope, new_key, parse_key
from gateway.model.facts import AccountState
from gateway.store.account_rows import bump_revision, read_revision
from gateway.store.database import Store
from gateway.store.refusals import NoSuchKey
from gateway.store.revision import Revision, Snapshots
from gateway.store.schema import ACCOUNT, API_KEY

_SNAPSHOTS = 10_000
_HOUR = 3600
_NOBODY = bytes(32)

Octets = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class ShownApiKey:
    """A key as operators see it: nothing secret. Times are seconds since the epoch; None: never."""

    id: str
    account_id: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: float
    used_at: float | None  # to the hour
    revoked_at: float | None


class ApiKeys:
    """The keys of all accounts, for the command line; sync."""

    def __init__(self, store: Store, octets: Octets = os.urandom) -> None:
        self._store = store
        self._octets = octets

    def add(self, account_id: int, name: str, scopes: frozenset[Scope], now: float) -> ApiKey:
        """Make a key; what is returned is kept nowhere. Raise StoreAway."""
        key = new_key(self._octets(OCTETS))
        row = API_KEY.insert().values(
            id=key.id,
            account_id=account_id,
            name=name,
            scopes=" ".join(sorted(scopes)),
            digest=key.digest,
            created_at=now,
        )
        with self._store.write() as connection:
            connection.execute(row)
        return key

    def of_account(self, account_id: int) -> tuple[ShownApiKey, ...]:
        """Return an account's keys, revoked ones too, in the order of their making; raise StoreAway."""
        this = API_KEY.c.account_id == account_id
        with self._store.read() as connection:
            rows = connection.execute(
                select(API_KEY).where(this).order_by(API_KEY.c.created_at, API_KEY.c.id)
            )
            return tuple(_shown(row) for row in rows)

    def revoke(self, key_id: str, now: float) -> ShownApiKey:
        """Let a key be good for nothing from now on; return it as it was. Raise NoSuchKey, StoreAway."""
        this = API_KEY.c.id == key_id
        with self._store.write() as connection:
            row = connection.execute(select(API_KEY).where(this)).one_or_none()
            if row is None:
                raise NoSuchKey(f"there is no API key {key_id}")
            if row.revoked_at is None:
                connection.execute(update(API_KEY).where(this).values(revoked_at=now))
                bump_revision(connection)
            return _shown(row)


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    grant: Grant


class ApiKeyBook:
    """ports.ApiKeys: what the API asks, for every request."""

    def __init__(self, store: Store, revision: Revision) -> None:
        self._store = store
        self._revision = revision
        self._snapshots: Snapshots[str, _Known] = Snapshots(_SNAPSHOTS)
        self._used: dict[str, float] = {}  # the hour of the last use, where it is not written down yet
        self._written: dict[str, float] = {}

    async def grant(self, text: str, now: float) -> Grant | None:
        """Return what the bearer of a key may do, or None; raise StoreAway."""
        key = parse_key(text)
        if key is None:
            return None
        known = self._snapshots.get(key.id, await self._revision.current())
        if known is None or not hmac.compare_digest(known.digest, key.digest):
            known = await self._store.in_thread(partial(self._read, key.id))
        if not hmac.compare_digest(known.digest if known else _NOBODY, key.digest) or known is None:
            return None
        self._note(key.id, now)
        return known.grant

    async def write_down(self) -> None:
        """Keep when keys were used last; raise StoreAway, and then it is tried again with the next ones."""
        used = dict(self._used)
        if used:
            await self._store.in_thread(partial(self._write, used))
            self._written |= used
            self._used = {key_id: hour for key_id, hour in self._used.items() if hour != used.get(key_id)}

    def _note(self, key_id: str, now: float) -> None:
        hour = now // _HOUR * _HOUR
        if len(self._written) > _SNAPSHOTS:
            self._written.clear()
        if self._written.get(key_id) != hour:
            self._used[key_id] = hour

    def _read(self, key_id: str) -> _Known | None:
        query = (
            select(API_KEY.c.digest, API_KEY.c.account_id, API_KEY.c.scopes)
            .join(ACCOUNT, ACCOUNT.c.id == API_KEY.c.account_id)
            .where(API_KEY.c.id == key_id, API_KEY.c.revoked_at.is_(None))
            .where(ACCOUNT.c.state != str(AccountState.CANCELLED))
        )
        with self._store.read() as connection:
            revision = read_revision(connection)
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        known = _Known(row.digest, Grant(key_id, row.account_id, frozenset(_scopes(row.scopes))))
        self._snapshots.put(key_id, revision, known)
        return known

    def _write(self, used: dict[str, float]) -> None:
        with self._store.write() as connection:
            for key_id, hour in used.items():
                earlier = or_(API_KEY.c.used_at.is_(None), API_KEY.c.used_at < hour)
                connection.execute(
                    update(API_KEY).where(API_KEY.c.id == key_id, earlier).values(used_at=hour)
                )


def _shown(row: Row[tuple[object, ...]]) -> ShownApiKey:
    return ShownApiKey(
        row.id, row.account_id, row.name, _scopes(row.scopes), row.created_at, row.used_at, row.revoked_at
    )


def _scopes(text: str) -> tuple[Scope, ...]:
    """Read scopes; one that a later version of the program has given is nothing that this one could do."""
    return tuple(Scope(one) for one in text.split() if one in set(Scope))
