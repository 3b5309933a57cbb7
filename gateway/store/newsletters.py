"""How newsletters went, counted from the events of their messages; sync.

What it promises: an event counts for the day on which its message was taken, whenever it comes: the id of a
submission begins with its time, so that a day of a list is one range of the index that this reads. A copy
counts once in each column, however often it was tried. Reading is work in the measure of the mail of the days
that are shown. What has expired ([store] keep_events) is not counted any more. It fails with StoreAway.
"""

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, select

from gateway.model.events import EventType
from gateway.model.facts import SubscriptionState
from gateway.model.newsletter import Figures, Newsletter, day_of, first_id
from gateway.store.database import Store
from gateway.store.json_dialect import number_in
from gateway.store.schema import EVENT

_COPIES = {
    EventType.DELIVERY: "delivered",
    EventType.TRANSIENT_FAILURE: "deferred",
    EventType.BOUNCE: "bounced",
    EventType.EXPIRATION: "expired",
    EventType.ADMIN_BOUNCE: "stopped",
}
_READERS = {
    str(SubscriptionState.UNSUBSCRIBED): "unsubscribed",
    str(SubscriptionState.COMPLAINED): "complained",
}
_FIRST = first_id(1)  # what is of no submission is smaller


class StoreNewsletters:
    """The newsletters of all accounts, each for itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, account_id: int, list_id: int, before: int, limit: int) -> Sequence[Newsletter]:
        """Return newsletters of a list, the latest first, of days before a day."""
        found: list[Newsletter] = []
        with self._store.read() as connection:
            while len(found) < limit:
                day = _day_before(connection, account_id, list_id, before)
                if day is None:
                    break
                found.append(Newsletter(list_id, day, _figures(connection, account_id, list_id, day)))
                before = day
        return found


def _day_before(connection: Connection, account_id: int, list_id: int, before: int) -> int | None:
    """Return the latest day with mail before a day: one seek in the index."""
    this = EVENT.c
    query = select(func.max(this.submission_id)).where(
        this.account_id == account_id,
        this.list_id == list_id,
        this.submission_id < first_id(before),
        this.submission_id >= _FIRST,
    )
    last = connection.execute(query).scalar_one()
    return None if last is None else day_of(last)


def _figures(connection: Connection, account_id: int, list_id: int, day: int) -> Figures:
    here = and_(
        EVENT.c.account_id == account_id,
        EVENT.c.list_id == list_id,
        EVENT.c.submission_id >= first_id(day),
        EVENT.c.submission_id < first_id(day + 1),
    )
    counts = _copies(connection, here) | _readers(connection, here)
    taken = func.sum(number_in(connection, EVENT.c.facts, "recipients"))
    accepted = connection.execute(select(taken).where(here, EVENT.c.type == str(EventType.RECEPTION)))
    return Figures(accepted=int(accepted.scalar_one() or 0), **counts)


def _copies(connection: Connection, here: ColumnElement[bool]) -> dict[str, int]:
    """Count copies by what became of them; the index alone answers."""
    this = EVENT.c
    wanted = this.type.in_([str(kind) for kind in _COPIES])
    each = select(this.type, this.submission_id, this.delivery_number).where(here, wanted).distinct()
    table = each.subquery()
    rows = connection.execute(select(table.c.type, func.count()).group_by(table.c.type))
    return {_COPIES[EventType(kind)]: count for kind, count in rows}


def _readers(connection: Connection, here: ColumnElement[bool]) -> dict[str, int]:
    """Count those who left or complained by a link of a message, each once."""
    kinds = [str(EventType.SUBSCRIPTION), str(EventType.FEEDBACK)]
    people: dict[str, set[str]] = {column: set() for column in _READERS.values()}
    for (text,) in connection.execute(select(EVENT.c.facts).where(here, EVENT.c.type.in_(kinds))):
        facts = json.loads(text)
        column = _READERS.get(facts.get("state", ""))
        if column:
            people[column].add(facts["subscriber"])
    return {column: len(hashes) for column, hashes in people.items()}
