"""What happened, what proves it, and what was erased."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, Table, Text, text

from gateway.store.schema.metadata import METADATA

# What is of no submission (a million subscriptions, say) need not be found by one. A query says it too, or
# the database would not know that the index is enough.
OF_A_SUBMISSION = text("submission_id <> ''")

# ``place`` grows in the order of the commits and is never given out twice: whoever has read up to one has
# missed nothing before it (docs/decisions/0011-event-cursor.md). ``id`` sorts by the time of happening.
# (type, at) and not (at) alone: what proves consent stays when the rest expires, and must not be passed over
# again and again.
EVENT = Table(
    "event",
    METADATA,
    Column("place", Integer().with_variant(BigInteger, "postgresql"), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("account_id", Integer, nullable=False),
    Column("submission_id", Text, nullable=False),
    Column("delivery_number", Integer),
    Column("list_id", Integer),
    Column("facts", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index(
        "event_submission_id", "submission_id", sqlite_where=OF_A_SUBMISSION, postgresql_where=OF_A_SUBMISSION
    ),
    Index("event_account_id_at", "account_id", "at"),
    Index("event_type_at", "type", "at"),
    Index("event_account_id_type_place", "account_id", "type", "place"),
    # What became of a newsletter's copies: an id of a submission begins with its time.
    Index("event_newsletter", "account_id", "list_id", "submission_id", "type", "delivery_number"),
    sqlite_autoincrement=True,
)

# What happened to each account's subscriptions, in a chain (gateway.model.ledger). Nothing in it is ever
# changed but by a person's erasure, which empties ``subject`` and ``sealed``.
LEDGER = Table(
    "ledger",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column(
        "number",
        Integer().with_variant(BigInteger, "postgresql"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("at", Float, nullable=False),
    Column("list_id", Integer, nullable=False),  # 0: all lists
    Column("act", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False),  # the address's hash
    Column("sealed", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ledger_account_id_subject", "account_id", "subject"),
    sqlite_with_rowid=False,
)

# Where the next entry goes; its row is the lock of whoever appends.
LEDGER_HEAD = Table(
    "ledger_head",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer().with_variant(BigInteger, "postgresql"), nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# What was shown to those who signed up, once by its hash: a form, a confirmation mail's text.
SHOWN_TEXT = Table(
    "shown_text",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# What is to be erased, is being erased, or was; the last as certificates. ``sealed`` holds what the work
# needs (a person's address, an account's digest) with the provider's key, and is emptied when it is done.
ERASURE = Table(
    "erasure",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account_id", Integer),  # None: a person, at all accounts
    Column("phase", Text, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("begun_at", Float),
    Column("finished_at", Float),
    Column("counts", Text, nullable=False),  # JSON, grows in the transactions that delete
    Column("sealed", LargeBinary, nullable=False),
    Column("certificate", Text, nullable=False),  # JSON, signed; "" until it is done
)

# Secrets of the provider that are made when they are needed first, sealed with its key.
HOUSE_SECRET = Table(
    "house_secret",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
