"""The tables, as they stand after the last migration; a test holds the two together.

Numbers are the ids, and are never given out twice: links and seals name them. Times are seconds since the
epoch, UTC. Account 0 is the provider itself, and has no row in ``account``.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

PROVIDER_ID = 0

METADATA = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

# default_list_id is no foreign key: a list refers to its account already, and neither could be made first.
ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("state_changed_at", Float, nullable=False),
    Column("consent", Text, nullable=False),
    Column("rates", Text, nullable=False),  # as people write them, a space between two
    Column("burst", Integer, nullable=False),
    Column("over_quota", Text, nullable=False),
    Column("default_list_id", Integer),
    Column("created_at", Float, nullable=False),
    Column("terms_version", Text, nullable=False, server_default=""),  # the terms that it accepted last
    Column("terms_accepted_at", Float),
    Column("cancelled_at", Float),
    Column("erase_at", Float),  # from then on it is erased, and no longer restored
    Column("state_before", Text, nullable=False, server_default=""),  # it was cancelled, and why
    Column("reason_before", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

ACCOUNT_KEY = Table(
    "account_key",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
)

DOMAIN = Table(
    "domain",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, nullable=False, index=True),
    Column("name", Text, nullable=False, unique=True),  # A-labels, lower case
    Column("verified_at", Float),
    sqlite_autoincrement=True,
)

DKIM_KEY = Table(
    "dkim_key",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("domain_id", Integer, ForeignKey("domain.id", ondelete="CASCADE"), nullable=False),
    Column("selector", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("private", LargeBinary, nullable=False),  # PKCS#8 in DER, sealed
    Column("public", Text, nullable=False),  # the DNS record's text
    Column("created_at", Float, nullable=False),
    Column("active", Boolean, nullable=False),
    UniqueConstraint("domain_id", "selector"),
    sqlite_autoincrement=True,
)

MAIL_LIST = Table(
    "mail_list",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("list_id", Text, nullable=False),  # RFC 2919, without brackets
    Column("folded", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),  # what one subscribes to
    Column("frequency", Text, nullable=False, server_default=""),  # how often, in words
    Column("language", Text, nullable=False, server_default=""),  # of its footer; "": the operator's
    UniqueConstraint("account_id", "folded"),
    sqlite_autoincrement=True,
)

# The look-up of every recipient of every message. No foreign keys: a check for each of a million rows would
# cost more than the row, and Subscriptions makes sure of the list once for all of them.
SUBSCRIPTION = Table(
    "subscription",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the address and the source: either may name a person
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),  # when the state was entered
    Column("paused_until", Float, nullable=False, server_default="0"),  # 0: not paused
    Column("left_from", Text, nullable=False, server_default=""),  # the state that leaving ended
    sqlite_with_rowid=False,
)

SUPPRESSION = Table(
    "suppression",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Who has asked to be on a list and has not confirmed it. ``id`` is the ``submission`` of the tokens in the
# letter: a row made anew opens by no earlier link. ``person`` is the provider's own keyed hash of the
# address, the same for all accounts, by which many sign-ups of one person are seen.
SIGNUP = Table(
    "signup",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("id", LargeBinary, nullable=False),  # 16 random octets
    Column("person", LargeBinary, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("reminded_at", Float),
    Column("sealed", LargeBinary, nullable=False),  # the address, and who asked from where, as JSON
    Index("signup_person_asked_at", "person", "asked_at"),
    sqlite_with_rowid=False,
)

# Who was invited to a list by a reader of it, once and for ever. There is no address: they asked for nothing.
INVITATION = Table(
    "invitation",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("id", LargeBinary, nullable=False),  # 16 random octets, the ``submission`` of its token
    Column("person", LargeBinary, nullable=False),  # the provider's hash, as in ``signup``
    Column("invited_at", Float, nullable=False),
    Index("invitation_person_invited_at", "person", "invited_at"),
    sqlite_with_rowid=False,
)

# Who wants no invitations, from anybody: the provider's own, so it stays when an account goes.
NEVER_INVITE = Table(
    "never_invite",
    METADATA,
    Column("person", LargeBinary, primary_key=True),
    Column("since", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Mail that the gateway itself writes, on its way to a worker. One row for each kind, list and address,
# which stays for as long as there may be no second one; ``due_at`` is NULL and ``sealed`` empty when a
# spool has it.
LETTER = Table(
    "letter",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("address_hash", LargeBinary, primary_key=True),
    Column("written_at", Float, nullable=False),
    Column("due_at", Float, index=True),  # a worker that takes it moves this on, as its lease
    Column("sealed", LargeBinary, nullable=False),  # the address and the content
    sqlite_with_rowid=False,
)

# How an account's pages look. A logo's name follows from its octets.
BRAND = Table(
    "brand",
    METADATA,
    Column(
        "account_id",
        Integer,
        ForeignKey("account.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("colour", Text, nullable=False),
    Column("logo_name", Text, nullable=False, index=True),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),  # pixels
    Column("height", Integer, nullable=False),
    Column("logo", LargeBinary, nullable=False),
)

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

API_KEY = Table(
    "api_key",
    METADATA,
    Column("id", Text, primary_key=True),  # a part of the key
    Column("account_id", Integer, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # a space between two
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the key's secret part
    Column("created_at", Float, nullable=False),
    Column("used_at", Float),  # to the hour
    Column("revoked_at", Float),
)

# Requests that were answered, for a day: the account's own keyed hashes of their Idempotency-Key and content.
IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("mark", LargeBinary, primary_key=True),
    Column("print", LargeBinary, nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),  # the answer
    sqlite_with_rowid=False,
)

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

WEBHOOK = Table(
    "webhook",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account_id", Integer, nullable=False, index=True),
    Column("types", Text, nullable=False),  # of notices, a space between two; "": all
    Column("sealed", LargeBinary, nullable=False),  # the URL, which may hold a secret too, and the secret
    Column("state", Text, nullable=False),
    Column("place", Integer().with_variant(BigInteger, "postgresql"), nullable=False),  # told up to here
    Column("failures", Integer, nullable=False),  # since it last worked
    Column("failing_since", Float),
    Column("due_at", Float, nullable=False),  # not to be tried before
    Column("failure", Text, nullable=False),  # the last one, in words that hold no part of the URL
    Column("told_at", Float),  # when it last worked
    Column("created_at", Float, nullable=False),
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

# People whom no tenant's statement brings back, by the provider's own hash of their address.
DO_NOT_MAIL = Table(
    "do_not_mail",
    METADATA,
    Column("person", LargeBinary, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Secrets of the provider that are made when they are needed first, sealed with its key.
HOUSE_SECRET = Table(
    "house_secret",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
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

REVISION = Table(
    "revision",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)
ACCOUNTS_REVISION = "accounts"
SPELLING = "spelling"  # no revision: the rules under which hashes are made (gateway.store.agreement)
