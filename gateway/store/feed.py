"""What happened to an account, in the order in which it came to the store: what webhooks and the API tell.

What it promises: whoever goes on from where a page ended misses nothing and sees nothing twice, although
events come late and out of order: a page goes by ``place``, which grows in the order of the commits. A page
is bounded work: it looks at a bounded number of events, and may hold fewer notices than it was asked for and
yet not be the last. It fails with StoreAway. An event that cannot be opened is told without its addresses.

A cursor is a place, encrypted by the account's own key: it opens for no other account, and does not tell how
much the others send.
"""

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Row, Select, func, select, union_all

from gateway.model.events import Event, EventType, closed_event, unclose
from gateway.model.notice import Names, Notice, NoticeType, event_types, notice_of, notice_type
from gateway.ports import BadCursor, Page
from gateway.store.database import Store
from gateway.store.events import sealed_event
from gateway.store.keys import StoreKeyring
from gateway.store.schema import EVENT, MAIL_LIST, SUBSCRIPTION
from gateway.store.subscription_rows import Bond, open_details

log = structlog.get_logger(__name__)

_CHUNK = 200  # events in one query, at least
_LOOK = 2000  # events that one page looks at, about
_CONTEXT = b"event cursor"

_Row = Row[tuple[object, ...]]
_Whom = tuple[str, int | None]  # the hash of an address in hex, and the number of a list


class _Looked(NamedTuple):
    """An event that was looked at, and is not opened yet."""

    place: int
    event: Event
    sealed: bytes


@dataclass(slots=True)
class _Found:
    """What one page's reading came upon."""

    place: int  # everything up to here was looked at
    events: list[_Looked] = field(default_factory=list)
    more: bool = True


@dataclass(frozen=True, slots=True)
class _Register:
    """What the events have by number or hash: List-Ids, and sealed addresses."""

    lists: Mapping[int, str]
    subscribers: Mapping[_Whom, bytes]


class StoreFeed:
    """ports.EventFeed over the store; blocks."""

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._keyring = keyring

    def page(self, account_id: int, after: int, wanted: Collection[NoticeType], limit: int) -> Page:
        """Return what came after a place, oldest first; raise StoreAway."""
        with self._store.read() as connection:
            found = _look(connection, account_id, after, frozenset(wanted), limit)
            register = _Register(
                _list_names(connection, account_id), _subscribers(connection, account_id, found.events)
            )
        return Page(tuple(self._tell(found.events, register)), found.place, found.more)

    def cursor(self, account_id: int, place: int) -> str:
        """Return a place as the account's own programs keep it."""
        veiled = self._keyring.of(account_id).veil(place.to_bytes(8, "big"), _CONTEXT)
        return base64.urlsafe_b64encode(veiled).decode("ascii")

    def place(self, account_id: int, cursor: str) -> int:
        """Return the place of a cursor; raise BadCursor where it is none of this account's."""
        try:
            veiled = base64.b64decode(cursor, altchars=b"-_", validate=True)
            return int.from_bytes(self._keyring.of(account_id).unveil(veiled, _CONTEXT), "big")
        except ValueError as error:
            raise BadCursor from error

    def _tell(self, events: Sequence[_Looked], register: _Register) -> Iterator[Notice]:
        for looked in events:
            event = self._open(looked)
            mail_list = register.lists.get(event.list_id or 0)
            notice = notice_of(event, looked.place, Names(mail_list, self._subscriber(event, register)))
            if notice is not None:
                yield notice

    def _open(self, looked: _Looked) -> Event:
        try:
            return unclose(looked.event, looked.sealed, self._keyring.open)
        except (KeyError, ValueError):
            # One that was tampered with must not stop all that come after it.
            log.exception("event cannot be opened", event_id=looked.event.id, account=looked.event.account_id)
            return looked.event

    def _subscriber(self, event: Event, register: _Register) -> str | None:
        """Return the address behind an event that has its hash only; None when it was erased since."""
        whom = _whom(event)
        sealed = register.subscribers.get(whom)
        if sealed is None:
            return None
        bond = Bond(event.account_id, whom[1] or 0, bytes.fromhex(whom[0]))
        try:
            return open_details(self._keyring.open(event.account_id, sealed, bond.context))[0]
        except (KeyError, ValueError):
            log.exception("subscription cannot be opened", account=event.account_id, list=whom[1])
            return None


def _look(
    connection: Connection, account_id: int, after: int, wanted: frozenset[NoticeType], limit: int
) -> _Found:
    """Read on from a place until there is enough, or nothing more, or a bounded number was looked at."""
    # What is committed later has a place beyond this one, and is the next page's: a server may show it to the
    # queries behind this one. A cursor that is beyond it already is from before a backup was put back.
    end = int(connection.execute(select(func.max(EVENT.c.place))).scalar_one() or 0)
    found, kinds, chunk = _Found(min(after, end)), event_types(wanted), max(limit, _CHUNK)
    for _ in range(max(1, _LOOK // chunk)):
        span = (found.place, end)
        rows = connection.execute(_following(account_id, span, kinds, chunk)).all() if kinds else []
        for row in rows:
            if len(found.events) == limit:
                return found
            sealed = sealed_event(row)
            event = closed_event(sealed)
            found.place = row.place
            if notice_type(event) in wanted:
                found.events.append(_Looked(row.place, event, sealed.data))
        if len(rows) < chunk:
            found.place, found.more = end, False
            break
    return found


def _following(
    account_id: int, span: tuple[int, int], kinds: Collection[EventType], limit: int
) -> Select[tuple[object, ...]]:
    """Ask for the next events of these types, beyond the span's first place and not beyond its last.

    A seek for each type in the index, so that others cost nothing.
    """
    seeks = [
        select(EVENT.c.place)
        .where(EVENT.c.account_id == account_id, EVENT.c.type == str(kind))
        .where(EVENT.c.place > span[0], EVENT.c.place <= span[1])
        .order_by(EVENT.c.place)
        .limit(limit)
        .subquery()
        for kind in sorted(kinds)
    ]
    places = union_all(*(select(seek.c.place) for seek in seeks)).subquery()
    next_ones = select(places.c.place).order_by(places.c.place).limit(limit)
    return select(EVENT).where(EVENT.c.place.in_(next_ones.scalar_subquery())).order_by(EVENT.c.place)


def _whom(event: Event) -> _Whom:
    return str(event.facts.get("subscriber", "")), event.list_id


def _list_names(connection: Connection, account_id: int) -> dict[int, str]:
    query = select(MAIL_LIST.c.id, MAIL_LIST.c.list_id).where(MAIL_LIST.c.account_id == account_id)
    return {row.id: row.list_id for row in connection.execute(query)}


def _subscribers(connection: Connection, account_id: int, events: Sequence[_Looked]) -> dict[_Whom, bytes]:
    """Return the sealed addresses of those whom events have by their hash."""
    named = {_whom(looked.event)[0] for looked in events}
    hashes = [bytes.fromhex(one) for one in named if one]
    if not hashes:
        return {}
    query = select(SUBSCRIPTION.c.address_hash, SUBSCRIPTION.c.list_id, SUBSCRIPTION.c.sealed).where(
        SUBSCRIPTION.c.account_id == account_id, SUBSCRIPTION.c.address_hash.in_(hashes)
    )
    return {(row.address_hash.hex(), row.list_id): row.sealed for row in connection.execute(query)}
