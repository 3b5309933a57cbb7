"""Accounts, domains and lists, as the command line makes and changes them; sync.

What it promises: each change is one transaction that also bumps the revision, so that every process sees it
within a second. It fails with StoreAway, and with a ``StoreRefusal`` whose text is for the one who asked.
The name ``provider`` is the provider itself, account 0: it has domains and keys, and cannot log in.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher
from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.exc import IntegrityError

from gateway.model.address import MalformedAddress, ascii_domain
from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import Account, AccountState, ConsentLevel, MailList, OverQuota
from gateway.model.rate import Rate
from gateway.store.account_rows import bump_revision, is_account_name, rates_text, read_account, read_accounts
from gateway.store.database import Store
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.keys import StoreKeyring
from gateway.store.passwords import hash_password
from gateway.store.refusals import (
    AlreadyThere,
    BadName,
    IsCancelled,
    NoSuchAccount,
    NoSuchDomain,
    NoSuchList,
)
from gateway.store.schema import ACCOUNT, DOMAIN, MAIL_LIST, PROVIDER_ID

PROVIDER = "provider"
RESERVED = frozenset({PROVIDER, "abuse", "admin", "administrator", "mailer-daemon", "postmaster", "root"})

WORDS = {"name": 90, "description": 500, "frequency": 60, "language": 35}
"""What a list says of itself, in characters."""

_HOST_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*\Z")
# RFC 2919 section 2: a label and a namespace, both dot-atoms; section 4.1 limits it to 255 octets.
_LIST_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")  # RFC 5646 section 2.1, without its oddities
_LIST_ID = re.compile(rf"{_LIST_ATOM}(?:\.{_LIST_ATOM})+\Z")


@dataclass(frozen=True, slots=True)
class Domain:
    """A registered domain. ``verified_at`` in seconds since the epoch; None: not yet."""

    id: int
    account_id: int
    name: str
    verified_at: float | None


class Registry:
    """What the provider's people do."""

    def __init__(
        self,
        store: Store,
        keyring: StoreKeyring,
        hasher: PasswordHasher | None = None,
        octets: Octets = os.urandom,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._hasher = hasher
        self._ids = EventIds(octets)

    def add_account(  # noqa: PLR0917 - what there is to say of one; callers name them
        self,
        name: str,
        password: str,
        consent: ConsentLevel,
        rates: tuple[Rate, ...],
        burst: int,
        over_quota: OverQuota,
        now: float,
    ) -> Account:
        """Make an account with a key of its own; raise BadName, AlreadyThere, StoreAway."""
        _check_name(name)
        row = ACCOUNT.insert().values(
            name=name,
            password_hash=hash_password(password, self._hasher),
            state=str(AccountState.ACTIVE),
            state_reason="",
            state_changed_at=now,
            consent=str(consent),
            rates=rates_text(rates),
            burst=burst,
            over_quota=str(over_quota),
            created_at=now,
        )
        with self._change(f"there is an account {name} already") as connection:
            account_id = connection.execute(row.returning(ACCOUNT.c.id)).scalar_one()
            self._keyring.create(connection, account_id)
            return _account(connection, name)

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password; raise NoSuchAccount, StoreAway."""
        hashed = hash_password(password, self._hasher)
        with self._change() as connection:
            account = _account(connection, name)
            this = ACCOUNT.c.id == account.id
            connection.execute(update(ACCOUNT).where(this).values(password_hash=hashed))

    def account(self, name: str) -> Account | None:
        """Return the account of that name, or None; raise StoreAway."""
        return self._find(ACCOUNT.c.name == name)

    def account_by_id(self, account_id: int) -> Account | None:
        """Return the account of that number, or None; raise StoreAway."""
        return self._find(ACCOUNT.c.id == account_id)

    def accounts(self) -> list[Account]:
        """Return all accounts by name; raise StoreAway."""
        with self._store.read() as connection:
            return [known.account for known in read_accounts(connection)]

    def set_state(self, name: str, state: AccountState, reason: str, actor: str, now: float) -> Account:
        """Move an account on the ladder; an event says who did it.

        Raise NoSuchAccount, StoreAway, and IsCancelled where only gateway.store.endings leads back.
        """
        with self._change() as connection:
            before = _account(connection, name)
            if before.state is AccountState.CANCELLED:
                raise IsCancelled(
                    f"account {name} is cancelled: consentry account restore {name} brings it back"
                )
            connection.execute(
                update(ACCOUNT)
                .where(ACCOUNT.c.id == before.id)
                .values(state=str(state), state_reason=reason, state_changed_at=now)
            )
            facts = {"account": name, "from": str(before.state), "to": str(state)}
            # An operator's words may name a person.
            data = {"reason": reason, "actor": actor}
            event = Event(
                self._ids.next(now), EventType.ACCOUNT_STATE, now, before.id, facts=facts, data=data
            )
            insert_events(connection, [seal_event(event, self._keyring.seal)])
            return _account(connection, name)

    def add_domain(self, account_name: str, domain: str, verified: bool, now: float) -> Domain:  # noqa: FBT001 - the command line's own option, named by every caller
        """Register a sending domain; raise BadName, AlreadyThere, NoSuchAccount, StoreAway."""
        name = domain_name(domain)
        with self._change(f"the domain {name} is registered already") as connection:
            values = {"account_id": _account_id(connection, account_name), "name": name}
            connection.execute(DOMAIN.insert().values(**values, verified_at=now if verified else None))
            return _domain(connection, name)

    def verify_domain(self, domain: str, now: float) -> Domain:
        """Mark that the account has proved the domain to be its own; raise NoSuchDomain, StoreAway."""
        name = domain_name(domain)
        with self._change() as connection:
            found = _domain(connection, name)
            if found.verified_at is None:
                connection.execute(update(DOMAIN).where(DOMAIN.c.id == found.id).values(verified_at=now))
            return _domain(connection, name)

    def domains(self, account_name: str) -> list[Domain]:
        """Return an account's domains by name; raise NoSuchAccount, StoreAway."""
        with self._store.read() as connection:
            this = DOMAIN.c.account_id == _account_id(connection, account_name)
            rows = connection.execute(select(DOMAIN).where(this).order_by(DOMAIN.c.name))
            return [Domain(row.id, row.account_id, row.name, row.verified_at) for row in rows]

    def add_list(self, account_name: str, list_id: str, name: str, default: bool) -> MailList:  # noqa: FBT001 - the command line's own option, named by every caller
        """Make a list; raise BadName, AlreadyThere, NoSuchAccount, StoreAway.

        ``default``: what a message goes to that names none.
        """
        check_list_id(list_id)
        with self._change(f"account {account_name} has a list {list_id} already") as connection:
            account = _account(connection, account_name)
            values = {
                "account_id": account.id,
                "list_id": list_id,
                "folded": list_id.casefold(),
                "name": name,
            }
            number = connection.execute(
                MAIL_LIST.insert().values(**values).returning(MAIL_LIST.c.id)
            ).scalar_one()
            if default:
                _make_default(connection, account.id, number)
            return MailList(number, account.id, list_id, name)

    def describe_list(self, account_name: str, list_id: str, words: Mapping[str, str]) -> MailList:
        """Say what a list is called, is about, how often it comes, and in which language (``WORDS``).

        What is not named stays. Raise NoSuchAccount, NoSuchList, BadName, StoreAway.
        """
        for key, text in words.items():
            check_words(key, text)
        with self._change() as connection:
            found = _account(connection, account_name).list_named(list_id)
            if found is None:
                raise NoSuchList(f"account {account_name} has no list {list_id}")
            if words:
                connection.execute(update(MAIL_LIST).where(MAIL_LIST.c.id == found.id).values(**words))
            return next(one for one in _account(connection, account_name).lists if one.id == found.id)

    def set_default_list(self, account_name: str, list_id: str) -> None:
        """Say what a message goes to that names none; raise NoSuchAccount, NoSuchList, StoreAway."""
        with self._change() as connection:
            account = _account(connection, account_name)
            found = account.list_named(list_id)
            if found is None:
                raise NoSuchList(f"account {account_name} has no list {list_id}")
            _make_default(connection, account.id, found.id)

    def lists(self, account_name: str) -> list[MailList]:
        """Return an account's lists in the order of their making; raise NoSuchAccount, StoreAway."""
        with self._store.read() as connection:
            return list(_account(connection, account_name).lists)

    def list_by_id(self, account_id: int, list_id: int) -> MailList | None:
        """Return an account's list by its number, or None; raise StoreAway."""
        account = self.account_by_id(account_id)
        return next((one for one in account.lists if one.id == list_id), None) if account else None

    def _find(self, which: ColumnElement[bool]) -> Account | None:
        with self._store.read() as connection:
            known = read_account(connection, which)
            return known.account if known else None

    @contextmanager
    def _change(self, twice: str = "it is there already") -> Iterator[Connection]:
        """Give a transaction that bumps the revision; ``twice`` tells of what is there already."""
        try:
            with self._store.write() as connection:
                yield connection
                bump_revision(connection)
        except IntegrityError as error:
            raise AlreadyThere(twice) from error


def domain_name(domain: str) -> str:
    """Return a domain in A-labels as it is stored; raise BadName."""
    try:
        name = ascii_domain(domain.strip().rstrip("."))
    except MalformedAddress as error:
        raise BadName(f"{domain!r} is no domain: {error}") from error
    if len(name) > 253 or not _DOMAIN.match(name):
        raise BadName(f"{domain!r} is no domain name")
    return name


def _account_id(connection: Connection, name: str) -> int:
    return PROVIDER_ID if name == PROVIDER else _account(connection, name).id


def _account(connection: Connection, name: str) -> Account:
    known = read_account(connection, ACCOUNT.c.name == name)
    if known is None:
        raise NoSuchAccount(f"there is no account {name}")
    return known.account


def _domain(connection: Connection, name: str) -> Domain:
    row = connection.execute(select(DOMAIN).where(DOMAIN.c.name == name)).one_or_none()
    if row is None:
        raise NoSuchDomain(f"the domain {name} is not registered")
    return Domain(row.id, row.account_id, row.name, row.verified_at)


def _make_default(connection: Connection, account_id: int, list_id: int) -> None:
    connection.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(default_list_id=list_id))


def _check_name(name: str) -> None:
    if not is_account_name(name):
        raise BadName(f"{name!r} is no account name: 1 to 64 of a to z, 0 to 9, dot, hyphen and underscore")
    if name in RESERVED:
        raise BadName(f"the name {name} is reserved")


def check_words(key: str, text: str) -> None:
    """Raise BadName where a list may not say so of itself.

    Readers see them on pages and in letters, each on a line of its own.
    """
    if len(text) > WORDS[key]:
        raise BadName(f"the {key} is longer than {WORDS[key]} characters")
    if not text.isprintable():
        raise BadName(f"the {key} holds control characters")
    if key == "language" and text and not _LANGUAGE.match(text):
        raise BadName(f"{text!r} is no language: write its tag, as de or pt-BR (RFC 5646)")


def check_list_id(list_id: str) -> None:
    """Raise BadName where it is no List-Id."""
    if len(list_id) > 255 or not _LIST_ID.match(list_id):
        raise BadName(f"{list_id!r} is no List-Id: write it without brackets, as news.example.org (RFC 2919)")
