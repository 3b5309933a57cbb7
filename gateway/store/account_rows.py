"""Accounts as rows: reading one with its domains and lists, and marking that something changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, select, update

from gateway.model.facts import Account, AccountState, ConsentLevel, MailList, OverQuota
from gateway.model.rate import Rate, parse_rate
from gateway.store.schema import ACCOUNT, ACCOUNTS_REVISION, DOMAIN, MAIL_LIST, REVISION

_NAME = re.compile(r"[a-z0-9._-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account, and what a password is checked against."""

    account: Account
    password_hash: str


def is_account_name(name: str) -> bool:
    """Whether an account may have the name; a database need not be asked for what a client made up."""
    return _NAME.match(name) is not None


def read_account(connection: Connection, which: ColumnElement[bool]) -> KnownAccount | None:
    """Return the account of a condition that no two fulfil, or None."""
    row = connection.execute(select(ACCOUNT).where(which)).one_or_none()
    return None if row is None else _known(connection, row)


def read_accounts(connection: Connection) -> Iterator[KnownAccount]:
    """Yield all accounts in the order of their names."""
    for row in connection.execute(select(ACCOUNT).order_by(ACCOUNT.c.name)).all():
        yield _known(connection, row)


def read_revision(connection: Connection) -> int:
    """Return the revision that this transaction sees."""
    query = select(REVISION.c.value).where(REVISION.c.name == ACCOUNTS_REVISION)
    return int(connection.execute(query).scalar_one())


def bump_revision(connection: Connection) -> None:
    """Say in the changing transaction itself that accounts, domains, lists or keys have changed."""
    this = REVISION.c.name == ACCOUNTS_REVISION
    connection.execute(update(REVISION).where(this).values(value=REVISION.c.value + 1))


def rates_text(rates: tuple[Rate, ...]) -> str:
    """Return rates as they rest."""
    return " ".join(str(rate) for rate in rates)


def _known(connection: Connection, row: Row[tuple[object, ...]]) -> KnownAccount:
    lists = tuple(_lists(connection, row.id))
    account = Account(
        id=row.id,
        name=row.name,
        state=AccountState(row.state),
        state_reason=row.state_reason,
        consent=ConsentLevel(row.consent),
        rates=tuple(parse_rate(text) for text in row.rates.split()),
        burst=row.burst,
        over_quota=OverQuota(row.over_quota),
        domains=frozenset(_verified_domains(connection, row.id)),
        lists=lists,
        default_list=next((one for one in lists if one.id == row.default_list_id), None),
        terms=row.terms_version,
        terms_accepted_at=row.terms_accepted_at,
        erase_at=row.erase_at,
    )
    return KnownAccount(account, row.password_hash)


def _verified_domains(connection: Connection, account_id: int) -> Iterator[str]:
    query = select(DOMAIN.c.name).where(DOMAIN.c.account_id == account_id, DOMAIN.c.verified_at.is_not(None))
    yield from connection.execute(query).scalars()


def _lists(connection: Connection, account_id: int) -> Iterator[MailList]:
    query = select(MAIL_LIST).where(MAIL_LIST.c.account_id == account_id).order_by(MAIL_LIST.c.id)
    for row in connection.execute(query):
        words = (row.name, row.description, row.frequency, row.language)
        yield MailList(row.id, row.account_id, row.list_id, *words)
