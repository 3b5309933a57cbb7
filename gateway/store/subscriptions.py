"""Subscriptions, as the web pages and the command line change them; sync.

What it promises: ``bond`` decides what may change; each change, its entry in the consent
ledger and its event are one transaction; doing a
thing twice changes nothing the second time and tells the date of the first. It fails with StoreAway, and with
a ``StoreRefusal`` that says what is wrong: no such list, or a person who has left.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from gateway.model.address import Address
from gateway.model.events import EventType
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Act, Deed, Origin
from gateway.ports import Keyring
from gateway.store.bond import OF_THEIR_OWN_WILL, Change, Left, subscribe, why_left
from gateway.store.database import Store
from gateway.store.do_not_mail import OF_THEIR_OWN, kept_among, lift, why_kept
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.farewell import lift_farewell
from gateway.store.ledger import append
from gateway.store.loading import Job, Loaded, Loader, Progress
from gateway.store.person_sample import remember
from gateway.store.refusals import HasLeft
from gateway.store.schema import MAIL_LIST, PROVIDER_ID, SUBSCRIPTION
from gateway.store.subscription_rows import (
    Bond,
    Entry,
    Scribe,
    add_rows,
    change_row,
    check_list,
    enter_state,
    joined,
    open_details,
    seal_details,
    standing,
)

_S = SubscriptionState


def _in_silence(_: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A subscription as operators read it. Times are seconds since the epoch."""

    list_id: int
    list_name: str  # its List-Id
    state: SubscriptionState
    basis: Basis
    address: str
    source: str
    created_at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Done now."""

    since: float


@dataclass(frozen=True, slots=True)
class AlreadyUnsubscribed:
    """They had left before; ``since`` is when."""

    since: float


@dataclass(frozen=True, slots=True)
class Complained:
    """Marked now."""

    since: float


@dataclass(frozen=True, slots=True)
class AlreadyComplained:
    """They had complained before; ``since`` is when."""

    since: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no such subscription."""


class Subscriptions:
    """The subscriptions of all accounts."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._scribe = Scribe(keyring, EventIds(octets))

    def add(  # noqa: PLR0917 - what there is to say of one; callers name them
        self,
        account_id: int,
        list_id: int,
        address: Address,
        basis: Basis,
        origin: Origin,
        now: float,
        state: SubscriptionState = SubscriptionState.CONFIRMED,
    ) -> Change:
        """Subscribe an address; raise HasLeft, NoSuchList, StoreAway."""
        bond = Bond(account_id, list_id, self._keyring.address_hash(account_id, address.identity))
        plain = seal_details(str(address), origin.source)
        entry = Entry(bond, state, basis, self._keyring.seal(account_id, plain, bond.context))
        event = self._scribe.subscribed(entry, str(address), origin.source, now)
        person = self._keyring.address_hash(PROVIDER_ID, address.identity)
        with self._store.write() as connection:
            check_list(connection, account_id, list_id)
            if basis not in OF_THEIR_OWN and (kept := kept_among(connection, [person])):
                raise HasLeft(why_kept(kept[person]))
            before = standing(connection, bond)
            change = subscribe(before, state, basis)
            if isinstance(change, Left):
                raise HasLeft(why_left(change))
            if before is None:
                add_rows(connection, [entry], now)
                remember(connection, account_id, list_id, [person])
            elif change is Change.CHANGED:
                change_row(connection, entry, before, now)
            if basis is Basis.DOUBLE_OPT_IN and state is _S.CONFIRMED:
                lift_farewell(connection, account_id, bond.address_hash)
                lift(connection, person)
            if change is not Change.UNCHANGED:
                deed = joined(entry, str(address), origin)
                append(connection, self._keyring, account_id, [deed], now)
                insert_events(connection, [event])
            return change

    def load(  # noqa: PLR0917 - what there is to say of one; callers name them
        self,
        account_id: int,
        list_id: int,
        addresses: Iterable[str],
        basis: Basis,
        origin: Origin,
        now: float,
        progress: Progress = _in_silence,
    ) -> Loaded:
        """Subscribe an address a line; ``progress`` hears after each batch how many lines are done.

        Raise NoSuchList, StoreAway; the batches before are kept then.
        """
        job = Job(account_id, list_id, basis, origin, now)
        return Loader(self._store, self._keyring, self._scribe, job).run(addresses, progress)

    def show(self, account_id: int, address: Address) -> tuple[Shown, ...]:
        """Return all subscriptions of an address at an account, by list; raise StoreAway."""
        address_hash = self._keyring.address_hash(account_id, address.identity)
        query = (
            select(SUBSCRIPTION, MAIL_LIST.c.list_id.label("list_name"))
            .outerjoin(MAIL_LIST, MAIL_LIST.c.id == SUBSCRIPTION.c.list_id)
            .where(SUBSCRIPTION.c.account_id == account_id, SUBSCRIPTION.c.address_hash == address_hash)
            .order_by(SUBSCRIPTION.c.list_id)
        )
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        shown = []
        for row in rows:
            context = Bond(account_id, row.list_id, address_hash).context
            written, source = open_details(self._keyring.open(account_id, row.sealed, context))
            shown.append(
                Shown(
                    row.list_id,
                    row.list_name or "",
                    SubscriptionState(row.state),
                    Basis(row.basis),
                    written,
                    source,
                    row.created_at,
                    row.changed_at,
                )
            )
        return tuple(shown)

    def unsubscribe(  # noqa: PLR0917 - what there is to say of one
        self,
        account_id: int,
        list_id: int,
        address_hash: bytes,
        now: float,
        origin: Origin,
        submission_id: str = "",
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """Take an address off a list; raise StoreAway."""
        bond = Bond(account_id, list_id, address_hash)
        with self._store.write() as connection:
            before = standing(connection, bond)
            match before:
                case None:
                    return Unknown()
                case _ if before.state in OF_THEIR_OWN_WILL:
                    return AlreadyUnsubscribed(before.since)
            enter_state(connection, bond, _S.UNSUBSCRIBED, now, str(before.state))
            deed = Deed(Act.UNSUBSCRIBED, list_id, address_hash, origin)
            append(connection, self._keyring, account_id, [deed], now)
            event = self._scribe.moved(
                EventType.SUBSCRIPTION, bond, _S.UNSUBSCRIBED, origin.via, now, submission_id
            )
            insert_events(connection, [event])
        return Unsubscribed(now)

    def report(  # noqa: PLR0917 - what there is to say of one
        self,
        account_id: int,
        list_id: int,
        address_hash: bytes,
        now: float,
        origin: Origin,
        submission_id: str = "",
    ) -> Complained | AlreadyComplained | Unknown:
        """Mark that they reported the sender: stronger than leaving. Raise StoreAway."""
        bond = Bond(account_id, list_id, address_hash)
        with self._store.write() as connection:
            before = standing(connection, bond)
            match before:
                case None:
                    return Unknown()
                case _ if before.state is _S.COMPLAINED:
                    return AlreadyComplained(before.since)
            enter_state(connection, bond, _S.COMPLAINED, now)
            deed = Deed(Act.COMPLAINED, list_id, address_hash, origin)
            append(connection, self._keyring, account_id, [deed], now)
            event = self._scribe.moved(
                EventType.FEEDBACK, bond, _S.COMPLAINED, origin.via, now, submission_id
            )
            insert_events(connection, [event])
        return Complained(now)
