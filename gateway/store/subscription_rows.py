"""Subscriptions as rows: what is sealed in them, and the events of their changes."""

import dataclasses
from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Connection, and_, select, update

from gateway.model.events import Event, EventType, Scalar, SealedEvent, seal_event
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Act, Deed, Origin, subscription_context
from gateway.model.values import dataclass
from gateway.ports import Keyring
from gateway.store import dialect
from gateway.store.bond import Standing
from gateway.store.event_ids import EventIds
from gateway.store.refusals import NoSuchList
from gateway.store.schema import MAIL_LIST, SUBSCRIPTION

_IN_ONE_QUERY = 1000


@dataclass(frozen=True, slots=True)
class Bond:
    """Which subscription: an address at a list of an account."""

    account_id: int
    list_id: int
    address_hash: bytes

    @property
    def context(self) -> bytes:
        """What its seal is bound to: it opens in no other row."""
        return subscription_context(self.list_id, self.address_hash)

    @property
    def of_all_lists(self) -> "Bond":
        """The same person, at the account as a whole."""
        return Bond(self.account_id, 0, self.address_hash)

    @property
    def here(self) -> ColumnElement[bool]:
        """The condition that only its row fulfils."""
        return and_(
            SUBSCRIPTION.c.account_id == self.account_id,
            SUBSCRIPTION.c.address_hash == self.address_hash,
            SUBSCRIPTION.c.list_id == self.list_id,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """What a subscription becomes."""

    bond: Bond
    state: SubscriptionState
    basis: Basis
    sealed: bytes


def joined(entry: Entry, address: str, origin: Origin) -> Deed:
    """Return what the consent ledger says of a new or changed subscription."""
    facts = {"address": address, "state": str(entry.state), "basis": str(entry.basis)}
    bond = entry.bond
    return Deed(_act(entry), bond.list_id, bond.address_hash, origin, facts)


def _act(entry: Entry) -> Act:
    if entry.basis is Basis.RECOMMENDED:
        return Act.RECOMMENDED
    if entry.state is SubscriptionState.PENDING:
        return Act.SIGNED_UP
    return Act.CONFIRMED if entry.basis is Basis.DOUBLE_OPT_IN else Act.ADDED


def seal_details(address: str, source: str) -> bytes:
    """Return what is to be sealed: neither text holds a NUL."""
    return f"{address}\0{source}".encode()


def open_details(plain: bytes) -> tuple[str, str]:
    """Return the address and the source."""
    address, _, source = plain.decode().partition("\0")
    return address, source


def check_list(connection: Connection, account_id: int, list_id: int) -> None:
    """Raise NoSuchList unless the list is the account's own."""
    query = select(MAIL_LIST.c.id).where(MAIL_LIST.c.id == list_id, MAIL_LIST.c.account_id == account_id)
    if connection.execute(query).one_or_none() is None:
        raise NoSuchList(f"account {account_id} has no list with the number {list_id}")


def standing(connection: Connection, bond: Bond) -> Standing | None:
    """Return a subscription as it stands, or None."""
    columns = (SUBSCRIPTION.c.state, SUBSCRIPTION.c.basis, SUBSCRIPTION.c.changed_at)
    row = connection.execute(select(*columns).where(bond.here)).one_or_none()
    return None if row is None else Standing(SubscriptionState(row[0]), Basis(row[1]), row[2])


def standings(
    connection: Connection, account_id: int, list_id: int, hashes: list[bytes]
) -> dict[bytes, Standing]:
    """Return those of many subscriptions that there are."""
    found: dict[bytes, Standing] = {}
    for start in range(0, len(hashes), _IN_ONE_QUERY):
        query = select(
            SUBSCRIPTION.c.address_hash, SUBSCRIPTION.c.state, SUBSCRIPTION.c.basis, SUBSCRIPTION.c.changed_at
        ).where(
            SUBSCRIPTION.c.account_id == account_id,
            SUBSCRIPTION.c.address_hash.in_(hashes[start : start + _IN_ONE_QUERY]),
            SUBSCRIPTION.c.list_id == list_id,
        )
        for address_hash, state, basis, since in connection.execute(query):
            found[address_hash] = Standing(SubscriptionState(state), Basis(basis), since)
    return found


def add_rows(connection: Connection, entries: Iterable[Entry], now: float) -> None:
    """Insert subscriptions that are not there."""
    rows: list[tuple[object, ...]] = [
        (
            entry.bond.account_id,
            entry.bond.address_hash,
            entry.bond.list_id,
            str(entry.state),
            str(entry.basis),
            entry.sealed,
            now,
            now,
            0.0,
            "",
        )
        for entry in entries
    ]
    if rows:
        dialect.insert_rows(connection, dialect.insert(connection, SUBSCRIPTION), rows)


def change_row(connection: Connection, entry: Entry, before: Standing, now: float) -> Standing:
    """Give a subscription a new state or a better basis; return it as it stands then."""
    since = before.since if before.state is entry.state else now
    connection.execute(
        update(SUBSCRIPTION)
        .where(entry.bond.here)
        .values(
            state=str(entry.state),
            basis=str(entry.basis),
            sealed=entry.sealed,
            changed_at=since,
            paused_until=0.0,  # who confirms anew wants mail now
            left_from="",
        )
    )
    return Standing(entry.state, entry.basis, since)


def enter_state(
    connection: Connection, bond: Bond, state: SubscriptionState, now: float, left_from: str = ""
) -> None:
    """Move a subscription to a state and leave all else; ``left_from``: what an undo may bring back."""
    connection.execute(
        update(SUBSCRIPTION).where(bond.here).values(state=str(state), changed_at=now, left_from=left_from)
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Scribe:
    """Writes the events of subscriptions."""

    keyring: Keyring
    ids: EventIds

    def subscribed(self, entry: Entry, address: str, source: str, now: float) -> SealedEvent:
        """Return the event of a new or changed subscription."""
        facts = {
            "state": str(entry.state),
            "basis": str(entry.basis),
            "subscriber": entry.bond.address_hash.hex(),
        }
        data = {"address": address, "source": source}
        return self._event(EventType.SUBSCRIPTION, entry.bond, now, facts, data)

    def pending(self, entry: Entry, now: float) -> SealedEvent:
        """Return the event of a sign-up, without an address: it outlives one that nobody confirms."""
        facts = {
            "state": str(entry.state),
            "basis": str(entry.basis),
            "subscriber": entry.bond.address_hash.hex(),
        }
        return self._event(EventType.SUBSCRIPTION, entry.bond, now, facts, {})

    def signed_up(self, bond: Bond, result: str, person: bytes, now: float) -> SealedEvent:
        """Return the event of a wish or of its answer; ``person``: the provider's hash."""
        facts = {"result": result} | ({"person": person.hex()} if person else {})
        return self._event(EventType.SIGN_UP, bond, now, facts, {})

    def moved(  # noqa: PLR0917 - what there is to say of one
        self,
        kind: EventType,
        bond: Bond,
        state: SubscriptionState,
        via: str,
        now: float,
        submission_id: str = "",
    ) -> SealedEvent:
        """Return the event of one who left; ``via`` is the way: one-click, page, feedback.

        ``submission_id``: the message whose link they used, where it was one.
        """
        facts = {"state": str(state), "via": via, "subscriber": bond.address_hash.hex()}
        return self._event(kind, bond, now, facts, {}, submission_id)

    def imported(self, where: Bond, added: int, changed: int, origin: Origin, now: float) -> SealedEvent:
        """Return the event of a batch of a load: one for all, for each row has its entry in the ledger."""
        facts: dict[str, Scalar] = {"via": origin.via, "added": added, "changed": changed}
        return self._event(EventType.IMPORT, where, now, facts, {"source": origin.source})

    def paused(self, bond: Bond, until: float, via: str, now: float) -> SealedEvent:
        """Return the event of a pause; ``until`` is 0.0 for one that was taken back."""
        facts: dict[str, Scalar] = {
            "state": str(SubscriptionState.CONFIRMED),
            "via": via,
            "paused_until": until,
            "subscriber": bond.address_hash.hex(),
        }
        return self._event(EventType.SUBSCRIPTION, bond, now, facts, {})

    def _event(  # noqa: PLR0917 - an event's own fields
        self,
        kind: EventType,
        bond: Bond,
        now: float,
        facts: Mapping[str, Scalar],
        data: dict[str, str],
        submission_id: str = "",
    ) -> SealedEvent:
        event = Event(
            id=self.ids.next(now),
            type=kind,
            at=now,
            account_id=bond.account_id,
            submission_id=submission_id,
            list_id=bond.list_id,
            facts=facts,
            data=data,
        )
        return seal_event(event, self.keyring.seal)
