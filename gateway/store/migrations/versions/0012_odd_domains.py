"""Additions in domains that are thrown away or misspelt."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("is_odd", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("addition", column)


def downgrade() -> None:
    op.drop_column("addition", "is_odd")
