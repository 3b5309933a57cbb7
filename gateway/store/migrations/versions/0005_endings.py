"""How an account ends: its cancellation, what was erased, whom nobody brings back; the terms it accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ACCOUNT = ("terms_version", "terms_accepted_at", "cancelled_at", "erase_at", "state_before", "reason_before")


def upgrade() -> None:
    for name in _ACCOUNT:
        if name.endswith("_at"):
            op.add_column("account", sa.Column(name, sa.Float))
        else:
            op.add_column("account", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_table(
        "erasure",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account_id", sa.Integer),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("begun_at", sa.Float),
        sa.Column("finished_at", sa.Float),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="erasure_pkey"),
    )
    op.create_table(
        "do_not_mail",
        sa.Column("person", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("person", name="do_not_mail_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "house_secret",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="house_secret_pkey"),
    )


def downgrade() -> None:
    for table in ("house_secret", "do_not_mail", "erasure"):
        op.drop_table(table)
    for name in reversed(_ACCOUNT):
        op.drop_column("account", name)
