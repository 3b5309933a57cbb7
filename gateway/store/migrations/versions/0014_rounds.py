"""Indexes for those who go round: reminders, and the letters of an account or a person."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    not_reminded = sa.text("reminded_at IS NULL")
    op.create_index(
        "signup_asked_at", "signup", ["asked_at"], sqlite_where=not_reminded, postgresql_where=not_reminded
    )
    op.create_index("letter_account_id_address_hash", "letter", ["account_id", "address_hash"])


def downgrade() -> None:
    op.drop_index("letter_account_id_address_hash", "letter")
    op.drop_index("signup_asked_at", "signup")
