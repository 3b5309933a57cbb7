"""Additions of subscribers, one by one and by import, and the watch over them."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, Table, Text, false

from gateway.store.schema.metadata import METADATA

# Single additions by the API of the last hour, as the watch over them sees them. Networks are the account's
# own keyed hashes.
ADDITION = Table(
    "addition",
    METADATA,
    Column("number", Integer().with_variant(BigInteger, "postgresql"), primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("list_id", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("step", Integer, nullable=False),  # how the name follows the one before
    Column("is_role", Boolean, nullable=False),
    Column("person_network", LargeBinary, nullable=False),
    Column("client_network", LargeBinary, nullable=False),
    Column("is_odd", Boolean, nullable=False, server_default=false()),
    Index("addition_account_id_number", "account_id", "number"),
    sqlite_autoincrement=True,
)

# Accounts whose additions look like a list; a row stays until an operator has looked.
ADDITION_HOLD = Table(
    "addition_hold",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("since", Float, nullable=False),
    Column("signs", Text, nullable=False),  # a space between two
    Column("additions", Integer, nullable=False),
)

# An import, from its first row to its end (gateway.imports.case). ``sealed``: who, from where, why, how the
# file is read. ``tally``: what was counted so far, until the case has ended. ``line`` is the cursor of what
# was read, ``bucket`` that of what was applied.
IMPORT_CASE = Table(
    "import_case",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("account_id", Integer, nullable=False),
    Column("list_id", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("asks", Boolean, nullable=False),  # each row by its own double opt-in
    Column("sealed", LargeBinary, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("touched_at", Float, nullable=False),
    Column("decided_at", Float),
    Column("line", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("tally", LargeBinary, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("faults", Integer, nullable=False),
    Column("report", Text, nullable=False),  # JSON; "" until it is examined
    Column("bucket", Integer, nullable=False),
    Column("asked", Integer, nullable=False),  # for their own double opt-in
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    Index("import_case_account_id_number", "account_id", "number"),
    Index("import_case_state", "state"),
    sqlite_autoincrement=True,
)

# Rows of imports that do not count yet. A bucket is the first octet of the hash: rows are written in 256
# places, and applied in the order of their hashes, which writes each page of the subscriptions once.
# ``sealed`` is sealed as the subscription's own value, so that it becomes that as it is.
IMPORT_ROW = Table(
    "import_row",
    METADATA,
    Column("case_number", Integer, primary_key=True, autoincrement=False),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("address_hash", LargeBinary, nullable=False),
    Column("person", LargeBinary, nullable=False),  # the provider's own hash of it
    Column("evidenced", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Lines of imports that were not taken, and why; no address stands in a reason.
IMPORT_FAULT = Table(
    "import_fault",
    METADATA,
    Column("case_number", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)

# A sample of who is, or was, on which list, by the provider's own hash of the address: the persons whose hash
# is small (gateway.store.person_sample), at all accounts the same.
PERSON_SAMPLE = Table(
    "person_sample",
    METADATA,
    Column("person", LargeBinary, primary_key=True),
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Index("person_sample_account_id", "account_id"),  # an account goes with all of its rows
    sqlite_with_rowid=False,
)
