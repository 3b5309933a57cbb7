"""The suppression of who said "this was not me": no form of the account writes to them again.

For thirty days not even a question goes to them, whoever types their address in where; after that a new
sign-up may ask, and their own confirmation lifts the suppression. Suppressions of another reason are never
touched.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from gateway.store import dialect
from gateway.store.farewell import is_farewell
from gateway.store.schema import SUPPRESSION

_REASON = "refused a sign-up on "
_SILENCE = 30 * 86_400.0  # seconds


def say_not_me(connection: Connection, account_id: int, address_hash: bytes, now: float) -> None:
    """Suppress the address, unless it is suppressed already."""
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    row = dialect.insert(connection, SUPPRESSION).values(
        account_id=account_id, address_hash=address_hash, reason=f"{_REASON}{day}", since=now
    )
    connection.execute(row.on_conflict_do_nothing())


def lift_not_me(connection: Connection, account_id: int, address_hash: bytes) -> None:
    """Take the suppression away, and no other: the owner has said yes."""
    connection.execute(
        delete(SUPPRESSION).where(
            SUPPRESSION.c.account_id == account_id,
            SUPPRESSION.c.address_hash == address_hash,
            SUPPRESSION.c.reason.startswith(_REASON),
        )
    )


def may_be_asked(connection: Connection, account_id: int, address_hash: bytes, now: float) -> bool:
    """Whether a suppression, if there is one, is of a kind that the owner's own confirmation lifts."""
    query = select(SUPPRESSION.c.reason, SUPPRESSION.c.since).where(
        SUPPRESSION.c.account_id == account_id, SUPPRESSION.c.address_hash == address_hash
    )
    row = connection.execute(query).one_or_none()
    if row is None or is_farewell(row.reason):
        return True
    return bool(row.reason.startswith(_REASON) and now - row.since >= _SILENCE)
