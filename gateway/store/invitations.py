"""Invitations: one for each list and friend, ever, and none for who wants none; sync.

What it promises: what decides, the invitation, its letter and its entry in the ledger are one transaction; of
the friend there stays a keyed hash and no address, because they asked for nothing. Every recommendation costs
a letter composed and a commit, whatever becomes of it. Who says "never again" is left alone by all accounts:
that is kept under the provider's own hash of the person, and outlives the accounts. Fails with StoreAway,
NoSuchList and Suspended.
"""

import os
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Select, func, insert, literal, select

from gateway.model.ledger import SUBSCRIBER, Act, Deed, Origin
from gateway.model.letter import Letter, LetterKind
from gateway.model.recommendation import Invitation, KnownFriend, Recommendation, Result, result
from gateway.model.signup import DAY
from gateway.ports import Keyring
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.do_not_mail import kept_among
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.ledger import append
from gateway.store.letters import put_letter, seal_letter
from gateway.store.schema import INVITATION, NEVER_INVITE, PROVIDER_ID, SIGNUP, SUBSCRIPTION, SUPPRESSION
from gateway.store.signup_rows import here, names_of_list
from gateway.store.subscription_rows import Bond, Scribe

_ID_LENGTH = 16

Invite = Callable[[Invitation, float], bytes]
"""Composes an invitation: a whole message with CRLF line ends."""


class Invitations:
    """The invitations of all accounts. Safe for threads."""

    def __init__(self, store: Store, keyring: Keyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._octets = octets
        self._scribe = Scribe(keyring, EventIds(octets))

    def recommend(self, what: Recommendation, write: Invite, most: int, now: float) -> Result:
        """Invite the friend, or do nothing, as ``result`` says; ``most``: invitations to one in a day."""
        identity = what.friend.identity
        bond = Bond(what.account_id, what.list_id, self._keyring.address_hash(what.account_id, identity))
        person = self._keyring.address_hash(PROVIDER_ID, identity)
        invitation = self._invitation(what, bond)
        names = bond.account_id, bond.list_id, bond.address_hash
        letter = Letter(LetterKind.INVITATION, *names, what.friend, write(invitation, now))
        sealed = seal_letter(letter, self._keyring)
        with self._store.write() as connection:
            decided = result(_known(connection, bond, person, now), most)
            if decided is Result.INVITED:
                _keep(connection, invitation, person, now)
                put_letter(connection, letter, sealed, now, 0.0)
                append(connection, self._keyring, bond.account_id, [_deed(what, bond)], now)
            insert_events(connection, [self._scribe.signed_up(bond, f"recommended: {decided}", b"", now)])
        return decided

    def is_open(self, bond: Bond, invitation_id: bytes) -> bool:
        """Whether there is such an invitation."""
        with self._store.read() as connection:
            return _person(connection, bond, invitation_id) is not None

    def never_again(self, bond: Bond, invitation_id: bytes, now: float) -> bool:
        """Keep all accounts from inviting this person; False where there is no such invitation."""
        with self._store.write() as connection:
            person = _person(connection, bond, invitation_id)
            if person is None:
                return False
            row = dialect.insert(connection, NEVER_INVITE).values(person=person, since=now)
            connection.execute(row.on_conflict_do_nothing())
            insert_events(connection, [self._scribe.signed_up(bond, "never again", b"", now)])
        return True

    def _invitation(self, what: Recommendation, bond: Bond) -> Invitation:
        with self._store.read() as connection:
            names = names_of_list(connection, what.account_id, what.list_id)
        return Invitation(
            bond.account_id,
            bond.list_id,
            bond.address_hash,
            self._octets(_ID_LENGTH),
            what.friend,
            what.name,
            what.address,
            what.language,
            names.account,
            names.mail_list,
            names.list_identifier,
            names.description,
            names.frequency,
        )


def _deed(what: Recommendation, bond: Bond) -> Deed:
    """Return what the consent ledger keeps: who recommended, and of the friend a hash."""
    origin = Origin(SUBSCRIBER, "recommendation", what.ip, what.user_agent)
    facts = {"by": what.by.hex(), "name": what.name}
    return Deed(Act.RECOMMENDED, bond.list_id, bond.address_hash, origin, facts)


def _keep(connection: Connection, invitation: Invitation, person: bytes, now: float) -> None:
    """Keep that there was one: its key is what makes it the only one."""
    connection.execute(
        insert(INVITATION).values(
            account_id=invitation.account_id,
            list_id=invitation.list_id,
            address_hash=invitation.address_hash,
            id=invitation.id,
            person=person,
            invited_at=now,
        )
    )


def _known(connection: Connection, bond: Bond, person: bytes, now: float) -> KnownFriend:
    def there(query: Select[Any]) -> bool:
        return connection.execute(query).first() is not None

    one = select(literal(1))
    subscribed = there(one.select_from(SUBSCRIPTION).where(bond.here))
    suppressed = one.select_from(SUPPRESSION).where(
        SUPPRESSION.c.account_id == bond.account_id, SUPPRESSION.c.address_hash == bond.address_hash
    )
    today = (
        select(func.count())
        .select_from(INVITATION)
        .where(INVITATION.c.person == person, INVITATION.c.invited_at > now - DAY)
    )
    return KnownFriend(
        bound=subscribed or there(one.select_from(SIGNUP).where(here(bond))),
        suppressed=there(suppressed) or person in kept_among(connection, [person]),
        invited=there(one.select_from(INVITATION).where(*_this(bond))),
        never=there(one.select_from(NEVER_INVITE).where(NEVER_INVITE.c.person == person)),
        today=connection.execute(today).scalar_one(),
    )


def _person(connection: Connection, bond: Bond, invitation_id: bytes) -> bytes | None:
    query = select(INVITATION.c.person).where(*_this(bond), INVITATION.c.id == invitation_id)
    return connection.execute(query).scalar_one_or_none()


def _this(bond: Bond) -> tuple[Any, ...]:
    return (
        INVITATION.c.account_id == bond.account_id,
        INVITATION.c.list_id == bond.list_id,
        INVITATION.c.address_hash == bond.address_hash,
    )
