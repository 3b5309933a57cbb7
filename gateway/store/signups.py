"""Sign-ups by double opt-in: from the wish in a form to its owner's yes or no; sync.

What it promises: ``gateway.model.signup.fate`` decides, and whoever asks is not told by any page. A wish, its
letter, its entry in the consent ledger and its event are one transaction, so a letter goes out for what is
kept and for nothing else; so are the answer, the end of the sign-up and of a letter that waits. A yes
confirms once: the sign-up's own id must be there still. Every wish costs one read, one letter composed and
one commit, whatever becomes of it, so that the time of an answer tells little. Fails with StoreAway, and with
NoSuchList and Suspended.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from sqlalchemy import Connection, insert, select, update

from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Act, Deed, Origin
from gateway.model.letter import Letter, LetterKind
from gateway.model.signup import Fate, Pending, Terms, Wish, fate
from gateway.ports import Keyring
from gateway.store import signup_rows
from gateway.store.bond import Change, Standing, subscribe
from gateway.store.database import Store
from gateway.store.do_not_mail import lift
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.farewell import lift_farewell
from gateway.store.ledger import append
from gateway.store.letters import put_letter, seal_letter
from gateway.store.not_me import lift_not_me, say_not_me
from gateway.store.person_sample import remember
from gateway.store.schema import PROVIDER_ID, SIGNUP
from gateway.store.signup_rows import (
    Stay,
    details_of,
    end_pending,
    forget,
    here,
    known,
    names_of_list,
    open_details,
    pending_from,
    pending_of,
    waiting,
)
from gateway.store.subscription_rows import (
    Bond,
    Entry,
    Scribe,
    add_rows,
    change_row,
    joined,
    seal_details,
    standing,
)

_S = SubscriptionState
_ID_LENGTH = 16

Write = Callable[[LetterKind, Pending, float], bytes]
"""Composes a letter: a whole message with CRLF line ends."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """They are on the list, now."""


@dataclass(frozen=True, slots=True)
class ConfirmedBefore:
    """They said yes before."""

    since: float


@dataclass(frozen=True, slots=True)
class Refused:
    """It is over, and no form of the account writes to them."""


@dataclass(frozen=True, slots=True)
class Over:
    """There is no such sign-up any more: answered otherwise, expired, or made anew."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A wish with all that is made of it before the store is asked what becomes of it."""

    wish: Wish
    bond: Bond
    person: bytes
    pending: Pending
    letter: Letter
    sealed_letter: bytes
    sealed: bytes


