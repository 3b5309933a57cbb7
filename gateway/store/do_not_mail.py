"""People whom no tenant's statement brings back, at any account: kept as a hash when all else was erased.

Without it a tenant who begins anew under another name begins with the very people who complained of them, and
a person who was erased at their own wish is added again the next day. What it promises: only a basis that is
their own act passes, and their own confirmation lifts it. The hash is the provider's, the same everywhere,
and nothing that a tenant could have made. What a tenant hears names no account and no reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from gateway.model.facts import Basis
from gateway.store import dialect
from gateway.store.schema import DO_NOT_MAIL

_IN_ONE_QUERY = 500
OF_THEIR_OWN = frozenset({Basis.DOUBLE_OPT_IN})

Kept = tuple[bytes, str, float]
"""Whose hash, why, since when."""


def keep(connection: Connection, people: Iterable[Kept]) -> int:
    """Keep those who are not kept yet; return how many were added."""
    added = 0
    for person, reason, since in people:
        row = dialect.insert(connection, DO_NOT_MAIL).values(person=person, reason=reason, since=since)
        added += connection.execute(row.on_conflict_do_nothing()).rowcount
    return added


def anybody(connection: Connection) -> bool:
    """Whether anybody is kept at all."""
    return connection.execute(select(DO_NOT_MAIL.c.since).limit(1)).first() is not None


def kept_among(connection: Connection, people: Sequence[bytes]) -> Mapping[bytes, float]:
    """Return since when those are kept who are."""
    found: dict[bytes, float] = {}
    for start in range(0, len(people), _IN_ONE_QUERY):
        asked = DO_NOT_MAIL.c.person.in_(people[start : start + _IN_ONE_QUERY])
        query = select(DO_NOT_MAIL.c.person, DO_NOT_MAIL.c.since).where(asked)
        found.update((person, since) for person, since in connection.execute(query))
    return found


def lift(connection: Connection, person: bytes) -> bool:
    """Let go of somebody: by their own confirmation, or at their own wish; whether they were kept."""
    return connection.execute(delete(DO_NOT_MAIL).where(DO_NOT_MAIL.c.person == person)).rowcount > 0


def why_kept(since: float) -> str:
    """Return the refusal in words."""
    day = datetime.fromtimestamp(since, UTC).date().isoformat()
    return f"since {day} nobody may add this address but its owner, by their own confirmation"
