"""The store within one transaction: what would begin one of its own joins the one that is there.

So that a change, which knows nothing of it, and what is written beside it are kept together or not at all.
A refusal must leave the whole block, because what was written before it is in the transaction still.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from gateway.store.database import Store


class JoinedStore(Store):
    """A store for as long as the transaction lasts, in the thread that has it."""

    def __init__(self, store: Store, connection: Connection) -> None:
        super().__init__(store.engine, store.path)
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give the transaction that there is."""
        yield self._connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the transaction that there is; whoever began it commits it."""
        yield self._connection
