"""Sign-ups as rows: what is sealed in them, what is known before one is made, and how they go."""

import json
from dataclasses import astuple, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, select

from gateway.model.address import parse_address
from gateway.model.facts import AccountState, Basis, SubscriptionState
from gateway.model.letter import LetterKind
from gateway.model.signup import DAY, HOUR, Known, Pending, Wish
from gateway.ports import Keyring
from gateway.store.bond import Standing
from gateway.store.letters import drop_letters
from gateway.store.not_me import may_be_asked
from gateway.store.refusals import NoSuchList, Suspended
from gateway.store.schema import ACCOUNT, MAIL_LIST, SIGNUP, SUBSCRIPTION
from gateway.store.subscription_rows import Bond

LETTERS = (LetterKind.SIGNUP, LetterKind.REMINDER)


@dataclass(frozen=True, slots=True)
class Names:
    """What a list and its account are called."""

    account: str
    mail_list: str  # its name, or its List-Id where it has none
    list_identifier: str
    description: str
    frequency: str
    language: str  # a tag, or ""


@dataclass(frozen=True, slots=True)
class Details:
    """What rests sealed."""

    address: str
    language: str
    source: str
    ip: str


@dataclass(frozen=True, slots=True)
class Stay:
    """One sign-up among those of a person at a list, and its time."""

    id: bytes
    asked_at: float
    expires_at: float


def names_of_list(connection: Connection, account_id: int, list_id: int) -> Names:
    """Return the names; raise NoSuchList, and Suspended for an account that may not write to anybody."""
    query = _named(select(ACCOUNT.c.state)).where(MAIL_LIST.c.id == list_id, ACCOUNT.c.id == account_id)
    row = connection.execute(query.select_from(MAIL_LIST).join(ACCOUNT, _OWNER)).one_or_none()
    if row is None:
        raise NoSuchList(f"account {account_id} has no list with the number {list_id}")
    if not AccountState(row.state).may_send:
        raise Suspended(f"the account {row.account_name} may not write to anybody now")
    return names_of(row)


_OWNER = ACCOUNT.c.id == MAIL_LIST.c.account_id


def _named(query: Select[Any]) -> Select[Any]:
    return query.add_columns(
        ACCOUNT.c.name.label("account_name"),
        MAIL_LIST.c.name.label("list_name"),
        MAIL_LIST.c.list_id.label("list_identifier"),
        MAIL_LIST.c.description,
        MAIL_LIST.c.frequency,
        MAIL_LIST.c.language,
    )


def names_of(row: Row[Any]) -> Names:
    """Return the names that a row has beside it."""
    return Names(
        row.account_name,
        row.list_name or row.list_identifier,
        row.list_identifier,
        row.description,
        row.frequency,
        row.language,
    )


def waiting(*which: ColumnElement[bool]) -> Select[Any]:
    """Return the query of sign-ups with their names."""
    query = _named(select(SIGNUP)).join(MAIL_LIST, MAIL_LIST.c.id == SIGNUP.c.list_id).join(ACCOUNT, _OWNER)
    return query.where(ACCOUNT.c.id == SIGNUP.c.account_id, *which)


def here(bond: Bond) -> ColumnElement[bool]:
    """The condition that only the bond's sign-up fulfils."""
    return and_(
        SIGNUP.c.account_id == bond.account_id,
        SIGNUP.c.list_id == bond.list_id,
        SIGNUP.c.address_hash == bond.address_hash,
    )


def bond_of(row: Row[Any]) -> Bond:
    """Return whose sign-up a row is."""
    return Bond(row.account_id, row.list_id, row.address_hash)


def known(connection: Connection, bond: Bond, person: bytes, before: Standing | None, now: float) -> Known:
    """Return all that decides about a wish."""
    row = connection.execute(
        select(SIGNUP.c.asked_at, SIGNUP.c.reminded_at).where(here(bond), SIGNUP.c.expires_at > now)
    ).one_or_none()
    recent = select(func.count()).select_from(SIGNUP).where(SIGNUP.c.person == person)
    return Known(
        state=before.state if before else None,
        basis=before.basis if before else None,
        suppressed=not may_be_asked(connection, bond.account_id, bond.address_hash, now),
        asked_at=row.asked_at if row else None,
        reminded=row is not None and row.reminded_at is not None,
        hour=connection.execute(recent.where(SIGNUP.c.asked_at > now - HOUR)).scalar_one(),
        day=connection.execute(recent.where(SIGNUP.c.asked_at > now - DAY)).scalar_one(),
    )


def details_of(wish: Wish) -> Details:
    """Return what is kept of a wish."""
    return Details(str(wish.address), wish.language, wish.origin.source, wish.origin.ip)


def seal_details(keyring: Keyring, bond: Bond, details: Details) -> bytes:
    """Return the details as they rest."""
    return keyring.seal(bond.account_id, json.dumps(astuple(details)).encode(), _context(bond))


def open_details(keyring: Keyring, row: Row[Any]) -> Details:
    """Return the details of a row; raise KeyError where the account's key is gone."""
    bond = bond_of(row)
    return Details(*json.loads(keyring.open(bond.account_id, row.sealed, _context(bond))))


def pending_of(row: Row[Any], details: Details) -> Pending:
    """Return a row with its names as what a letter or a page says."""
    return pending_from(bond_of(row), names_of(row), details, Stay(row.id, row.asked_at, row.expires_at))


def pending_from(bond: Bond, names: Names, details: Details, stay: Stay) -> Pending:
    """Return a sign-up as what a letter or a page says, whether there is a row or not yet."""
    return Pending(
        bond.account_id,
        bond.list_id,
        bond.address_hash,
        stay.id,
        parse_address(details.address),
        details.language or names.language,
        details.source,
        details.ip,
        stay.asked_at,
        stay.expires_at,
        names.account,
        names.mail_list,
        names.list_identifier,
        names.description,
        names.frequency,
    )


def forget(connection: Connection, bond: Bond) -> None:
    """Delete a sign-up and those of its letters that no worker has taken."""
    connection.execute(delete(SIGNUP).where(here(bond)))
    drop_letters(connection, bond.account_id, bond.list_id, bond.address_hash, LETTERS)


def end_pending(connection: Connection, bond: Bond) -> None:
    """Delete the subscription that there is for nothing but the sign-up."""
    pending = SUBSCRIPTION.c.state == str(SubscriptionState.PENDING)
    own = SUBSCRIPTION.c.basis == str(Basis.DOUBLE_OPT_IN)
    connection.execute(delete(SUBSCRIPTION).where(bond.here, pending, own))


def _context(bond: Bond) -> bytes:
    return b"signup:%d:%s" % (bond.list_id, bond.address_hash)
