"""Who was invited to a list by a reader of it, and who wants no invitations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitation",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("list_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("person", sa.LargeBinary, nullable=False),
        sa.Column("invited_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "list_id", "address_hash", name="invitation_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("invitation_person_invited_at", "invitation", ["person", "invited_at"])
    op.create_table(
        "never_invite",
        sa.Column("person", sa.LargeBinary, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("person", name="never_invite_pkey"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("never_invite")
    op.drop_table("invitation")
