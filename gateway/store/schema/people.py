"""People: who is on which list, who asks to be, who was invited, who wants no mail."""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, Table, Text, text

from gateway.store.schema.metadata import METADATA

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

_NOT_REMINDED = text("reminded_at IS NULL")

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
    Index("signup_asked_at", "asked_at", sqlite_where=_NOT_REMINDED, postgresql_where=_NOT_REMINDED),
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
    Index("letter_account_id_address_hash", "account_id", "address_hash"),
    sqlite_with_rowid=False,
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
