"""A glance: one small question to the store that is asked several times a second, whatever else goes on.

What it promises: the answer is what was committed last. It fails with StoreAway and connects anew at the next
look. On SQLite it is answered where it is asked, on the event loop: a read of a few pages, which in WAL no
writer can block, takes a tenth of what waking a thread for it takes. What has to wait, for a lock or for a
server, is asked by one of the store's own threads.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select

from gateway.model.reply import StoreAway
from gateway.model.values import dataclass
from gateway.store import dialect

if TYPE_CHECKING:
    from gateway.store.database import Store


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection that answers at once, and the store's generation of which it is."""

    connection: Connection
    ask: Callable[[str], Any]
    generation: int

    def hang_up(self) -> None:
        self.connection.invalidate()
        self.connection.close()


class Glance:
    """One question without parameters that has one row for its answer; ``Store.glance`` makes it.

    The event loop alone reads from a line and lets it go: a thread that closed it in the middle of an answer
    would take the whole process down. Threads lay new ones ready.
    """

    def __init__(self, store: "Store", question: Select[Any]) -> None:
        self._store = store
        self._question = question
        literally = {"literal_binds": True}
        self._text = str(question.compile(dialect=store.engine.dialect, compile_kwargs=literally))
        self._at_once = dialect.answers_at_once(store.engine)
        self._line: _Line | None = None
        self._ready: deque[_Line] = deque()

    async def look(self) -> Any:
        """Return the row; raise StoreAway."""
        self._take_over()
        line = self._line
        if line is not None:
            self._store.check_file()
            if line.generation == self._store.generation:
                with suppress(self._store.engine.dialect.loaded_dbapi.Error):  # a thread asks, with patience
                    return line.ask(self._text).fetchall()[0]
        return await self._store.in_thread(self._patiently)

    def close(self) -> None:
        """Let the connection go."""
        self._take_over()
        if self._line is not None:
            self._line.hang_up()
            self._line = None

    def _take_over(self) -> None:
        """Have the line that was laid last."""
        while self._ready:
            if self._line is not None:
                self._line.hang_up()
            self._line = self._ready.popleft()

    def _patiently(self) -> Any:
        """Ask where waiting is allowed, and lay a line on which the next one need not wait."""
        self._store.check_file()
        with self._store.read() as connection:
            row = connection.execute(self._question).one()
        if self._at_once and not self._ready:
            with suppress(StoreAway):
                self._ready.append(self._lay())
        return row

    def _lay(self) -> _Line:
        generation = self._store.generation
        with self._store.away():
            connection = dialect.reading_each(self._store.engine).connect()
            dialect.never_wait(connection)
            return _Line(connection, connection.connection.cursor().execute, generation)
