"""Sign-ups that wait for their confirmation, and what a list says of itself."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("description", "frequency"):
        op.add_column("mail_list", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_table(
        "signup",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("list_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("person", sa.LargeBinary, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("reminded_at", sa.Float),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "list_id", "address_hash", name="signup_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("signup_expires_at", "signup", ["expires_at"])
    op.create_index("signup_person_asked_at", "signup", ["person", "asked_at"])


def downgrade() -> None:
    op.drop_table("signup")
    op.drop_column("mail_list", "frequency")
    op.drop_column("mail_list", "description")
