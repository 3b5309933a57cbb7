"""The consent ledger; what is older than it gets its first entry here.

No key is at hand in a migration, so these entries hold each subscription's own sealed value as it was found
(gateway.model.ledger.found_before). A page of rows at a time: there may be ten million.
"""

import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from gateway.model.ledger import BEGINNING, Act, Entry, SealedDeed, chain, found_before

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_PAGE = 5000  # rows

_BIG = sa.Integer().with_variant(sa.BigInteger, "postgresql")
_SUBSCRIPTION = sa.table(
    "subscription",
    *(sa.column(name) for name in ("account_id", "address_hash", "list_id", "state", "basis", "sealed")),
    *(sa.column(name) for name in ("created_at", "changed_at")),
)
_KEY = sa.tuple_(_SUBSCRIPTION.c.account_id, _SUBSCRIPTION.c.address_hash, _SUBSCRIPTION.c.list_id)


def upgrade() -> None:
    ledger = op.create_table(
        "ledger",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("number", _BIG, autoincrement=False, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "number", name="ledger_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("ledger_account_id_subject", "ledger", ["account_id", "subject"])
    head = op.create_table(
        "ledger_head",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="ledger_head_pkey"),
    )
    op.create_table(
        "shown_text",
        sa.Column("account_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "hash", name="shown_text_pkey"),
        sqlite_with_rowid=False,
    )
    _enter_what_is_there(op.get_bind(), ledger, head)


def downgrade() -> None:
    op.drop_table("shown_text")
    op.drop_table("ledger_head")
    op.drop_table("ledger")


def _enter_what_is_there(connection: sa.Connection, ledger: sa.Table, head: sa.Table) -> None:
    now, heads = time.time(), dict[int, tuple[int, bytes]]()
    for rows in _pages(connection):
        entries = []
        for row in rows:
            number, previous = heads.get(row.account_id, (0, BEGINNING))
            (entry,) = chain(row.account_id, number, previous, [_deed(row, now)])
            heads[row.account_id] = entry.number, entry.hash
            entries.append(_values(entry))
        connection.execute(ledger.insert(), entries)
    if heads:
        values = [
            {"account_id": one, "number": number, "hash": last} for one, (number, last) in heads.items()
        ]
        connection.execute(head.insert(), values)


def _pages(connection: sa.Connection) -> Iterator[list[Any]]:
    query = sa.select(_SUBSCRIPTION).order_by(*_KEY.clauses).limit(_PAGE)
    rows = connection.execute(query).all()
    while rows:
        yield list(rows)
        after = rows[-1].account_id, rows[-1].address_hash, rows[-1].list_id
        rows = connection.execute(query.where(after < _KEY)).all()


def _deed(row: Any, now: float) -> SealedDeed:
    clear = {
        "state": row.state,
        "basis": row.basis,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }
    return SealedDeed(now, row.list_id, Act.FOUND, row.address_hash, found_before(row.sealed, **clear), "")


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "account_id": entry.account_id,
        "number": entry.number,
        "at": entry.at,
        "list_id": entry.list_id,
        "act": entry.act,
        "subject": entry.subject,
        "sealed": entry.sealed,
        "digest": entry.digest,
        "hash": entry.hash,
    }
