"""The first tables: accounts, domains, lists, subscriptions, keys, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _accounts()
    _domains()
    _lists()
    _subscriptions()
    _events()


def downgrade() -> None:
    for table in (
        *("revision", "event", "suppression", "subscription", "mail_list"),
        *("dkim_key", "domain", "account_key", "account"),
    ):
        op.drop_table(table)


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_reason", sa.Text, nullable=False),
        sa.Column("state_changed_at", sa.Float, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("rates", sa.Text, nullable=False),
        sa.Column("burst", sa.Integer, nullable=False),
        sa.Column("over_quota", sa.Text, nullable=False),
        sa.Column("default_list_id", sa.Integer),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="account_pkey"),
        sa.UniqueConstraint("name", name="account_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_key",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="account_key_pkey"),
    )
    revision_table = op.create_table(
        "revision",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="revision_pkey"),
    )
    op.bulk_insert(revision_table, [{"name": "accounts", "value": 1}])


def _domains() -> None:
    op.create_table(
        "domain",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("verified_at", sa.Float),
        sa.PrimaryKeyConstraint("id", name="domain_pkey"),
        sa.UniqueConstraint("name", name="domain_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("domain_account_id", "domain", ["account_id"])
    op.create_table(
        "dkim_key",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("domain_id", sa.Integer, nullable=False),
        sa.Column("selector", sa.Text, nullable=False),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("private", sa.LargeBinary, nullable=False),
        sa.Column("public", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="dkim_key_pkey"),
        sa.ForeignKeyConstraint(
            ["domain_id"], ["domain.id"], name="dkim_key_domain_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("domain_id", "selector", name="dkim_key_domain_id_selector_key"),
        sqlite_autoincrement=True,
    )


def _lists() -> None:
    op.create_table(
        "mail_list",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("list_id", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mail_list_pkey"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="mail_list_account_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("account_id", "folded", name="mail_list_account_id_folded_key"),
        sqlite_autoincrement=True,
    )


def _subscriptions() -> None:
    op.create_table(
        "subscription",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("list_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "address_hash", "list_id", name="subscription_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "suppression",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "address_hash", name="suppression_pkey"),
        sqlite_with_rowid=False,
    )


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("submission_id", sa.Text, nullable=False),
        sa.Column("delivery_number", sa.Integer),
        sa.Column("list_id", sa.Integer),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="event_pkey"),
        sqlite_with_rowid=False,
    )
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
