"""The web's ``Recommending`` over the store."""

from collections.abc import Callable

from gateway.app.offers import Offers
from gateway.model.address import Address
from gateway.model.facts import SubscriptionState
from gateway.model.recommendation import Recommendation, Result
from gateway.ports import Meter
from gateway.settings.schema import RecommendationSection
from gateway.store.database import Store
from gateway.store.invitations import Invitations, Invite
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import NoSuchList, Suspended
from gateway.store.schema import PROVIDER_ID
from gateway.store.subscription_rows import Bond, standing
from gateway.web.joining import Offer
from gateway.web.leaving import Reader


class StoreRecommending:
    """Blocks: the pages call it in threads."""

    def __init__(
        self,
        store: Store,
        keyring: StoreKeyring,
        meter: Meter,
        write: Invite,
        settings: Callable[[], RecommendationSection],
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._meter = meter
        self._write = write
        self._settings = settings
        self._offers = Offers(store)
        self._invitations = Invitations(store, keyring)

    def offer_to_recommend(self, reader: Reader) -> Offer | None:
        """Return the list of a reader; None unless they are on it."""
        with self._store.read() as connection:
            found = standing(connection, _bond(reader))
        if found is None or found.state is not SubscriptionState.CONFIRMED:
            return None
        offer = self._offers.of(reader.account_id, reader.list_id)
        return offer if offer and offer.is_open else None

    def is_theirs(self, reader: Reader, address: Address) -> bool:
        """Whether an address is the reader's own."""
        return self._keyring.address_hash(reader.account_id, address.identity) == reader.address_hash

    def person(self, address: Address) -> bytes:
        """Return what a person is counted under, whatever the account."""
        return self._keyring.address_hash(PROVIDER_ID, address.identity)

    def recommend(self, what: Recommendation, now: float) -> Result:
        """Invite the friend, or not; the pages do not look at which."""
        try:
            decided = self._invitations.recommend(what, self._write, self._settings().friend_day, now)
        except (NoSuchList, Suspended):  # since the form was shown: there is nobody to tell
            return Result.SUPPRESSED
        self._meter.count("invitations_total", result=decided.value)
        return decided

    def invitation(self, reader: Reader, invitation_id: bytes) -> Offer | None:
        """Return the list of an invitation; None where there is none, or the list is gone."""
        if not self._invitations.is_open(_bond(reader), invitation_id):
            return None
        return self._offers.of(reader.account_id, reader.list_id)

    def never_again(self, reader: Reader, invitation_id: bytes, now: float) -> bool:
        """Keep all accounts from inviting this person; False where there is no such invitation."""
        return self._invitations.never_again(_bond(reader), invitation_id, now)


def _bond(reader: Reader) -> Bond:
    return Bond(reader.account_id, reader.list_id, reader.address_hash)
