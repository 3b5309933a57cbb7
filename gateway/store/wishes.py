"""What the pages do beyond leaving one list: leaving a sender, a pause, and taking either back; sync.

What it promises: each is one transaction with its entries in the consent ledger and its events. An undo
brings back the state that the leaving ended, with its basis and its proof untouched, only where nothing
happened since: it names the moment that it undoes, and never takes a complaint back. Fails with StoreAway.
"""

import os
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from gateway.model.events import EventType
from gateway.model.facts import SubscriptionState
from gateway.model.ledger import Act, Deed, Origin
from gateway.ports import Keyring
from gateway.store.bond import OF_THEIR_OWN_WILL
from gateway.store.database import Store
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.farewell import lift_farewell, say_farewell
from gateway.store.ledger import append
from gateway.store.schema import SUBSCRIPTION
from gateway.store.subscription_rows import Bond, Scribe, enter_state, standing
from gateway.store.subscriptions import AlreadyUnsubscribed, Unknown, Unsubscribed

_S = SubscriptionState
_GONE = OF_THEIR_OWN_WILL


@dataclass(frozen=True, slots=True)
class Paused:
    """The pause stands."""

    until: float


@dataclass(frozen=True, slots=True)
class Undone:
    """What was done is taken back."""


@dataclass(frozen=True, slots=True)
class NothingToUndo:
    """Something has happened since, or it was taken back before."""


class Wishes:
    """Leaving all lists of an account, pauses, undo."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._scribe = Scribe(keyring, EventIds(octets))

    def leave_all(
        self, bond: Bond, now: float, origin: Origin
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """Take the address of a subscription off every list of its account, and off those that will be.

        A suppression stands for the lists to come; the owner's own confirmation lifts it.
        """
        with self._store.write() as connection:
            before = standing(connection, bond)
            if before is None:
                return Unknown()
            left = [one for one in _bonds(connection, bond) if one[1] not in _GONE]
            for one, state in left:
                enter_state(connection, one, _S.UNSUBSCRIBED, now, str(state))
            new = say_farewell(connection, bond.account_id, bond.address_hash, now)
            deeds = [_deed(Act.UNSUBSCRIBED, one, origin) for one, _ in left]
            if new:
                deeds.append(_deed(Act.UNSUBSCRIBED, bond.of_all_lists, origin))
            append(connection, self._keyring, bond.account_id, deeds, now)
            moved = [
                self._scribe.moved(EventType.SUBSCRIPTION, one, _S.UNSUBSCRIBED, origin.via, now)
                for one, _ in left
            ]
            insert_events(connection, moved)
        return Unsubscribed(now) if left or new else AlreadyUnsubscribed(before.since)

    def pause(
        self, bond: Bond, until: float, now: float, origin: Origin
    ) -> Paused | AlreadyUnsubscribed | Unknown:
        """Stop a list's mail for a while; a pause that is on already is replaced."""
        with self._store.write() as connection:
            before = standing(connection, bond)
            match before:
                case None:
                    return Unknown()
                case _ if before.state in _GONE:
                    return AlreadyUnsubscribed(before.since)
            connection.execute(update(SUBSCRIPTION).where(bond.here).values(paused_until=until))
            deed = _deed(Act.PAUSED, bond, origin, until=until)
            append(connection, self._keyring, bond.account_id, [deed], now)
            insert_events(connection, [self._scribe.paused(bond, until, origin.via, now)])
        return Paused(until)

    def undo_leaving(self, bond: Bond, left_at: float, now: float, origin: Origin) -> Undone | NothingToUndo:
        """Take back what was left at exactly ``left_at``; a ``list_id`` of 0: all lists of the account."""
        with self._store.write() as connection:
            found = connection.execute(
                select(SUBSCRIPTION.c.list_id, SUBSCRIPTION.c.left_from).where(
                    SUBSCRIPTION.c.account_id == bond.account_id,
                    SUBSCRIPTION.c.address_hash == bond.address_hash,
                    SUBSCRIPTION.c.state == str(_S.UNSUBSCRIBED),
                    SUBSCRIPTION.c.changed_at == left_at,
                    SUBSCRIPTION.c.left_from != "",
                )
            ).all()
            back = [
                (Bond(bond.account_id, list_id, bond.address_hash), _S(left_from))
                for list_id, left_from in found
                if bond.list_id in {0, list_id}
            ]
            for one, state in back:
                enter_state(connection, one, state, now)
            lifted = bond.list_id == 0 and lift_farewell(
                connection, bond.account_id, bond.address_hash, left_at
            )
            deeds = [_deed(Act.UNDONE, one, origin, state=str(state)) for one, state in back]
            if lifted:
                deeds.append(_deed(Act.UNDONE, bond.of_all_lists, origin))
            append(connection, self._keyring, bond.account_id, deeds, now)
            moved = [
                self._scribe.moved(EventType.SUBSCRIPTION, one, state, "undo", now) for one, state in back
            ]
            insert_events(connection, moved)
        return Undone() if back or lifted else NothingToUndo()

    def undo_pause(self, bond: Bond, until: float, now: float, origin: Origin) -> Undone | NothingToUndo:
        """End the pause that lasts until exactly ``until``."""
        with self._store.write() as connection:
            ended = connection.execute(
                update(SUBSCRIPTION)
                .where(bond.here, SUBSCRIPTION.c.paused_until == until)
                .values(paused_until=0.0)
            ).rowcount
            if ended:
                append(connection, self._keyring, bond.account_id, [_deed(Act.RESUMED, bond, origin)], now)
                insert_events(connection, [self._scribe.paused(bond, 0.0, "undo", now)])
        return Undone() if ended else NothingToUndo()


def _deed(act: Act, bond: Bond, origin: Origin, **facts: str | float) -> Deed:
    return Deed(act, bond.list_id, bond.address_hash, origin, facts)


def _bonds(connection: Connection, bond: Bond) -> list[tuple[Bond, SubscriptionState]]:
    """Return all subscriptions of the address at the account."""
    rows = connection.execute(
        select(SUBSCRIPTION.c.list_id, SUBSCRIPTION.c.state)
        .where(SUBSCRIPTION.c.account_id == bond.account_id, SUBSCRIPTION.c.address_hash == bond.address_hash)
        .order_by(SUBSCRIPTION.c.list_id)
    )
    return [(Bond(bond.account_id, list_id, bond.address_hash), _S(state)) for list_id, state in rows]
