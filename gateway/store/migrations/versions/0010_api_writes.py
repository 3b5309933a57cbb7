"""Requests that change something once, and the index by which newsletters are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("mark", sa.LargeBinary, nullable=False),
        sa.Column("print", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "mark", name="idempotency_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_at", "idempotency", ["at"])
    op.create_index(
        "event_newsletter", "event", ["account_id", "list_id", "submission_id", "type", "delivery_number"]
    )


def downgrade() -> None:
    op.drop_index("event_newsletter", "event")
    op.drop_table("idempotency")
