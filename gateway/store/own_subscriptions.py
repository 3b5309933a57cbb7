"""An account's subscriptions, as its own programs add, look up, list and end them; sync.

What it promises: an addition is a statement that the account's consent level allows, or a question to the
person; its evidence goes into the consent ledger, and whoever has left comes back by their own yes only. A
page of a listing is bounded work: it looks at a bounded number of rows, so that it may hold fewer than it was
asked for and yet not be the last. It fails with StoreAway; what is refused is a value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from gateway.model.addition import Then
from gateway.model.address import parse_address
from gateway.model.facts import Account, Basis, ConsentLevel, SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.signup import Fate, Terms, Wish
from gateway.model.subscriber import Added, Mode, Statement, Subscriber
from gateway.ports import Keyring
from gateway.store.account_rows import read_account
from gateway.store.additions import AdditionWatch
from gateway.store.bond import Change
from gateway.store.database import Store
from gateway.store.refusals import HasLeft, NoSuchList, Suspended
from gateway.store.schema import ACCOUNT, MAIL_LIST, SUBSCRIPTION
from gateway.store.signups import Signups, Write
from gateway.store.subscription_rows import Bond, open_details
from gateway.store.subscriptions import Subscriptions, Unknown

_LOOK = 5000  # rows that one page looks at

_CHANGES = {
    Change.ADDED: Added.ADDED,
    Change.CHANGED: Added.CHANGED,
    Change.UNCHANGED: Added.UNCHANGED,
}

_TAKEN = frozenset({Added.ADDED, Added.CHANGED, Added.ASKED})


@dataclass(frozen=True, slots=True)
class Asking:
    """How people are asked whether it was them."""

    write: Write
    terms: Callable[[], Terms]
    asked: Callable[[Fate], None]  # hears what became of a wish, for metrics


class StoreSubscriptions:
    """The subscriptions of all accounts, each for itself."""

    def __init__(self, store: Store, keyring: Keyring, asking: Asking, watch: AdditionWatch) -> None:
        self._store = store
        self._keyring = keyring
        self._asking = asking
        self._watch = watch
        self._subscriptions = Subscriptions(store, keyring)

    def add(self, statement: Statement, now: float) -> Added:
        """Put somebody on a list, or ask them first."""
        account = self._account(statement.account_id)
        if account is None or not account.state.may_send:
            return Added.SUSPENDED
        if statement.mode is Mode.ASSERTED and account.consent is not ConsentLevel.ASSERTED:
            return Added.NOT_ALLOWED
        verdict = self._watch.verdict(statement.account_id, now)
        if verdict is Then.HOLD:
            return Added.HELD
        asks = statement.mode is Mode.DOUBLE_OPT_IN or verdict is Then.ASK
        added = self._ask(statement, now) if asks else self._assert(statement, now)
        if added in _TAKEN:
            self._watch.note(statement, now)
        return added

    def show(self, account_id: int, address: str) -> Sequence[Subscriber]:
        """Return all subscriptions of an address, by list."""
        address_hash = self._keyring.address_hash(account_id, parse_address(address).identity)
        query = _named().where(
            SUBSCRIPTION.c.account_id == account_id, SUBSCRIPTION.c.address_hash == address_hash
        )
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(SUBSCRIPTION.c.list_id)).all()
        return [self._subscriber(row) for row in rows]

    def page(
        self, account_id: int, list_id: int, after: bytes, limit: int
    ) -> tuple[Sequence[Subscriber], bytes]:
        """Return some of a list behind a place, and the place where to go on; b"": that was all."""
        with self._store.read() as connection:
            place, end = _span(connection, account_id, after)
            query = _named().where(
                SUBSCRIPTION.c.account_id == account_id,
                SUBSCRIPTION.c.list_id == list_id,
                SUBSCRIPTION.c.address_hash > after,
            )
            if place:
                query = query.where(SUBSCRIPTION.c.address_hash <= place)
            rows = connection.execute(query.order_by(SUBSCRIPTION.c.address_hash).limit(limit)).all()
        if len(rows) == limit:
            place, end = rows[-1].address_hash, False
        return [self._subscriber(row) for row in rows], b"" if end else place

    def unsubscribe(  # noqa: PLR0917 - what there is to say of one
        self, account_id: int, list_id: int, address: str, key_id: str, reason: str, now: float
    ) -> Subscriber | None:
        """Take somebody off a list, and return what they are then; None: they never were on it."""
        address_hash = self._keyring.address_hash(account_id, parse_address(address).identity)
        origin = Origin(f"api-key {key_id}", reason or "unsubscribed by the account's own program")
        left = self._subscriptions.unsubscribe(account_id, list_id, address_hash, now, origin)
        if isinstance(left, Unknown):
            return None
        bond = Bond(account_id, list_id, address_hash)
        with self._store.read() as connection:
            return self._subscriber(connection.execute(_named().where(bond.here)).one())

    def _ask(self, statement: Statement, now: float) -> Added:
        wish = Wish(
            statement.account_id, statement.list_id, statement.address, statement.language, _origin(statement)
        )
        try:
            fate = Signups(self._store, self._keyring).ask(
                wish, self._asking.write, self._asking.terms(), now
            )
        except NoSuchList:
            return Added.NO_LIST
        except Suspended:
            return Added.SUSPENDED
        self._asking.asked(fate)
        return Added.ASKED

    def _assert(self, statement: Statement, now: float) -> Added:
        try:
            change = self._subscriptions.add(
                statement.account_id,
                statement.list_id,
                statement.address,
                Basis.ASSERTED,
                _origin(statement),
                now,
            )
        except HasLeft:
            return Added.LEFT
        except NoSuchList:
            return Added.NO_LIST
        return _CHANGES[change]

    def _account(self, account_id: int) -> Account | None:
        with self._store.read() as connection:
            known = read_account(connection, ACCOUNT.c.id == account_id)
        return known.account if known else None

    def _subscriber(self, row: Row[Any]) -> Subscriber:
        bond = Bond(row.account_id, row.list_id, row.address_hash)
        address, source = open_details(self._keyring.open(row.account_id, row.sealed, bond.context))
        return Subscriber(
            address,
            row.list_name,
            SubscriptionState(row.state),
            Basis(row.basis),
            source,
            row.created_at,
            row.changed_at,
        )


def _origin(statement: Statement) -> Origin:
    """Return who says so, and all that they say of it."""
    evidence = statement.evidence
    source = f"{evidence.source} ({evidence.at})" if evidence.at else evidence.source
    return Origin(f"api-key {statement.key_id}", source, evidence.ip, evidence.user_agent, evidence.text)


def _named() -> Any:
    query = select(SUBSCRIPTION, MAIL_LIST.c.list_id.label("list_name"))
    return query.join(MAIL_LIST, MAIL_LIST.c.id == SUBSCRIPTION.c.list_id)


def _span(connection: Connection, account_id: int, after: bytes) -> tuple[bytes, bool]:
    """Return how far one page may look among all lists of an account, and whether that is the end."""
    this = SUBSCRIPTION.c
    query = (
        select(this.address_hash)
        .where(this.account_id == account_id, this.address_hash > after)
        .order_by(this.address_hash)
        .offset(_LOOK - 1)
        .limit(1)
    )
    place = connection.execute(query).scalar_one_or_none()
    return (b"", True) if place is None else (place, False)
