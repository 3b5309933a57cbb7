"""What a database keeps of rows that were deleted, and how it lets go of it.

SQLite overwrites what is deleted (secure_delete, see gateway.store.dialect), but a page that was split can
keep a copy of rows that moved to another, and the log keeps pages as they were. What it promises: a file
that is small enough is written anew; in a larger one every table that holds names or keys in clear is, so
that what is left of the others is hashes and seals under a key that is gone. The log is put into the file
and emptied. Of another database server the operator is told what to do (docs/howto/end-an-account.md). It
fails with StoreAway; ``Rest.BUSY`` says that it has to be tried again.
"""

import sqlite3
from contextlib import closing
from enum import StrEnum

from sqlalchemy import Table

from gateway.store import dialect
from gateway.store.belongings import SMALL
from gateway.store.database import Store

_PATIENCE = 2.0  # seconds


class Rest(StrEnum):
    """What became of freed pages."""

    REWRITTEN = "the file was written anew"
    OVERWRITTEN = "rows were overwritten, tables with names and keys were written anew"
    SERVER = "left to the database server"
    BUSY = "somebody was in the way"


def let_go(store: Store, vacuum_below: int) -> Rest:
    """Let the store's file keep nothing of what was deleted."""
    if store.path is None:
        return Rest.SERVER
    with store.away():
        small = store.path.stat().st_size <= vacuum_below
        with closing(dialect.connect_sqlite(store.path, _PATIENCE)) as connection:
            try:
                if small:
                    connection.execute(
                        "PRAGMA temp_store = FILE"
                    )  # what is in it is no more than in the store
                    connection.execute("VACUUM")
                else:
                    _write_anew(connection)
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                return Rest.BUSY
    if busy:
        return Rest.BUSY
    return Rest.REWRITTEN if small else Rest.OVERWRITTEN


def _write_anew(connection: sqlite3.Connection) -> None:
    """Empty the small tables, which overwrites all their pages, and fill them again; one transaction."""
    connection.execute("PRAGMA foreign_keys = OFF")  # nothing is gone at the end of it
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in SMALL:
            _refill(connection, table)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _refill(connection: sqlite3.Connection, table: Table) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    places = ", ".join("?" * len(table.columns))
    rows = connection.execute(f'SELECT {names} FROM "{table.name}"').fetchall()  # noqa: S608 - names of our own tables
    connection.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 - as above
    connection.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', rows)  # noqa: S608 - as above
