"""Mail of the house itself: named, timed, and put into the queue as the provider's own.

What it promises: when ``keep`` or ``hand_on`` returns the mail is durable. It goes out with the null sender,
so nothing ever comes back for it. What the house has written asks for no report and is lost when nobody takes
it; what was left with the house is then held in the queue. How it fails: a PublicError, and nothing is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.address import Address, ascii_domain
from gateway.model.delivery import PROVIDER, Delivery, DeliveryState, Notify, Recipient, Sender, Submission
from gateway.model.identity import new_id
from gateway.ports import Clock, Dispatch, Entropy, Parcel, Spool


def written(address: Address) -> str:
    """Return an address as our fields have it: the domain in A-labels, for who cannot read other letters."""
    return f"{address.local}@{ascii_domain(address.domain)}"


@dataclass(frozen=True, slots=True)
class HouseMail:
    """What a mail of ours is made of before it is written."""

    id: str  # the submission's: the Message-ID and boundaries are made of it
    now: float  # seconds since the epoch
    hostname: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Where mail of the house goes out; what a reload swaps comes as a callable."""

    hostname: Callable[[], str]
    signing_domain: str  # the provider's, "": unsigned
    spool: Spool
    dispatch: Dispatch
    clock: Clock
    entropy: Entropy

    def begin(self) -> HouseMail:
        """Name a new mail."""
        now = self.clock.now()
        return HouseMail(new_id(now, self.entropy.octets(10)), now, self.hostname())

    async def keep(self, mail: HouseMail, recipient: Address, content: bytes) -> None:
        """Put what the house has written into the queue, due now."""
        await self._put(mail, Recipient(recipient, frozenset({Notify.NEVER})), content)

    async def hand_on(self, mail: HouseMail, recipient: Address, content: bytes) -> None:
        """Put what was left with the house into the queue, due now; it is never lost (``is_entrusted``)."""
        await self._put(mail, Recipient(recipient), content)

    async def _put(self, mail: HouseMail, recipient: Recipient, content: bytes) -> None:
        smtputf8 = recipient.address.needs_smtputf8
        submission = Submission(
            id=mail.id,
            account_id=PROVIDER,
            received_at=mail.now,
            sender=Sender(None, len(content), body_8bit=not content.isascii(), smtputf8=smtputf8),
            size=len(content),
            list_id=None,
            signing_domain=self.signing_domain,
        )
        delivery = Delivery(submission, 0, recipient, (), DeliveryState.QUEUED, due_at=mail.now)
        await self.spool.put(Parcel(submission, content, (delivery,)))
        self.dispatch.nudge()
