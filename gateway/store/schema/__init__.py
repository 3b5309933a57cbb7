"""The tables, as they stand after the last migration; a test holds the two together.

Numbers are the ids, and are never given out twice: links and seals name them. Times are seconds since the
epoch, UTC. Account 0 is the provider itself, and has no row in ``account``.
"""

from gateway.store.schema.accounts import (
    ACCOUNT,
    ACCOUNT_KEY,
    ACCOUNTS_REVISION,
    API_KEY,
    BRAND,
    DKIM_KEY,
    DOMAIN,
    IDEMPOTENCY,
    MAIL_LIST,
    REVISION,
    SPELLING,
    WEBHOOK,
)
from gateway.store.schema.additions import (
    ADDITION,
    ADDITION_HOLD,
    IMPORT_CASE,
    IMPORT_FAULT,
    IMPORT_ROW,
    PERSON_SAMPLE,
)
from gateway.store.schema.metadata import METADATA, PROVIDER_ID
from gateway.store.schema.people import (
    DO_NOT_MAIL,
    INVITATION,
    LETTER,
    NEVER_INVITE,
    SIGNUP,
    SUBSCRIPTION,
    SUPPRESSION,
)
from gateway.store.schema.records import (
    ERASURE,
    EVENT,
    HOUSE_SECRET,
    LEDGER,
    LEDGER_HEAD,
    OF_A_SUBMISSION,
    SHOWN_TEXT,
)

__all__ = [
    "ACCOUNT",
    "ACCOUNTS_REVISION",
    "ACCOUNT_KEY",
    "ADDITION",
    "ADDITION_HOLD",
    "API_KEY",
    "BRAND",
    "DKIM_KEY",
    "DOMAIN",
    "DO_NOT_MAIL",
    "ERASURE",
    "EVENT",
    "HOUSE_SECRET",
    "IDEMPOTENCY",
    "IMPORT_CASE",
    "IMPORT_FAULT",
    "IMPORT_ROW",
    "INVITATION",
    "LEDGER",
    "LEDGER_HEAD",
    "LETTER",
    "MAIL_LIST",
    "METADATA",
    "NEVER_INVITE",
    "OF_A_SUBMISSION",
    "PERSON_SAMPLE",
    "PROVIDER_ID",
    "REVISION",
    "SHOWN_TEXT",
    "SIGNUP",
    "SPELLING",
    "SUBSCRIPTION",
    "SUPPRESSION",
    "WEBHOOK",
]
