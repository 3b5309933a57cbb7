"""The store and the queue of a configured gateway, opened for one command.

What it promises: whatever is open is closed at the end of the block, and the trouble of store, keys and queue
comes out as ``Refused`` with the reason.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from sqlalchemy import select

from gateway.app.world import SystemClock, SystemEntropy
from gateway.cli.configured import config_file, read
from gateway.cli.say import Refused
from gateway.model.reply import PublicError
from gateway.settings.schema import Settings
from gateway.settings.secret_files import BadSecret
from gateway.spool.errors import ForeignShard
from gateway.spool.operate import QueueDesk
from gateway.store.agreement import agree
from gateway.store.api_keys import ApiKeys
from gateway.store.brands import Brands
from gateway.store.certificates import Notary
from gateway.store.database import Store, open_store
from gateway.store.dkim_keys import DkimKeys
from gateway.store.endings import Endings
from gateway.store.erasures import Erasures
from gateway.store.keys import StoreKeyring, load_master_key
from gateway.store.refusals import StoreRefusal
from gateway.store.registry import Registry
from gateway.store.schema import ACCOUNT_KEY
from gateway.store.subscriptions import Subscriptions
from gateway.store.webhooks import Webhooks

CLOCK = SystemClock()
ENTROPY = SystemEntropy()


@dataclass(frozen=True, slots=True)
class Opened:
    """What a command works on."""

    settings: Settings
    store: Store
    keyring: StoreKeyring

    @property
    def registry(self) -> Registry:
        """Accounts, domains and lists."""
        return Registry(self.store, self.keyring)

    @property
    def endings(self) -> Endings:
        """How accounts end, and the terms that they accepted."""
        return Endings(self.store, self.keyring)

    @property
    def erasures(self) -> Erasures:
        """What was erased, and what is being erased."""
        return Erasures(self.store, self.keyring, ENTROPY.octets)

    @property
    def notary(self) -> Notary:
        """Who signs the certificates of it."""
        return Notary(self.store, self.keyring, ENTROPY.octets)

    @property
    def subscriptions(self) -> Subscriptions:
        """Who is on which list."""
        return Subscriptions(self.store, self.keyring)

    @property
    def api_keys(self) -> ApiKeys:
        """The keys of tenants' programs."""
        return ApiKeys(self.store)

    @property
    def webhooks(self) -> Webhooks:
        """Where tenants' programs are told what happens."""
        return Webhooks(self.store, self.keyring)

    @property
    def dkim_keys(self) -> DkimKeys:
        """The keys that sign."""
        return DkimKeys(self.store, self.keyring)

    @property
    def brands(self) -> Brands:
        """How accounts' pages look."""
        return Brands(self.store)

    @property
    def spool_folder(self) -> Path:
        """Where the shards of the queue lie."""
        return self.settings.gateway.state_dir / "spool"

    @property
    def queue(self) -> QueueDesk:
        """The queue, as operators work on it."""
        return QueueDesk(self.spool_folder, keyring=self.keyring, clock=CLOCK, entropy=ENTROPY)


@contextmanager
def opened(ctx: typer.Context) -> Iterator[Opened]:
    """Open what --config names."""
    with opened_at(config_file(ctx)) as house:
        yield house


@contextmanager
def opened_at(config: Path) -> Iterator[Opened]:
    """Open the gateway of that gateway.toml; raise Refused."""
    settings = read(config).settings
    try:
        master = load_master_key(settings.secrets.master_key)
        settings.gateway.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (BadSecret, OSError) as error:
        raise Refused(str(error)) from error
    store = open_store(settings)
    try:
        with _refusing():
            store.upgrade()
            rules = settings.addresses.spelling
            agree(store, rules)
            keyring = StoreKeyring(store, master, rules=rules)
            _check_master(store, keyring)
            yield Opened(settings, store, keyring)
    finally:
        store.close()


def _check_master(store: Store, keyring: StoreKeyring) -> None:
    """Try the master key on any account's key: with another one nothing may be added either."""
    with store.read() as connection:
        account_id = connection.execute(select(ACCOUNT_KEY.c.account_id).limit(1)).scalar_one_or_none()
    try:
        if account_id is not None:
            keyring.of(account_id)
    except ValueError as error:
        raise Refused(f"{error}: look at [secrets] master_key and [store] url") from error


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except StoreRefusal as error:
        raise Refused(str(error)) from error
    except PublicError as error:
        raise Refused(str(error) or error.reply.text) from error
    except (sqlite3.Error, ForeignShard) as error:
        raise Refused(f"the queue cannot be read: {error}") from error
