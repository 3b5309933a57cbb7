"""Which table belongs to whom: to an account, to a person, to the house. One place that says it.

What it promises: a table that is in none of the lists fails a test (tests/unit/store/test_belongings.py),
so that nobody adds one that outlives its account. The order is that of the deletion: lists go first,
because nothing is added to an account that has none, and the account's own row goes last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, select, tuple_

from gateway.store.schema import (
    ACCOUNT,
    ACCOUNT_KEY,
    ADDITION,
    ADDITION_HOLD,
    API_KEY,
    BRAND,
    DKIM_KEY,
    DO_NOT_MAIL,
    DOMAIN,
    ERASURE,
    EVENT,
    HOUSE_SECRET,
    IDEMPOTENCY,
    IMPORT_CASE,
    IMPORT_FAULT,
    IMPORT_ROW,
    INVITATION,
    LEDGER,
    LEDGER_HEAD,
    LETTER,
    MAIL_LIST,
    NEVER_INVITE,
    PERSON_SAMPLE,
    REVISION,
    SHOWN_TEXT,
    SIGNUP,
    SUBSCRIPTION,
    SUPPRESSION,
    WEBHOOK,
)

Condition = Callable[[int], ColumnElement[bool]]
"""What the rows of an account fulfil."""


class Hash(StrEnum):
    """Under whose key a person's hash stands."""

    ACCOUNT = "account"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Belonging:
    """A table of accounts, and the columns by which a person is found in it."""

    table: Table
    of_account: Condition
    person: Mapping[str, Hash]  # empty: nobody is named in it by a hash


def _own(table: Table, **person: Hash) -> Belonging:
    return Belonging(table, lambda account_id: table.c.account_id == account_id, person)


def _keys_of_domains(account_id: int) -> ColumnElement[bool]:
    return DKIM_KEY.c.domain_id.in_(select(DOMAIN.c.id).where(DOMAIN.c.account_id == account_id))


def _of_imports(table: Table, **person: Hash) -> Belonging:
    def condition(account_id: int) -> ColumnElement[bool]:
        return table.c.case_number.in_(
            select(IMPORT_CASE.c.number).where(IMPORT_CASE.c.account_id == account_id)
        )

    return Belonging(table, condition, person)


BELONGINGS: tuple[Belonging, ...] = (
    _own(MAIL_LIST),
    _own(API_KEY),
    _own(ADDITION),
    _own(ADDITION_HOLD),
    _own(IDEMPOTENCY),  # for a day; keyed hashes of requests, and sealed answers
    _own(WEBHOOK),
    _own(SUBSCRIPTION, address_hash=Hash.ACCOUNT),
    _own(SUPPRESSION, address_hash=Hash.ACCOUNT),
    _own(SIGNUP, address_hash=Hash.ACCOUNT, person=Hash.PROVIDER),
    _own(INVITATION, address_hash=Hash.ACCOUNT, person=Hash.PROVIDER),
    _of_imports(IMPORT_ROW, address_hash=Hash.ACCOUNT, person=Hash.PROVIDER),
    _of_imports(IMPORT_FAULT),
    _own(IMPORT_CASE),
    _own(PERSON_SAMPLE, person=Hash.PROVIDER),
    _own(LETTER, address_hash=Hash.ACCOUNT),
    _own(LEDGER, subject=Hash.ACCOUNT),  # of a person its entries are emptied, and the chain holds
    _own(LEDGER_HEAD),
    _own(SHOWN_TEXT),
    Belonging(DKIM_KEY, _keys_of_domains, {}),
    _own(DOMAIN),
    _own(BRAND),
    _own(EVENT),
    Belonging(ACCOUNT, lambda account_id: ACCOUNT.c.id == account_id, {}),
)
"""In the order in which they are deleted. The account's key is none of them: it is destroyed before."""

OF_THE_HOUSE = frozenset({ACCOUNT_KEY, DO_NOT_MAIL, ERASURE, HOUSE_SECRET, NEVER_INVITE, REVISION})

SMALL = (ACCOUNT_KEY, ACCOUNT, MAIL_LIST, DOMAIN, API_KEY, WEBHOOK)
"""What holds names in clear, or keys: written anew where the whole store is not (gateway.store.rest)."""


def delete_some(connection: Connection, one: Belonging, account_id: int, limit: int) -> int:
    """Delete up to ``limit`` of an account's rows of a table; return how many."""
    return delete_where(connection, one.table, one.of_account(account_id), limit)


def delete_where(connection: Connection, table: Table, condition: ColumnElement[bool], limit: int) -> int:
    """Delete up to ``limit`` rows that fulfil a condition; return how many."""
    key: list[Column[object]] = list(table.primary_key.columns)
    chosen = select(*key).where(condition).limit(limit)
    these = key[0].in_(chosen) if len(key) == 1 else tuple_(*key).in_(chosen)
    return connection.execute(delete(table).where(these)).rowcount


def found_in(one: Belonging, account_id: int, here: bytes, everywhere: bytes) -> ColumnElement[bool] | None:
    """Return what a person's rows of a table fulfil at an account; None where nobody is named in it."""
    if not one.person:
        return None
    column, whose = next(iter(one.person.items()))
    return one.of_account(account_id) & (
        one.table.c[column] == (here if whose is Hash.ACCOUNT else everywhere)
    )
