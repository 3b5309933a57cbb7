"""What the store knows of the addresses of an import: who is here, who has left, whose list it is.

What it promises: it reads only, a bucket after the other, so that nobody waits for it and memory is that of
one bucket; each address counts once. Within the account the answer is exact; between accounts it is that of
the sample (gateway.store.person_sample). It fails with StoreAway.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from gateway.imports.risk import Overlap, Standing
from gateway.model.facts import SubscriptionState
from gateway.store import person_sample
from gateway.store.bond import LEFT
from gateway.store.database import Store
from gateway.store.import_cases import Case
from gateway.store.schema import ACCOUNT, DO_NOT_MAIL, IMPORT_ROW, SUBSCRIPTION, SUPPRESSION

BUCKETS = 256
_DAY = 86_400.0
_LARGEST = 1_000_000  # subscriptions of an account that are counted; more are as good as these
_LEFT = frozenset(str(state) for state in LEFT)
_CONFIRMED = str(SubscriptionState.CONFIRMED)


@dataclass(slots=True)
class _Found:
    distinct: int = 0
    here: int = 0
    gone: int = 0
    moved: int = 0
    looked_at: int = 0
    own: Counter[int] = field(default_factory=Counter)
    others: Counter[tuple[int, int]] = field(default_factory=Counter)


def standing_of(store: Store, case: Case, now: float) -> Standing:
    """Return what is known; raise StoreAway."""
    found = _Found()
    bound = person_sample.bound_for(case.rows)
    for bucket in range(BUCKETS):
        with store.read() as connection:
            _look(connection, case, bucket, found)
            found.looked_at += person_sample.looked_at(connection, case.number, bucket, bound)
            shared = person_sample.shared(connection, case.number, bucket, case.account_id, bound)
            for account_id, list_id, count in shared:
                found.others[account_id, list_id] += count
    with store.read() as connection:
        subscribers, days = _account(connection, case.account_id, now)
    return Standing(
        found.distinct, found.here, found.gone, found.moved, subscribers, days, _overlaps(case, found)
    )


def _look(connection: Connection, case: Case, bucket: int, found: _Found) -> None:
    """Count a bucket's addresses by what they are here."""
    this = IMPORT_ROW.c
    mine = (this.case_number == case.number, this.bucket == bucket)
    found.distinct += connection.execute(
        select(func.count(this.address_hash.distinct())).where(*mine)
    ).scalar_one()
    bonds = (
        select(this.address_hash, this.evidenced, SUBSCRIPTION.c.list_id, SUBSCRIPTION.c.state)
        .join(SUBSCRIPTION, SUBSCRIPTION.c.address_hash == this.address_hash)
        .where(*mine, SUBSCRIPTION.c.account_id == case.account_id)
    )
    here, gone, elsewhere = set[bytes](), set[bytes](), set[bytes]()
    own = set[tuple[int, bytes]]()
    for address_hash, evidenced, list_id, state in connection.execute(bonds):
        if state in _LEFT:
            gone.add(address_hash)
        elif list_id == case.list_id:
            here.add(address_hash)
        elif state == _CONFIRMED:
            own.add((list_id, address_hash))
            if not evidenced:
                elsewhere.add(address_hash)
    gone |= _not_to_be_mailed(connection, case, bucket)
    found.here += len(here)
    found.gone += len(gone)
    found.moved += len(elsewhere - here - gone)
    found.own.update(list_id for list_id, _ in own)


def _not_to_be_mailed(connection: Connection, case: Case, bucket: int) -> set[bytes]:
    this = IMPORT_ROW.c
    mine = (this.case_number == case.number, this.bucket == bucket)
    suppressed = (
        select(this.address_hash)
        .join(SUPPRESSION, SUPPRESSION.c.address_hash == this.address_hash)
        .where(*mine, SUPPRESSION.c.account_id == case.account_id)
    )
    everywhere = select(this.address_hash).join(DO_NOT_MAIL, DO_NOT_MAIL.c.person == this.person).where(*mine)
    return {*connection.execute(suppressed).scalars(), *connection.execute(everywhere).scalars()}


def _account(connection: Connection, account_id: int, now: float) -> tuple[int, float]:
    some = select(SUBSCRIPTION.c.list_id).where(SUBSCRIPTION.c.account_id == account_id).limit(_LARGEST)
    count = connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    created = connection.execute(select(ACCOUNT.c.created_at).where(ACCOUNT.c.id == account_id)).scalar_one()
    return count, max(0.0, (now - created) / _DAY)


def _overlaps(case: Case, found: _Found) -> Sequence[Overlap]:
    """Return the lists that share most, other accounts' first."""
    others = [
        Overlap(account_id, list_id, count, found.looked_at)
        for (account_id, list_id), count in found.others.items()
    ]
    own = [Overlap(case.account_id, list_id, count, found.distinct) for list_id, count in found.own.items()]
    return sorted([*others, *own], key=lambda one: -one.share)
