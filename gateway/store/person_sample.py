"""Who is on which list, at all accounts, as a sample: how moved and bought lists are found.

A person is sampled by the provider's own hash of the address, the same at every account: those whose hash
is small, one in ``1 / KEPT``, on every list they were ever added to. So two lists are compared by the persons
of the sample that they share; a share is right within its own statistics (docs/decisions/0023-imports.md).

What it promises: ``remember`` is called in the transaction that adds subscriptions, by every path that does;
what is there already changes nothing. A row outlives the subscription's end: who left was on the list.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from gateway.store import dialect
from gateway.store.schema import IMPORT_ROW, PERSON_SAMPLE

KEPT = 0.25  # of all persons
_BOUND = bytes([int(KEPT * 256)])
_ENOUGH = 25_000  # persons of one import that are looked for: shares are right within half a percent


def remember(connection: Connection, account_id: int, list_id: int, persons: Iterable[bytes]) -> None:
    """Keep those of these persons that are of the sample, as being on a list."""
    rows: list[tuple[object, ...]] = [
        (person, account_id, list_id) for person in sorted({one for one in persons if one < _BOUND})
    ]
    if rows:
        dialect.insert_rows(connection, dialect.insert_new(connection, PERSON_SAMPLE), rows)


def bound_for(rows: int) -> bytes:
    """Return the hash below which an import's persons are looked for: fewer of one with very many rows."""
    share = min(KEPT, _ENOUGH / max(rows, 1))
    return int(share * 2**32).to_bytes(4, "big")


def looked_at(connection: Connection, case_number: int, bucket: int, bound: bytes) -> int:
    """Return how many persons of a bucket are looked for."""
    query = select(func.count(IMPORT_ROW.c.person.distinct())).where(
        IMPORT_ROW.c.case_number == case_number,
        IMPORT_ROW.c.bucket == bucket,
        IMPORT_ROW.c.person < bound,
    )
    return int(connection.execute(query).scalar_one())


def shared(
    connection: Connection, case_number: int, bucket: int, account_id: int, bound: bytes
) -> Sequence[tuple[int, int, int]]:
    """Return (account, list, persons of the bucket that are on it) of all other accounts."""
    query = (
        select(
            PERSON_SAMPLE.c.account_id, PERSON_SAMPLE.c.list_id, func.count(IMPORT_ROW.c.person.distinct())
        )
        .join(PERSON_SAMPLE, PERSON_SAMPLE.c.person == IMPORT_ROW.c.person)
        .where(
            IMPORT_ROW.c.case_number == case_number,
            IMPORT_ROW.c.bucket == bucket,
            IMPORT_ROW.c.person < bound,
            PERSON_SAMPLE.c.account_id != account_id,
        )
        .group_by(PERSON_SAMPLE.c.account_id, PERSON_SAMPLE.c.list_id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]
