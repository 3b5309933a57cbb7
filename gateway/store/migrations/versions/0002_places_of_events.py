"""Events get a place: a number that grows in the order of the commits. Those there get it by their id.

The table is written anew, in one transaction: until it is over the store takes no other change, and it needs
as much room again as the events have. SQLite cannot give a table another primary key in place.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS = "id, type, at, account_id, submission_id, delivery_number, list_id, facts, data"
_INDEXES = ("event_submission_id", "event_account_id_at", "event_type_at")


def upgrade() -> None:
    for index in _INDEXES:
        op.drop_index(index, "event")
    op.rename_table("event", "event_without_place")
    op.create_table(
        "event",
        sa.Column("place", sa.Integer().with_variant(sa.BigInteger, "postgresql"), nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("place", name="event_pkey"),
        sa.UniqueConstraint("id", name="event_id_key"),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO event ({_COLUMNS}) SELECT {_COLUMNS} FROM event_without_place ORDER BY id")  # noqa: S608 - ours
    op.drop_table("event_without_place")
    _create_indexes()
    op.create_index("event_account_id_type_place", "event", ["account_id", "type", "place"])


def downgrade() -> None:
    for index in (*_INDEXES, "event_account_id_type_place"):
        op.drop_index(index, "event")
    op.rename_table("event", "event_with_place")
    op.create_table(
        "event", *_columns(), sa.PrimaryKeyConstraint("id", name="event_pkey"), sqlite_with_rowid=False
    )
    op.execute(f"INSERT INTO event ({_COLUMNS}) SELECT {_COLUMNS} FROM event_with_place ORDER BY id")  # noqa: S608 - ours
    op.drop_table("event_with_place")
    _create_indexes()


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("submission_id", sa.Text, nullable=False),
        sa.Column("delivery_number", sa.Integer),
        sa.Column("list_id", sa.Integer),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    ]


def _create_indexes() -> None:
    of_a_submission = sa.text("submission_id <> ''")
    op.create_index(
        "event_submission_id",
        "event",
        ["submission_id"],
        sqlite_where=of_a_submission,
        postgresql_where=of_a_submission,
    )
    op.create_index("event_account_id_at", "event", ["account_id", "at"])
    op.create_index("event_type_at", "event", ["type", "at"])
