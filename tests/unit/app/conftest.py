"""How the store finds what it is asked for."""

import re
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from gateway.store.schema import (
    EVENT,
    IMPORT_ROW,
    INVITATION,
    LEDGER,
    LETTER,
    PERSON_SAMPLE,
    SIGNUP,
    SUBSCRIPTION,
    SUPPRESSION,
)

GROWING = (EVENT, IMPORT_ROW, INVITATION, LEDGER, LETTER, PERSON_SAMPLE, SIGNUP, SUBSCRIPTION, SUPPRESSION)
_SCANS = re.compile("SCAN (" + "|".join(one.name for one in GROWING) + r")\b|USE TEMP B-TREE FOR ORDER BY")


@pytest.fixture
def slow() -> Iterator[Callable[[], set[str]]]:
    """Return what names the statements that go through a whole table that grows, or sort what they find."""
    found: set[str] = set()
    looked: set[str] = set()

    def look(
        connection: Connection, _cursor, statement: str, parameters, _context, executemany: bool
    ) -> None:
        if executemany or statement in looked or not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        looked.add(statement)
        raw = connection.connection.dbapi_connection
        plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        if any(map(_SCANS.match, plan)):
            found.add(f"{plan}: {' '.join(statement.split())}")

    event.listen(Engine, "before_cursor_execute", look)
    yield lambda: found
    event.remove(Engine, "before_cursor_execute", look)
