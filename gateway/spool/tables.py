"""The spool's tables, as SQLAlchemy Core metadata: the same on SQLite and, later, on PostgreSQL.

What they promise: a submission has one row however many recipients it has; a delivery is in the table
while it is open and leaves it with its outcome. Whatever holds an address or content is sealed. The
indexes are partial: a delivery that enters ACTIVE and is settled at once never touches one.
"""

from collections.abc import Iterator

from sqlalchemy import (
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    literal_column,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.model.delivery import DeliveryState

SCHEMA = 1  # kept in PRAGMA user_version, see docs/decisions/0006-spool.md

METADATA = MetaData()

SUBMISSION = Table(
    "submission",
    METADATA,
    Column("id", String(26), primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("size", Integer, nullable=False),
    Column("list_id", Integer),
    Column("signing_domain", String, nullable=False),
    Column("envelope", LargeBinary, nullable=False),  # sealed: the Sender
    Column("content", LargeBinary, nullable=False),  # sealed; last, so that other columns are read without it
)

DELIVERY = Table(
    "delivery",
    METADATA,
    Column("submission_id", String(26), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # sealed: the recipient and the splices
    Column("last_reply", LargeBinary, nullable=False),  # sealed; empty: none yet
    Column("hold_reason", String, nullable=False),
    Column("created_at", Double, nullable=False),
    sqlite_with_rowid=False,
)

EVENT = Table(
    "event",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False),
    Column("type", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("account_id", Integer, nullable=False),
    Column("submission_id", String, nullable=False),
    Column("delivery_number", Integer),
    Column("list_id", Integer),
    Column("facts", String, nullable=False),
    Column("data", LargeBinary, nullable=False),  # sealed
    sqlite_autoincrement=True,  # a place is never given twice, so a late ``forget`` hurts nobody
)

ADOPTED = Table(
    "adopted",
    METADATA,
    Column("submission_id", String(26), primary_key=True),
    Column("shard", Integer, nullable=False),  # where it came from, and may still stand
)


def in_state(state: DeliveryState) -> str:
    """Return the condition as the partial indexes know it: a literal, or the planner cannot use them."""
    return f"state = '{state.value}'"


def _partial(name: str, state: DeliveryState, *columns: str) -> Index:
    condition: ColumnElement[bool] = literal_column(in_state(state))
    return Index(
        name, *(DELIVERY.c[one] for one in columns), sqlite_where=condition, postgresql_where=condition
    )


DUE = _partial("delivery_due", DeliveryState.QUEUED, "account_id", "due_at", "submission_id", "number")
SOON = _partial("delivery_soon", DeliveryState.QUEUED, "due_at")
HELD = _partial("delivery_held", DeliveryState.HELD, "hold_reason", "account_id")


def definitions() -> Iterator[str]:
    """Give the statements that make an empty shard."""
    dialect = sqlite.dialect()
    for table in METADATA.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
