"""The watch over single additions by the API."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "addition",
        sa.Column("number", sa.Integer().with_variant(sa.BigInteger, "postgresql"), nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("is_role", sa.Boolean, nullable=False),
        sa.Column("person_network", sa.LargeBinary, nullable=False),
        sa.Column("client_network", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="addition_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("addition_account_id_number", "addition", ["account_id", "number"])
    op.create_table(
        "addition_hold",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("signs", sa.Text, nullable=False),
        sa.Column("additions", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="addition_hold_pkey"),
    )


def downgrade() -> None:
    for table in ("addition_hold", "addition"):
        op.drop_table(table)
