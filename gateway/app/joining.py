"""The web's ``Joining`` over the store, and the loop that reminds and erases."""

import asyncio
from collections.abc import Callable

import structlog

from gateway.app.offers import Offers
from gateway.model.ledger import Origin
from gateway.model.reply import PublicError
from gateway.model.signup import Fate, Pending, Terms, Wish
from gateway.ports import Clock, Meter
from gateway.settings.schema import SignupSection
from gateway.store import signups
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import NoSuchList, Suspended
from gateway.store.signup_rounds import SignupRounds
from gateway.store.signups import Signups, Write
from gateway.store.subscription_rows import Bond
from gateway.web.joining import Joined, Offer, Over, Question, TurnedDown
from gateway.web.leaving import Reader

log = structlog.get_logger("signups")

_PAUSE = 60.0  # seconds between two rounds


def terms_of(section: SignupSection) -> Terms:
    """Return what sign-ups are held to."""
    return Terms(section.expires, section.reminder, section.person_hour, section.person_day)


class StoreJoining:
    """Blocks: the pages call it in threads."""

    def __init__(
        self,
        store: Store,
        keyring: StoreKeyring,
        meter: Meter,
        write: Write,
        settings: Callable[[], SignupSection],
    ) -> None:
        self._meter = meter
        self._write = write
        self._settings = settings
        self._offers = Offers(store)
        self._signups = Signups(store, keyring)

    def offer(self, account: str, list_id: str) -> Offer | None:
        """Return a list by its names; None where there is none, or its account may not write to anybody."""
        return self._offers.named(account, list_id)

    def ask(self, wish: Wish, now: float) -> Fate:
        """Take a wish; the pages do not look at what became of it."""
        try:
            decided = self._signups.ask(wish, self._write, terms_of(self._settings()), now)
        except (NoSuchList, Suspended):  # since the form was shown: there is nobody to tell
            return Fate.SUPPRESSED
        self._meter.count("signup_wishes_total", fate=decided.value)
        if decided is Fate.BOMBING:
            log.warning("many sign-ups of one person", account=wish.account_id, list=wish.list_id)
        return decided

    def question(self, reader: Reader, signup_id: bytes, now: float) -> Question | Joined | Over:
        """Return what a letter's link is about."""
        offer = self._offer_of(reader)
        if offer is None:
            return Over(None)
        found = self._signups.find(_bond(reader), signup_id, now)
        match found:
            case Pending():
                return Question(offer, found.address.masked, found.asked_at, found.source)
            case signups.ConfirmedBefore(since):
                return Joined(offer, since)
            case signups.Over():
                return Over(offer)

    def confirm(self, reader: Reader, signup_id: bytes, origin: Origin, now: float) -> Joined | Over:
        """Put its owner on the list; durable when it returns."""
        offer = self._offer_of(reader)
        if offer is None:
            return Over(None)
        match self._signups.confirm(_bond(reader), signup_id, origin, now):
            case signups.Confirmed():
                self._meter.count("signup_answers_total", answer="confirmed")
                return Joined(offer)
            case signups.ConfirmedBefore(since):
                return Joined(offer, since)
            case signups.Over():
                return Over(offer)

    def refuse(
        self, reader: Reader, signup_id: bytes, origin: Origin, result: str, now: float
    ) -> TurnedDown | Over:
        """End the sign-up, and keep the account's forms from writing to its owner."""
        offer = self._offer_of(reader)
        outcome = self._signups.refuse(_bond(reader), signup_id, origin, result, now)
        if offer is None or isinstance(outcome, signups.Over):
            return Over(offer)
        self._meter.count("signup_answers_total", answer=result)
        return TurnedDown(offer)

    def _offer_of(self, reader: Reader) -> Offer | None:
        return self._offers.of(reader.account_id, reader.list_id)


class Rounds:
    """Reminds, and erases what nobody has answered. A process that dies has done a batch, or has not."""

    def __init__(
        self,
        rounds: SignupRounds,
        write: Write,
        settings: Callable[[], SignupSection],
        clock: Clock,
        meter: Meter,
    ) -> None:
        self._rounds = rounds
        self._write = write
        self._settings = settings
        self._clock = clock
        self._meter = meter

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            try:
                await self.round()
            except PublicError as error:
                log.warning("sign-ups wait for their end", why=str(error))
            except Exception:  # whatever it is, the pages go on
                log.exception("a round among the sign-ups failed")
            await asyncio.sleep(_PAUSE)

    async def round(self) -> None:
        """Erase and remind all that are due, a batch at a time. Raise StoreAway."""
        while erased := await asyncio.to_thread(self._rounds.expire, self._clock.now()):
            self._meter.count("signup_answers_total", erased, answer="expired")
        terms = terms_of(self._settings())
        while sent := await asyncio.to_thread(self._rounds.remind, self._write, terms, self._clock.now()):
            self._meter.count("signup_wishes_total", sent, fate="reminder")


def _bond(reader: Reader) -> Bond:
    return Bond(reader.account_id, reader.list_id, reader.address_hash)
