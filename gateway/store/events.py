"""What happened, at rest.

``StoreEvents`` takes events from the spools in batches, each applied once by its id, in a thread of its own;
it fails with StoreAway and has then kept nothing of the batch. ``EventHistory`` answers operators.
Events that prove consent are never expired: who opted in or out, and when, is asked years later.
"""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select

from gateway.model.events import Event, EventType, SealedEvent, closed_event, open_event
from gateway.ports import Keyring
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.schema import ERASURE, EVENT, OF_A_SUBMISSION

KEPT = frozenset(
    {
        EventType.SUBSCRIPTION,
        EventType.FEEDBACK,
        EventType.IMPORT,
        EventType.ACCOUNT_STATE,
        EventType.TERMS,
        EventType.ERASURE,
    }
)
_CHUNK = 1000  # rows in one transaction


class StoreEvents:
    """ports.EventStore over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="events")

    async def append(self, events: Sequence[SealedEvent]) -> None:
        """Keep them; those that are known already change nothing."""
        if events:
            await self._in_writer(partial(self._append, events))

    async def expire(self, before: float) -> int:
        """Delete what is older, except what proves consent, a chunk a transaction; return how many."""
        deleted = 0
        for kind in sorted(set(EventType) - KEPT):
            while chunk := await self._in_writer(partial(self._expire, kind, before)):
                deleted += chunk
        return deleted

    def close(self) -> None:
        """End the thread when it has written what it was given."""
        self._writer.shutdown()

    async def _in_writer(self, call: "partial[int]") -> int:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call)

    def _append(self, events: Sequence[SealedEvent]) -> int:
        with self._store.write() as connection:
            insert_events(connection, _of_the_living(connection, events))
        return len(events)

    def _expire(self, kind: EventType, before: float) -> int:
        old = select(EVENT.c.place).where(EVENT.c.type == kind, EVENT.c.at < before)
        with self._store.write() as connection:
            chunk = old.order_by(EVENT.c.at).limit(_CHUNK).scalar_subquery()
            return connection.execute(delete(EVENT).where(EVENT.c.place.in_(chunk))).rowcount


class EventHistory:
    """Events as operators read them; sync."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def history(self, submission_id: str) -> tuple[Event, ...]:
        """Return all that happened to a submission, oldest first; raise StoreAway."""
        query = select(EVENT).where(EVENT.c.submission_id == submission_id, OF_A_SUBMISSION)
        return self._fetch(query.order_by(EVENT.c.at, EVENT.c.id))

    def recent(self, account_id: int, limit: int = 100, types: Iterable[EventType] = ()) -> tuple[Event, ...]:
        """Return an account's latest events, newest first, of these types or of all; raise StoreAway."""
        query = select(EVENT).where(EVENT.c.account_id == account_id)
        wanted = [str(one) for one in types]
        if wanted:
            query = query.where(EVENT.c.type.in_(wanted))
        return self._fetch(query.order_by(EVENT.c.at.desc(), EVENT.c.id.desc()).limit(limit))

    def _fetch(self, query: Select[tuple[object, ...]]) -> tuple[Event, ...]:
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        return tuple(self._open(sealed_event(row)) for row in rows)

    def _open(self, sealed: SealedEvent) -> Event:
        try:
            return open_event(sealed, self._keyring.open)
        except KeyError:  # the account was deleted with its key: what is left names nobody
            return closed_event(sealed)


def insert_events(connection: Connection, events: Sequence[SealedEvent]) -> None:
    """Add events within a transaction; those that are known already change nothing."""
    if events:
        dialect.commit_in_order(connection)
        statement = dialect.insert_new(connection, EVENT)
        dialect.insert_rows(connection, statement, [_row(event) for event in events])


def _of_the_living(connection: Connection, events: Sequence[SealedEvent]) -> Sequence[SealedEvent]:
    """Leave out what a worker still had of accounts whose erasure has begun."""
    erased = select(ERASURE.c.account_id).where(
        ERASURE.c.kind == "account", ERASURE.c.account_id.in_({event.account_id for event in events})
    )
    gone = set(connection.execute(erased).scalars())
    return [event for event in events if event.account_id not in gone] if gone else events


def _row(event: SealedEvent) -> tuple[object, ...]:
    """Return the values in the order of the table's columns, but for the place."""
    return (
        event.id,
        str(event.type),
        event.at,
        event.account_id,
        event.submission_id,
        event.delivery_number,
        event.list_id,
        event.facts,
        event.data,
    )


def sealed_event(row: Row[tuple[object, ...]]) -> SealedEvent:
    """Return the event of a row of the whole table."""
    values: Sequence[Any] = row  # by their places, because names cost three times as much
    return SealedEvent(values[1], EventType(values[2]), *values[3:])
