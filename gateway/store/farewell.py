"""The suppression of who left all lists of an account: it stands for the lists to come.

No import brings such a person back to a new list; their own confirmation lifts it. Suppressions of another
reason are never touched.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete

from gateway.store import dialect
from gateway.store.schema import SUPPRESSION

_REASON = "unsubscribed from all lists on "


def say_farewell(connection: Connection, account_id: int, address_hash: bytes, now: float) -> bool:
    """Suppress the address; return whether it was not suppressed before."""
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    row = dialect.insert(connection, SUPPRESSION).values(
        account_id=account_id, address_hash=address_hash, reason=f"{_REASON}{day}", since=now
    )
    return connection.execute(row.on_conflict_do_nothing()).rowcount > 0


def is_farewell(reason: str) -> bool:
    """Whether a suppression is one that the owner's own confirmation lifts."""
    return reason.startswith(_REASON)


def lift_farewell(
    connection: Connection, account_id: int, address_hash: bytes, since: float | None = None
) -> bool:
    """Take the suppression away, and no other; ``since``: only that of this moment. Whether there was one."""
    which = [
        SUPPRESSION.c.account_id == account_id,
        SUPPRESSION.c.address_hash == address_hash,
        SUPPRESSION.c.reason.startswith(_REASON),
    ]
    if since is not None:
        which.append(SUPPRESSION.c.since == since)
    return connection.execute(delete(SUPPRESSION).where(*which)).rowcount > 0
