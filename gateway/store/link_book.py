"""Which hosts the senders' own ways out ask, out of the events; and what was found there, into them. Blocks.

What it promises: it goes by ``place``, as all readers of events do (decision 11); one reading is a bounded
number of rows. A finding is one event for each account, host and day, whoever writes it how often: its id is
made of these three. It fails with StoreAway.
"""

import hashlib
import json

from sqlalchemy import func, select

from gateway.model.events import Event, EventType, seal_event
from gateway.model.identity import new_id
from gateway.model.mention import Mention, Mentions
from gateway.ports import Keyring
from gateway.store.database import Store
from gateway.store.events import insert_events
from gateway.store.schema import EVENT

_LOOK = 5000  # events in one reading
_DAY = 86_400


class StoreLinkBook:
    """linkcheck.book.LinkBook over the store."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def end(self) -> int:
        """Return the place behind everything that there is; raise StoreAway."""
        with self._store.read() as connection:
            return int(connection.execute(select(func.max(EVENT.c.place))).scalar_one() or 0)

    def after(self, place: int) -> Mentions:
        """Return the next mentions; raise StoreAway."""
        columns = (EVENT.c.place, EVENT.c.type, EVENT.c.account_id, EVENT.c.submission_id, EVENT.c.list_id)
        query = select(*columns, EVENT.c.facts).where(EVENT.c.place > place).order_by(EVENT.c.place)
        with self._store.read() as connection:
            rows = connection.execute(query.limit(_LOOK)).all()
        found = []
        for row in rows:
            place = row.place
            host = json.loads(row.facts).get("way_out_host") if row.type == EventType.RECEPTION else None
            if host:
                found.append(Mention(host, row.account_id, row.submission_id, row.list_id))
        return Mentions(tuple(found), place)

    def record(self, mention: Mention, why: str, now: float) -> None:
        """Keep that nobody answers there; raise StoreAway."""
        today = now - now % _DAY
        named = hashlib.blake2b(f"{mention.account_id}:{mention.host}".encode(), digest_size=10).digest()
        event = Event(
            new_id(today, named),
            EventType.TAMPERING,
            now,
            mention.account_id,
            mention.submission_id,
            list_id=mention.list_id,
            facts={"verdict": "broken", "rule": "dead-host", "host": mention.host, "why": why},
        )
        with self._store.write() as connection:
            insert_events(connection, [seal_event(event, self._keyring.seal)])
