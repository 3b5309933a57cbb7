"""Webhooks at rest: who is told, at which URL, and up to which place it was done.

What it promises: URL and secret are sealed with the account's key; a new webhook is told what happens from
now on; progress only goes forwards, whoever writes it; giving one up is one transaction with the event that
says so. What is added, removed or enabled is seen within a second (the revision). It fails with StoreAway
and with StoreRefusal.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import structlog
from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import AccountState
from gateway.model.notice import NoticeType
from gateway.model.webhook import (
    OCTETS,
    SECRET_OCTETS,
    BadUrl,
    Retired,
    Webhook,
    WebhookState,
    check_url,
    webhook_id,
    webhook_secret,
)
from gateway.ports import Keyring
from gateway.store.account_rows import bump_revision
from gateway.store.database import Store
from gateway.store.event_ids import EventIds
from gateway.store.events import insert_events
from gateway.store.refusals import BadName, NoSuchWebhook, TooMany
from gateway.store.schema import ACCOUNT, EVENT, WEBHOOK

log = structlog.get_logger(__name__)

MOST = 10  # webhooks of one account

Octets = Callable[[int], bytes]


class Webhooks:
    """The webhooks of all accounts: what operators do, and webhooks.book.WebhookBook; blocks."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._octets = octets
        self._ids = EventIds(octets)

    def add(self, account_id: int, url: str, types: frozenset[NoticeType], now: float) -> Webhook:
        """Make a webhook for what happens from now on; raise BadName, TooMany, StoreAway."""
        try:
            check_url(url)
        except BadUrl as error:
            raise BadName(f"the URL cannot be used: {error}") from error
        octets = self._octets(OCTETS)
        made, secret = webhook_id(octets), webhook_secret(octets)
        sealed = self._keyring.seal(account_id, _to_json(url, secret, ()), _context(made))
        with self._store.write() as connection:
            if _count(connection, account_id) >= MOST:
                raise TooMany(f"an account has {MOST} webhooks at most: remove one first")
            row = WEBHOOK.insert().values(
                id=made,
                account_id=account_id,
                types=" ".join(sorted(types)),
                sealed=sealed,
                state=str(WebhookState.ACTIVE),
                place=int(connection.execute(select(func.max(EVENT.c.place))).scalar_one() or 0),
                failures=0,
                due_at=0.0,
                failure="",
                created_at=now,
            )
            connection.execute(row)
            bump_revision(connection)
        return self.find(made)

    def of_account(self, account_id: int) -> tuple[Webhook, ...]:
        """Return an account's webhooks, disabled ones too, in the order of their making; raise StoreAway."""
        return tuple(self._select(WEBHOOK.c.account_id == account_id))

    def find(self, which: str) -> Webhook:
        """Return a webhook; raise NoSuchWebhook, StoreAway."""
        found = next(self._select(WEBHOOK.c.id == which), None)
        if found is None:
            raise NoSuchWebhook(f"there is no webhook {which}")
        return found

    def remove(self, which: str) -> None:
        """Tell it nothing more; raise NoSuchWebhook, StoreAway."""
        with self._store.write() as connection:
            if not connection.execute(WEBHOOK.delete().where(WEBHOOK.c.id == which)).rowcount:
                raise NoSuchWebhook(f"there is no webhook {which}")
            bump_revision(connection)

    def enable(self, which: str) -> Webhook:
        """Try it again at once, from where it was; return it as it was. Raise NoSuchWebhook, StoreAway."""
        before = self.find(which)
        with self._store.write() as connection:
            self._change(connection, which, _FRESH | {"state": str(WebhookState.ACTIVE)})
            bump_revision(connection)
        return before

    def rotate(self, which: str, now: float) -> Webhook:
        """Give it a new secret; the old one signs too for a day. Raise NoSuchWebhook, StoreAway."""
        fresh = self._octets(SECRET_OCTETS)
        with self._store.write() as connection:
            row = connection.execute(select(WEBHOOK).where(WEBHOOK.c.id == which)).one_or_none()
            if row is None:
                raise NoSuchWebhook(f"there is no webhook {which}")
            after = self._open(row).rotated(fresh, now)
            plain = _to_json(after.url, after.secret, after.retired)
            self._change(
                connection, which, {"sealed": self._keyring.seal(row.account_id, plain, _context(which))}
            )
            bump_revision(connection)
        return after

    def active(self) -> Sequence[Webhook]:
        """Return those that are to be told; raise StoreAway."""
        state, cancelled = str(WebhookState.ACTIVE), str(AccountState.CANCELLED)
        living = select(ACCOUNT.c.id).where(ACCOUNT.c.state != cancelled)
        return tuple(self._select((WEBHOOK.c.state == state) & WEBHOOK.c.account_id.in_(living)))

    def told(self, webhook: Webhook, place: int, now: float) -> Webhook:
        """Keep that it was told everything up to a place; raise StoreAway."""
        with self._store.write() as connection:
            behind = WEBHOOK.c.place < place
            values = _FRESH | {"place": place, "told_at": now}
            connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == webhook.id, behind).values(values))
        return replace(
            webhook, place=place, told_at=now, failures=0, failing_since=None, failure="", due_at=0.0
        )

    def passed(self, webhook: Webhook, place: int) -> Webhook:
        """Keep that nothing up to a place is for it; raise StoreAway."""
        with self._store.write() as connection:
            behind = WEBHOOK.c.place < place
            connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == webhook.id, behind).values(place=place))
        return replace(webhook, place=place)

    def failed(self, webhook: Webhook, why: str, due_at: float, now: float) -> Webhook:
        """Keep that it failed, and when it is to be tried again; raise StoreAway."""
        after = replace(
            webhook,
            failures=webhook.failures + 1,
            failing_since=webhook.failing_since or now,
            failure=why,
            due_at=due_at,
        )
        values = {name: getattr(after, name) for name in ("failures", "failing_since", "failure", "due_at")}
        with self._store.write() as connection:
            self._change(connection, webhook.id, values)
        return after

    def disable(self, webhook: Webhook, why: str, now: float) -> None:
        """Give it up, with the event that says so; raise StoreAway."""
        facts = {"webhook": webhook.id, "reason": why}
        event = Event(self._ids.next(now), EventType.WEBHOOK, now, webhook.account_id, facts=facts)
        with self._store.write() as connection:
            values = {"state": str(WebhookState.DISABLED), "failure": why, "failures": webhook.failures + 1}
            self._change(connection, webhook.id, values | {"failing_since": webhook.failing_since or now})
            insert_events(connection, [seal_event(event, self._keyring.seal)])
            bump_revision(connection)

    @staticmethod
    def _change(connection: Connection, which: str, values: dict[str, object]) -> None:
        connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == which).values(values))

    def _select(self, which: ColumnElement[bool]) -> Iterator[Webhook]:
        query = select(WEBHOOK).where(which).order_by(WEBHOOK.c.created_at, WEBHOOK.c.id)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            try:
                yield self._open(row)
            except (KeyError, ValueError):
                # The account's key is gone, or the row was tampered with: the others are told all the same.
                log.exception("webhook cannot be opened", webhook=row.id, account=row.account_id)

    def _open(self, row: Row[tuple[object, ...]]) -> Webhook:
        values = json.loads(self._keyring.open(row.account_id, row.sealed, _context(row.id)))
        known = set(NoticeType)
        return Webhook(
            row.id,
            row.account_id,
            values["url"],
            base64.b64decode(values["secret"]),
            frozenset(NoticeType(one) for one in row.types.split() if one in known),
            WebhookState(row.state),
            row.place,
            row.failures,
            row.failing_since,
            row.due_at,
            row.failure,
            row.told_at,
            row.created_at,
            tuple(
                Retired(base64.b64decode(one["secret"]), one["until"]) for one in values.get("retired", ())
            ),
        )


def _to_json(url: str, secret: bytes, retired: Sequence[Retired]) -> bytes:
    values: dict[str, object] = {"url": url, "secret": base64.b64encode(secret).decode("ascii")}
    if retired:
        values["retired"] = [
            {"secret": base64.b64encode(one.secret).decode("ascii"), "until": one.until} for one in retired
        ]
    return json.dumps(values).encode()


_FRESH: dict[str, object] = {"failures": 0, "failing_since": None, "failure": "", "due_at": 0.0}


def _count(connection: Connection, account_id: int) -> int:
    query = select(func.count()).select_from(WEBHOOK).where(WEBHOOK.c.account_id == account_id)
    return int(connection.execute(query).scalar_one())


def _context(which: str) -> bytes:
    return b"webhook:" + which.encode()
