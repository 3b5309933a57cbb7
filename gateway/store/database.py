"""The store's database: connections, transactions, migrations.

What it promises: ``read`` and ``write`` give a transaction or raise ``StoreAway``, whatever the database's
trouble is (locked, full, gone, damaged); the next call tries anew, so that a store that comes back is used
without a restart. Integrity errors and errors of programming pass through.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, select
from sqlalchemy import exc as sa
from sqlalchemy.engine import make_url

from gateway.model.reply import StoreAway
from gateway.settings.schema import Settings
from gateway.store import dialect
from gateway.store.glance import Glance
from gateway.store.refusals import StoreTooNew
from gateway.store.schema import ACCOUNTS_REVISION, REVISION

T = TypeVar("T")

_MIGRATIONS = "gateway.store:migrations"
_ALEMBIC = threading.Lock()  # alembic's context is one for the whole process
REVISION_NOW = select(REVISION.c.value).where(REVISION.c.name == ACCOUNTS_REVISION)
_THREADS = 4


class Store:
    """A database of accounts and consent. Safe for threads; opened anew after a fork."""

    def __init__(self, engine: Engine, path: Path | None = None) -> None:
        self.engine = engine
        self.path = path  # None: a server's
        self.generation = 0  # counts how often all connections were dropped
        self._writer = dialect.writing(engine)
        self._file: tuple[int, int] | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._glances: list[Glance] = []

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a transaction that sees one state of the store; raise StoreAway."""
        with self.away(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a transaction that is committed at the end of the block; raise StoreAway."""
        with self.away(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def away(self) -> Iterator[None]:
        """Turn a database's trouble into StoreAway, with the cause behind it for the log."""
        try:
            yield
        except (sa.OperationalError, sa.InterfaceError, sa.TimeoutError, OSError) as error:
            self._forsake(error)
            raise StoreAway(f"the store is away: {_cause(error)}") from error
        except sa.DatabaseError as error:
            if type(error) is not sa.DatabaseError:  # an integrity error or our own mistake
                raise
            self._forsake(error)
            raise StoreAway(f"the store is damaged: {_cause(error)}") from error

    def upgrade(self) -> None:
        """Bring the tables to this version, creating them where there are none.

        Any number of processes may do so at once: one works, the others wait. Raise StoreAway, or
        StoreTooNew where a later version of the program made the tables.
        """
        with self.away(), _ALEMBIC:
            if self.path is not None:
                dialect.create_file(self.path)
            with self.write() as connection:
                dialect.lock_for_migration(connection)
                self._migrate(connection)

    def health(self) -> None:
        """Ask the store something cheap; raise StoreAway."""
        self.revision()

    def revision(self) -> int:
        """Return the number that changes with every account, domain, list and key; raise StoreAway."""
        self.check_file()
        with self.read() as connection:
            return int(connection.execute(REVISION_NOW).scalar_one())

    def glance(self, question: Select[Any]) -> Glance:
        """Return a question that is asked again and again; the store closes it."""
        self._glances.append(Glance(self, question))
        return self._glances[-1]

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Run a blocking call in one of the store's own threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def close(self) -> None:
        """Close all connections and end the threads."""
        self._threads.shutdown(cancel_futures=True)
        for glance in self._glances:
            glance.close()
        self.engine.dispose()

    def check_file(self) -> None:
        """See whether the file is still the one that the connections have open; raise StoreAway."""
        if self.path is None:
            return
        with self.away():
            status = self.path.stat()
        seen, self._file = self._file, (status.st_dev, status.st_ino)
        if seen not in {None, self._file}:
            self._drop_connections()

    def _forsake(self, error: Exception) -> None:
        """Drop all connections, unless the trouble is only that another one writes."""
        if "locked" not in str(error) and not isinstance(error, sa.TimeoutError):
            self._drop_connections()

    def _drop_connections(self) -> None:
        self.generation += 1
        self.engine.dispose()

    @staticmethod
    def _migrate(connection: Connection) -> None:
        # An eighth of a worker's start, and no worker and hardly a command migrates anything.
        from alembic import command  # noqa: PLC0415 - see above
        from alembic.config import Config  # noqa: PLC0415 - see above
        from alembic.util import CommandError  # noqa: PLC0415 - see above

        config = Config()
        config.set_main_option("script_location", _MIGRATIONS)
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreTooNew("the store was made by a later version of this program") from error


def open_store(where: str | Path | Settings, timeout: float = 5.0) -> Store:
    """Return the store at a file's path, at a database URL, or where the settings say.

    Nothing is connected to yet. ``timeout``: seconds to wait for a lock or a connection; the settings have
    their own.
    """
    if isinstance(where, Settings):
        timeout = where.store.timeout
        where = where.store.url or where.gateway.state_dir / "store.sqlite"
    if isinstance(where, str) and "://" in where:
        url = make_url(where)
        if url.get_backend_name() != "sqlite":
            return Store(dialect.server_engine(where, timeout))
        where = url.database or "store.sqlite"
    path = Path(where).absolute()
    return Store(dialect.sqlite_engine(path, timeout), path)


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
