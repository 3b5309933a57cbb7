"""The web's ``Leaving`` over the store: the pages and the consent book meet in stored facts."""

import os
from collections.abc import Callable

from gateway.app.stories import Stories
from gateway.model.address import Address
from gateway.model.events import Event, EventType, seal_event
from gateway.model.identity import name_of, new_id
from gateway.model.ledger import Origin
from gateway.model.letter import Letter, LetterKind
from gateway.model.undo import Step, Undo
from gateway.ports import Meter
from gateway.store import subscriptions, wishes
from gateway.store.brands import Brands
from gateway.store.database import Store
from gateway.store.events import insert_events
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.subscription_rows import Bond
from gateway.web.leaving import (
    AlreadyUnsubscribed,
    Asked,
    Logo,
    NothingToUndo,
    Paused,
    Reader,
    Reported,
    Story,
    Undone,
    Unknown,
    Unsubscribed,
)


class StoreLeaving:
    """Blocks: the pages call it in threads."""

    def __init__(self, store: Store, keyring: StoreKeyring, meter: Meter) -> None:
        self._store = store
        self._keyring = keyring
        self._meter = meter
        self._subscriptions = subscriptions.Subscriptions(store, keyring)
        self._wishes = wishes.Wishes(store, keyring)
        self._letters = Letters(store, keyring)
        self._brands = Brands(store)
        self._stories = Stories(store, keyring)

    def story(self, reader: Reader) -> Story | None:
        """Return what there is to tell, or None where the subscription, its list or its account is gone."""
        found = self._stories.find(reader)
        return None if found is None else found.story

    def unsubscribe(
        self, reader: Reader, submission: bytes, now: float, origin: Origin
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End the subscription, by a link of a submission; durable when it returns."""
        who = reader.account_id, reader.list_id, reader.address_hash
        return _ended(self._subscriptions.unsubscribe(*who, now, origin, name_of(submission)))

    def leave_all(
        self, reader: Reader, now: float, origin: Origin
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End all subscriptions of the reader at the account."""
        return _ended(self._wishes.leave_all(_bond(reader), now, origin))

    def pause(
        self, reader: Reader, until: float, now: float, origin: Origin
    ) -> Paused | AlreadyUnsubscribed | Unknown:
        """Stop the list's mail until then."""
        match self._wishes.pause(_bond(reader), until, now, origin):
            case wishes.Paused(until):
                return Paused(until)
            case subscriptions.AlreadyUnsubscribed(since):
                return AlreadyUnsubscribed(since)
            case subscriptions.Unknown():
                return Unknown()

    def undo(self, what: Undo, now: float, origin: Origin) -> Undone | NothingToUndo:
        """Take back a leaving or a pause; never a complaint."""
        bond = Bond(what.account_id, what.list_id, what.address_hash)
        match what.step:
            case Step.LEFT:
                outcome = self._wishes.undo_leaving(bond, what.moment, now, origin)
            case Step.PAUSED:
                outcome = self._wishes.undo_pause(bond, what.moment, now, origin)
        return Undone() if isinstance(outcome, wishes.Undone) else NothingToUndo()

    def report(
        self, reader: Reader, submission: bytes, now: float, origin: Origin, words: str
    ) -> Reported | Unknown:
        """Record a complaint about a submission, which ends the subscription too."""
        who = reader.account_id, reader.list_id, reader.address_hash
        outcome = self._subscriptions.report(*who, now, origin, name_of(submission))
        if isinstance(outcome, subscriptions.Unknown):
            return Unknown()
        if words:
            self._keep_words(reader, submission, now, words)
        return Reported()

    def ask(self, reader: Reader, write: Callable[[Address], bytes], now: float) -> Asked | Unknown:
        """Send the reader a letter, one an hour at most."""
        found = self._stories.find(reader)
        if found is None:
            return Unknown()
        names = reader.account_id, reader.list_id, reader.address_hash
        letter = Letter(LetterKind.LEAVING, *names, found.address, write(found.address))
        kept = self._letters.write(letter, now)
        self._meter.count("letters_total", kind=letter.kind.value, result="written" if kept else "limited")
        return Asked()

    def logo(self, name: str) -> Logo | None:
        """Return the picture of that name, or None."""
        found = self._brands.logo(name)
        return None if found is None else Logo(*found)

    def _keep_words(self, reader: Reader, submission: bytes, now: float, words: str) -> None:
        event = Event(
            new_id(now, os.urandom(10)),
            EventType.FEEDBACK,
            now,
            reader.account_id,
            name_of(submission),
            list_id=reader.list_id,
            facts={"via": "page"},
            data={"words": words},
        )
        with self._store.write() as connection:
            insert_events(connection, [seal_event(event, self._keyring.seal)])


def _bond(reader: Reader) -> Bond:
    return Bond(reader.account_id, reader.list_id, reader.address_hash)


def _ended(
    outcome: subscriptions.Unsubscribed | subscriptions.AlreadyUnsubscribed | subscriptions.Unknown,
) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
    match outcome:
        case subscriptions.Unsubscribed():
            return Unsubscribed()
        case subscriptions.AlreadyUnsubscribed(since):
            return AlreadyUnsubscribed(since)
        case subscriptions.Unknown():
            return Unknown()
