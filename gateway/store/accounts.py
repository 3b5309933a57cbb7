"""The tenants as the gateway sees them: ports.Accounts over the store.

What it promises: a change made by any process is seen within a second (``Revision``); a login that was
right costs microseconds for a while; a wrong name takes as long as a wrong password; a cancelled account does
not get in, a suspended one does, to hear at MAIL why nothing goes. No password is kept or logged. StoreAway
where the store cannot be asked, and all is well again when it can.
"""

from functools import partial

from gateway.model.facts import Account, AccountState
from gateway.store.account_rows import KnownAccount, is_account_name, read_account, read_revision
from gateway.store.database import Store
from gateway.store.passwords import Passwords
from gateway.store.revision import Revision, Snapshots
from gateway.store.schema import ACCOUNT

_SNAPSHOTS = 20_000


class StoreAccounts:
    """Snapshots of accounts, by id and by name. ``watch`` belongs to the app's task group."""

    def __init__(self, store: Store, passwords: Passwords, revision: Revision | None = None) -> None:
        self.revision = revision or Revision(store)
        self._store = store
        self._passwords = passwords
        self._snapshots: Snapshots[int | str, KnownAccount] = Snapshots(_SNAPSHOTS)

    async def authenticate(self, name: str, password: str) -> Account | None:
        """Return the account when name and password are right; the same time for either mistake."""
        known = await self._known(name)
        if known is None:
            await self._passwords.verify(name, password, None)
            return None
        standing = f"{name} {known.account.state}"
        right = await self._passwords.verify(standing, password, known.password_hash)
        return known.account if right and known.account.state is not AccountState.CANCELLED else None

    async def by_id(self, account_id: int) -> Account | None:
        """Return the account, or None when it is gone."""
        known = await self._known(account_id)
        return known.account if known else None

    async def by_name(self, name: str) -> Account | None:
        """Return the account of that name, or None."""
        known = await self._known(name)
        return known.account if known else None

    async def watch(self) -> None:
        """Keep the snapshots fresh until cancelled."""
        await self.revision.watch()

    def close(self) -> None:
        """End the threads."""
        self._passwords.close()

    async def _known(self, key: int | str) -> KnownAccount | None:
        revision = await self.revision.current()
        if isinstance(key, str) and not is_account_name(key):
            return None
        known = self._snapshots.get(key, revision)
        if known is None:
            known = await self._store.in_thread(partial(self._read, key))
        return known

    def _read(self, key: int | str) -> KnownAccount | None:
        which = ACCOUNT.c.id == key if isinstance(key, int) else ACCOUNT.c.name == key
        with self._store.read() as connection:
            revision = read_revision(connection)
            known = read_account(connection, which)
        if known is not None:
            self._snapshots.put(known.account.id, revision, known)
            self._snapshots.put(known.account.name, revision, known)
        return known
