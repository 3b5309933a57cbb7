"""A glance: one small question to the store that is asked several times a second, whatever else goes on.

What it promises: the answer is what was committed last. It fails with StoreAway and connects anew at the next
look. On SQLite it is answered where it is asked, on the event loop: a read of a few pages, which in WAL no
writer can block, takes a tenth of what waking a thread for it takes. What has to wait, for a lock or for a
server, is asked by one of the store's own threads.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select

from gateway.model.reply import StoreAway
from gateway.store import dialect

if TYPE_CHECKING:
    from gateway.store.database import Store


class Glance:
    """One question without parameters that has one row for its answer; ``Store.glance`` makes it."""

    def __init__(self, store: "Store", question: Select[Any]) -> None:
        self._store = store
        self._question = question
        literally = {"literal_binds": True}
        self._text = str(question.compile(dialect=store.engine.dialect, compile_kwargs=literally))
        self._at_once = dialect.answers_at_once(store.engine)
        self._opening = threading.Lock()
        self._connection: Connection | None = None
        self._ask: Callable[[str], Any] | None = None
        self._generation = -1

    async def look(self) -> Any:
        """Return the row; raise StoreAway."""
        ask = self._ask
        if ask is not None:
            self._store.check_file()
            if self._generation == self._store.generation:
                with suppress(self._store.engine.dialect.loaded_dbapi.Error):  # a thread asks, with patience
                    return ask(self._text).fetchall()[0]
        return await self._store.in_thread(self._patiently)

    def close(self) -> None:
        """Let the connection go."""
        with self._opening:
            self._leave()

    def _patiently(self) -> Any:
        """Ask where waiting is allowed, and get ready to ask at once."""
        self._store.check_file()
        with self._store.read() as connection:
            row = connection.execute(self._question).one()
        if self._at_once:
            with suppress(StoreAway), self._opening:
                self._leave()
                self._enter()
        return row

    def _enter(self) -> None:
        self._generation = self._store.generation
        with self._store.away():
            self._connection = dialect.reading_each(self._store.engine).connect()
            dialect.never_wait(self._connection)
            self._ask = self._connection.connection.cursor().execute

    def _leave(self) -> None:
        connection, self._connection, self._ask = self._connection, None, None
        if connection is not None:
            connection.invalidate()
            connection.close()
