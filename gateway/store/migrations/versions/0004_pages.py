"""What the pages need: pauses, what an undo brings back, letters of our own, brands."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscription", sa.Column("paused_until", sa.Float, nullable=False, server_default=sa.text("0"))
    )
    op.add_column("subscription", sa.Column("left_from", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "letter",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("list_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("written_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("kind", "account_id", "list_id", "address_hash", name="letter_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("letter_due_at", "letter", ["due_at"])
    op.create_table(
        "brand",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("colour", sa.Text, nullable=False),
        sa.Column("logo_name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("logo", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="brand_pkey"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="brand_account_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_index("brand_logo_name", "brand", ["logo_name"])


def downgrade() -> None:
    op.drop_table("brand")
    op.drop_table("letter")
    op.drop_column("subscription", "left_from")
    op.drop_column("subscription", "paused_until")
