"""The watch over single additions: the last hour of each account, and whose additions are held; sync.

What it promises: what is held outlives the process, until an operator has looked. The window rests as
features, without an address and without a network that can be read: hashes under the account's own key. How
a name follows the one before is seen by the process that has taken both, and by no row. Judging one addition
is bounded work: the rows of an hour, of which there are ``_MOST`` at most, and a sample of the list.
It fails with StoreAway.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import structlog
from sqlalchemy import Connection, delete, func, select

from gateway.imports.known import Known
from gateway.model.addition import Addition, AdditionRules, Sign, Size, Step, Then, step_of
from gateway.model.address import ascii_domain
from gateway.model.events import Event, EventType, Scalar, seal_event
from gateway.model.subscriber import Statement
from gateway.monitoring.additions import HOUR, signs
from gateway.ports import Meter
from gateway.store import dialect
from gateway.store.bounded import Bounded
from gateway.store.database import Store
from gateway.store.event_ids import EventIds
from gateway.store.events import insert_events
from gateway.store.keys import StoreKeyring
from gateway.store.schema import ADDITION, ADDITION_HOLD, SUBSCRIPTION

log = structlog.get_logger(__name__)

_MOST = 1000  # additions that are looked at
_SAMPLE = 20_000  # rows of an account, in the order of their hashes, which is as good as chance
_ACCOUNTS = 10_000

LastNames = Bounded[int, str]
"""The local part that each account added last: in a process's memory, and nowhere else."""


def last_names() -> LastNames:
    """Return the memory of a process."""
    return Bounded(_ACCOUNTS)


@dataclass(frozen=True, slots=True)
class Held:
    """An account's additions are not taken as they come; ``since`` in seconds since the epoch."""

    since: float
    signs: tuple[Sign, ...]
    additions: int  # that were seen in the hour before


class Additions:
    """What operators see and end."""

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._keyring = keyring
        self._ids = EventIds(os.urandom)

    def held(self, account_id: int) -> Held | None:
        """Return why an account's additions are held, or None; raise StoreAway."""
        with self._store.read() as connection:
            return _held(connection, account_id)

    def clear(self, account_id: int, actor: str, now: float) -> Held | None:
        """Take additions as they come again, and forget the hour that was looked at; return what was."""
        with self._store.write() as connection:
            before = _held(connection, account_id)
            for table in (ADDITION_HOLD, ADDITION):
                connection.execute(delete(table).where(table.c.account_id == account_id))
            if before is not None:
                facts: dict[str, Scalar] = {"result": "cleared", "actor": actor}
                tell(connection, self._keyring, self._ids, account_id, None, facts, now)
        return before


