"""What differs between databases, and is said nowhere else: connecting, locking, upserts.

SQLite is made durable (WAL, synchronous=FULL: a commit is on the disk when it returns) and forgetful
(secure_delete: what was deleted is overwritten). Its file is created by ``create_file`` only, with mode 0600:
a connection to a file that is gone must fail, and not begin an empty store.
"""

import os
import sqlite3
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import (
    ClauseElement,
    Connection,
    CursorResult,
    Engine,
    Executable,
    Insert,
    Table,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import QueuePool

_BEGIN = "consentry_begin"
_MIGRATION_LOCK = 0x436F6E73  # any number that other programs of the same database do not take
_PLACE_LOCK = _MIGRATION_LOCK + 1
_CACHE_KIB = 16_384  # for each connection


def sqlite_engine(path: Path, timeout: float) -> Engine:
    """Return an engine on a file; a lock that another holds is waited for ``timeout`` seconds."""
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: connect_sqlite(path, timeout),
        poolclass=QueuePool,
        pool_timeout=timeout,
    )
    event.listen(engine, "begin", _begin)
    return engine


def server_engine(url: str, timeout: float) -> Engine:
    """Return an engine on a database server; a connection that died in the pool is replaced."""
    return create_engine(url, pool_pre_ping=True, pool_timeout=timeout)


def connect_sqlite(path: Path, timeout: float) -> sqlite3.Connection:
    """Connect to a file that is there; raise sqlite3.Error."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=timeout,
        isolation_level=None,  # BEGIN is ours: the driver would not send one before DDL or SELECT
        check_same_thread=False,
    )
    try:
        _tune(connection, timeout)
    except BaseException:
        connection.close()
        raise
    return connection


def create_file(path: Path) -> None:
    """Make an empty file for a new store, readable by its owner only; leave one that is there alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Never open and close a file that is there: closing drops all locks that this process has on it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return


def writing(engine: Engine) -> Engine:
    """Return the engine for transactions that write: SQLite takes its lock at once, never half way."""
    return engine.execution_options(**{_BEGIN: "IMMEDIATE"})


def reading_each(engine: Engine) -> Engine:
    """Return the engine for single statements, each of which sees what was committed last."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_BEGIN: ""})
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def answers_at_once(engine: Engine) -> bool:
    """Whether a look-up is a matter of this process and the page cache, with no server in between."""
    return engine.dialect.name == "sqlite"


def never_wait(connection: Connection) -> None:
    """Let a SQLite connection fail where it would have to wait for a lock."""
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")


def lock_for_migration(connection: Connection) -> None:
    """Let one migration run at a time; on SQLite the write lock does it already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")


def see_one_state(connection: Connection) -> None:
    """Let a transaction that has only begun see one state of the store; on SQLite it does in any case."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def commit_in_order(connection: Connection) -> None:
    """Let transactions that add events commit in the order of the places that they take.

    SQLite has one writer at a time. Elsewhere places are given out before the commit: without the lock a
    reader could see a later one first, and pass over the earlier.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PLACE_LOCK})")


def insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the insert of this database, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_new(connection: Connection, table: Table) -> Insert:
    """Return the insert that leaves alone what is there; always the same one, so it is compiled once."""
    return _insert_new(connection.dialect, table)


@lru_cache(maxsize=16)
def _insert_new(database: Dialect, table: Table) -> Insert:
    made = postgresql.insert(table) if database.name == "postgresql" else sqlite.insert(table)
    return made.on_conflict_do_nothing()


def insert_rows(connection: Connection, statement: Insert, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert many rows by the driver's own way.

    Their values stand in the order of the table's columns; a number that the database gives is left out.
    """
    text, names = _row_insert(statement, connection.dialect)
    if connection.dialect.positional:
        connection.exec_driver_sql(text, rows)
    else:
        connection.exec_driver_sql(text, [dict(zip(names, row, strict=True)) for row in rows])


def run(connection: Connection, statement: Executable, **values: object) -> CursorResult[Any]:
    """Run a statement that is made once, by the driver's own way: a fifth of the time of the usual one.

    ``values`` are those of its ``bindparam``s; what it returns comes as the driver gives it.
    """
    text, places = _in_the_drivers_form(statement, connection.dialect)
    return connection.exec_driver_sql(text, tuple(values[name] for name in places) if places else values)


@lru_cache(maxsize=16)
def _in_the_drivers_form(statement: Executable, database: Dialect) -> tuple[str, Sequence[str]]:
    """Return a statement's text, and the names in the driver's order; none where it takes them by name."""
    compiled = cast("ClauseElement", statement).compile(dialect=database)
    return str(compiled), tuple(getattr(compiled, "positiontup", None) or ())


@lru_cache(maxsize=16)
def _row_insert(statement: Insert, database: Dialect) -> tuple[str, Sequence[str]]:
    """Return an insert as the driver takes it; to compile it takes as long as thirty rows."""
    table = statement.table
    assert isinstance(table, Table)
    names = [column.name for column in table.columns if column is not table.autoincrement_column]
    return str(statement.compile(dialect=database, column_keys=names)), names


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get(_BEGIN, "DEFERRED")
    if mode:
        connection.exec_driver_sql(f"BEGIN {mode}")


def _tune(connection: sqlite3.Connection, timeout: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
    _use_wal(connection, timeout)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")  # no address leaves for a temporary file


def _use_wal(connection: sqlite3.Connection, timeout: float) -> None:
    """Switch to WAL; two processes that do so at once are not kept apart by busy_timeout."""
    until = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
