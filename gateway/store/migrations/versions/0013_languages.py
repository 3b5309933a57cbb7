"""The language in which a list speaks to its readers."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mail_list", sa.Column("language", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("mail_list", "language")