class AdditionWatch:
    """What every addition by the API goes through."""

    def __init__(  # noqa: PLR0917 - what it judges by
        self,
        store: Store,
        keyring: StoreKeyring,
        rules: Callable[[], AdditionRules],
        meter: Meter,
        names: LastNames,
        known: Callable[[], Known],
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._rules = rules
        self._names = names
        self._known = known
        self._meter = meter
        self._ids = EventIds(os.urandom)

    def verdict(self, account_id: int, now: float) -> Then | None:
        """Say what becomes of the next addition of an account; None: it is taken as it comes."""
        rules = self._rules()
        with self._store.read() as connection:
            if rules.then is Then.REPORT or _held(connection, account_id) is None:
                return None
            asked = len(_window(connection, account_id, now))
        return Then.HOLD if rules.then is Then.HOLD or asked >= rules.asks else Then.ASK

    def note(self, statement: Statement, now: float) -> None:
        """See an addition that was taken, and what it and those before it look like."""
        rules, account_id = self._rules(), statement.account_id
        addition = self._features(statement, now)
        with self._store.write() as connection:
            _keep(connection, account_id, addition)
            if rules.then is not Then.REPORT and _held(connection, account_id) is not None:
                return
            window = _window(connection, account_id, now)
            found = signs(window, _sizes(connection, account_id, window, rules, now), rules)
            if found and _hold(connection, account_id, found, len(window), now):
                facts: dict[str, Scalar] = {
                    "result": str(rules.then),
                    "signs": " ".join(found),
                    "additions": len(window),
                }
                tell(connection, self._keyring, self._ids, account_id, statement.list_id, facts, now)
                self._say(account_id, statement.list_id, found)

    def _say(self, account_id: int, list_id: int, found: Sequence[Sign]) -> None:
        log.warning("additions look like a list", account=account_id, list=list_id, signs=" ".join(found))
        for sign in found:
            self._meter.count("addition_signs_total", sign=sign.value)

    def _features(self, statement: Statement, now: float) -> Addition:
        local, domain = statement.address.local, ascii_domain(statement.address.domain)
        known = self._known()
        before = self._names.get(statement.account_id)
        self._names.put(statement.account_id, local)
        return Addition(
            now,
            statement.list_id,
            Step.SAME if before is None else step_of(before, local),
            local.casefold() in known.roles,
            domain in known.typos or known.is_disposable(domain),
            self._network(statement.account_id, statement.evidence.ip),
            self._network(statement.account_id, statement.client),
        )

    def _network(self, account_id: int, ip: str) -> bytes:
        """Return the account's own hash of the network that an address lies in, b"" of none."""
        try:
            address = ip_address(ip)
        except ValueError:
            return b""
        network = ip_network((address, 24 if address.version == 4 else 48), strict=False)
        return self._keyring.of(account_id).veil(str(network).encode(), b"network")[:16]


def tell(  # noqa: PLR0917 - an event's own fields
    connection: Connection,
    keyring: StoreKeyring,
    ids: EventIds,
    account_id: int,
    list_id: int | None,
    facts: Mapping[str, Scalar],
    now: float,
) -> None:
    """Add the event, which names nobody."""
    event = Event(ids.next(now), EventType.ADDITIONS, now, account_id, list_id=list_id, facts=facts)
    insert_events(connection, [seal_event(event, keyring.seal)])


def _held(connection: Connection, account_id: int) -> Held | None:
    query = select(ADDITION_HOLD).where(ADDITION_HOLD.c.account_id == account_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Held(row.since, tuple(Sign(one) for one in row.signs.split()), row.additions)


def _hold(connection: Connection, account_id: int, found: Sequence[Sign], seen: int, now: float) -> bool:
    """Hold an account's additions; False where they are held already, or were told of in this hour."""
    this = ADDITION_HOLD.c
    old = delete(ADDITION_HOLD).where(this.account_id == account_id, this.since <= now - HOUR)
    connection.execute(old)
    row = dialect.insert(connection, ADDITION_HOLD).values(
        account_id=account_id, since=now, signs=" ".join(found), additions=seen
    )
    return connection.execute(row.on_conflict_do_nothing()).rowcount == 1


def _keep(connection: Connection, account_id: int, one: Addition) -> None:
    this = ADDITION.c
    old = (this.account_id == account_id, this.at <= one.at - HOUR)
    connection.execute(delete(ADDITION).where(*old))
    connection.execute(
        ADDITION.insert().values(
            account_id=account_id,
            list_id=one.list_id,
            at=one.at,
            step=int(one.step),
            is_role=one.is_role,
            is_odd=one.is_odd,
            person_network=one.person_network,
            client_network=one.client_network,
        )
    )


def _window(connection: Connection, account_id: int, now: float) -> Sequence[Addition]:
    """Return the additions of the last hour, oldest first."""
    this = ADDITION.c
    query = select(ADDITION).where(this.account_id == account_id, this.at > now - HOUR)
    rows = connection.execute(query.order_by(this.number.desc()).limit(_MOST)).all()
    return [
        Addition(
            row.at,
            row.list_id,
            Step(row.step),
            row.is_role,
            row.is_odd,
            row.person_network,
            row.client_network,
        )
        for row in reversed(rows)
    ]


def _sizes(
    connection: Connection, account_id: int, window: Sequence[Addition], rules: AdditionRules, now: float
) -> Mapping[int, Size]:
    """Measure lists, where there are so many additions that their size matters."""
    if len(window) <= rules.burst:
        return {}
    this = SUBSCRIPTION.c
    sample = (
        select(this.list_id, this.created_at)
        .where(this.account_id == account_id)
        .order_by(this.address_hash)
        .limit(_SAMPLE)
        .subquery()
    )
    query = select(sample.c.list_id, func.count(), func.min(sample.c.created_at)).group_by(sample.c.list_id)
    return {list_id: Size(members, now - since) for list_id, members, since in connection.execute(query)}
