"""Accounts and what they own: keys, domains, lists, brands, webhooks; and the number of their changes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from gateway.store.schema.metadata import METADATA

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

REVISION = Table(
    "revision",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)
ACCOUNTS_REVISION = "accounts"
SPELLING = "spelling"  # no revision: the rules under which hashes are made (gateway.store.agreement)