class Signups:
    """The sign-ups of all accounts. Safe for threads."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._octets = octets
        self._scribe = Scribe(keyring, EventIds(octets))

    def ask(self, wish: Wish, write: Write, terms: Terms, now: float) -> Fate:
        """Take a wish: send its owner the question, or nothing, as ``fate`` says."""
        draft = self._draft(wish, write, terms, now)
        with self._store.write() as connection:
            before = standing(connection, draft.bond)
            decided = fate(known(connection, draft.bond, draft.person, before, now), terms, now)
            match decided:
                case Fate.LETTER:
                    self._begin(connection, draft, before, now)
                case Fate.REMINDER:
                    self._remind(connection, draft, write, now)
                case Fate.WAITING | Fate.SUBSCRIBED | Fate.SUPPRESSED | Fate.BOMBING:
                    pass
                case _:
                    assert_never(decided)
            person = draft.person if decided is Fate.BOMBING else b""
            happened = self._scribe.signed_up(draft.bond, str(decided), person, now)
            insert_events(connection, [happened])
        return decided

    def find(self, bond: Bond, signup_id: bytes, now: float) -> Pending | ConfirmedBefore | Over:
        """Return the sign-up that a link names."""
        with self._store.read() as connection:
            query = waiting(here(bond), SIGNUP.c.id == signup_id, SIGNUP.c.expires_at > now)
            row = connection.execute(query).one_or_none()
            if row is None:
                return _after(standing(connection, bond))
        try:
            return pending_of(row, open_details(self._keyring, row))
        except KeyError:  # the account is being deleted
            return Over()

    def confirm(
        self, bond: Bond, signup_id: bytes, origin: Origin, now: float
    ) -> Confirmed | ConfirmedBefore | Over:
        """Put its owner on the list: bring back who had left, and lift what kept mail from them."""
        found = self.find(bond, signup_id, now)
        if not isinstance(found, Pending):
            return found
        plain = seal_details(str(found.address), found.source)
        sealed = self._keyring.seal(bond.account_id, plain, bond.context)
        entry = Entry(bond, _S.CONFIRMED, Basis.DOUBLE_OPT_IN, sealed)
        person = self._keyring.address_hash(PROVIDER_ID, found.address.identity)
        with self._store.write() as connection:
            before = standing(connection, bond)
            if not _is_there(connection, bond, signup_id):
                return _after(before)
            if before is None:
                add_rows(connection, [entry], now)
            elif subscribe(before, entry.state, entry.basis) is Change.CHANGED:
                change_row(connection, entry, before, now)
            remember(connection, bond.account_id, bond.list_id, [person])
            lift_farewell(connection, bond.account_id, bond.address_hash)
            lift_not_me(connection, bond.account_id, bond.address_hash)
            lift(connection, person)
            forget(connection, bond)
            deed = joined(entry, str(found.address), origin)
            append(connection, self._keyring, bond.account_id, [deed], now)
            subscribed = self._scribe.subscribed(entry, str(found.address), found.source, now)
            insert_events(connection, [subscribed, self._scribe.signed_up(bond, "confirmed", b"", now)])
        return Confirmed()

    def refuse(self, bond: Bond, signup_id: bytes, origin: Origin, result: str, now: float) -> Refused | Over:
        """End a sign-up: it was not them. ``result``: refused, or cancelled by the mail program's button."""
        with self._store.write() as connection:
            if not _is_there(connection, bond, signup_id):
                return Over()
            end_pending(connection, bond)
            forget(connection, bond)
            say_not_me(connection, bond.account_id, bond.address_hash, now)
            deed = Deed(Act.REFUSED, bond.list_id, bond.address_hash, origin, {"result": result})
            append(connection, self._keyring, bond.account_id, [deed], now)
            insert_events(connection, [self._scribe.signed_up(bond, result, b"", now)])
        return Refused()

    def _draft(self, wish: Wish, write: Write, terms: Terms, now: float) -> _Draft:
        """Make all that a new sign-up takes, whether there will be one or not."""
        with self._store.read() as connection:
            names = names_of_list(connection, wish.account_id, wish.list_id)
        identity = wish.address.identity
        bond = Bond(wish.account_id, wish.list_id, self._keyring.address_hash(wish.account_id, identity))
        signup_id = self._octets(_ID_LENGTH)
        details = details_of(wish)
        pending = pending_from(bond, names, details, Stay(signup_id, now, now + terms.expires))
        letter = letter_of(LetterKind.SIGNUP, pending, write, now)
        return _Draft(
            wish,
            bond,
            self._keyring.address_hash(PROVIDER_ID, identity),
            pending,
            letter,
            seal_letter(letter, self._keyring),
            signup_rows.seal_details(self._keyring, bond, details),
        )

    def _begin(self, connection: Connection, draft: _Draft, before: Standing | None, now: float) -> None:
        bond = draft.bond
        forget(connection, bond)  # one that has expired, and was not erased yet
        connection.execute(
            insert(SIGNUP).values(
                account_id=bond.account_id,
                list_id=bond.list_id,
                address_hash=bond.address_hash,
                id=draft.pending.id,
                person=draft.person,
                asked_at=now,
                expires_at=draft.pending.expires_at,
                reminded_at=None,
                sealed=draft.sealed,
            )
        )
        plain = seal_details(str(draft.wish.address), draft.wish.origin.source)
        sealed = self._keyring.seal(bond.account_id, plain, bond.context)
        entry = Entry(bond, _S.PENDING, Basis.DOUBLE_OPT_IN, sealed)
        if before is None:
            add_rows(connection, [entry], now)
        put_letter(connection, draft.letter, draft.sealed_letter, now, 0.0)
        # Without the address: it is erased with a sign-up that nobody confirms, and this stays.
        deed = Deed(Act.SIGNED_UP, bond.list_id, bond.address_hash, draft.wish.origin)
        append(connection, self._keyring, bond.account_id, [deed], now)
        if before is None:
            insert_events(connection, [self._scribe.pending(entry, now)])

    def _remind(self, connection: Connection, draft: _Draft, write: Write, now: float) -> None:
        """Send the one reminder of the sign-up that is there, not of this wish."""
        row = connection.execute(waiting(here(draft.bond))).one()
        remind(connection, self._keyring, pending_of(row, open_details(self._keyring, row)), write, now)


def remind(connection: Connection, keyring: Keyring, pending: Pending, write: Write, now: float) -> None:
    """Write the reminder, and that it was written."""
    bond = Bond(pending.account_id, pending.list_id, pending.address_hash)
    connection.execute(update(SIGNUP).where(here(bond)).values(reminded_at=now))
    letter = letter_of(LetterKind.REMINDER, pending, write, now)
    put_letter(connection, letter, seal_letter(letter, keyring), now, 0.0)


def letter_of(kind: LetterKind, pending: Pending, write: Write, now: float) -> Letter:
    """Return the letter about a sign-up."""
    names = pending.account_id, pending.list_id, pending.address_hash
    return Letter(kind, *names, pending.address, write(kind, pending, now))


def _is_there(connection: Connection, bond: Bond, signup_id: bytes) -> bool:
    query = select(SIGNUP.c.id).where(here(bond), SIGNUP.c.id == signup_id).with_for_update()
    return connection.execute(query).one_or_none() is not None


def _after(before: Standing | None) -> ConfirmedBefore | Over:
    """Say what a link means whose sign-up is gone."""
    if before and before.state is _S.CONFIRMED and before.basis is Basis.DOUBLE_OPT_IN:
        return ConfirmedBefore(before.since)
    return Over()
