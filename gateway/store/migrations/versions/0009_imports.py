"""Imports as cases, their rows and faults; a sample of persons, for lists that were moved or bought."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def _counts(*names: str) -> "list[sa.Column[int]]":
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def upgrade() -> None:
    _create_cases()
    _create_rows()


def _create_cases() -> None:
    op.create_table(
        "import_case",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        *_counts("account_id", "list_id"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("asks", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("touched_at", sa.Float, nullable=False),
        sa.Column("decided_at", sa.Float),
        *_counts("line"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("tally", sa.LargeBinary, nullable=False),
        *_counts("rows", "faults"),
        sa.Column("report", sa.Text, nullable=False),
        *_counts("bucket", "asked", "added", "changed", "unchanged", "left_out"),
        sa.PrimaryKeyConstraint("number", name="import_case_pkey"),
        sa.UniqueConstraint("id", name="import_case_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("import_case_account_id_number", "import_case", ["account_id", "number"])
    op.create_index("import_case_state", "import_case", ["state"])


def _create_rows() -> None:
    op.create_table(
        "import_row",
        _number("case_number"),
        _number("bucket"),
        _number("line"),
        sa.Column("address_hash", sa.LargeBinary, nullable=False),
        sa.Column("person", sa.LargeBinary, nullable=False),
        sa.Column("evidenced", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("case_number", "bucket", "line", name="import_row_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_fault",
        _number("case_number"),
        _number("line"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("case_number", "line", name="import_fault_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "person_sample",
        sa.Column("person", sa.LargeBinary, nullable=False),
        _number("account_id"),
        _number("list_id"),
        sa.PrimaryKeyConstraint("person", "account_id", "list_id", name="person_sample_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("person_sample_account_id", "person_sample", ["account_id"])


def downgrade() -> None:
    for table in ("person_sample", "import_fault", "import_row", "import_case"):
        op.drop_table(table)
