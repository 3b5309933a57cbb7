"""Mail of the house itself: named, timed, and put into the queue as the provider's own.

What it promises: when ``keep`` returns the mail is durable. It goes out with the null sender, so nothing ever
comes back for it, and asks for no report. How it fails: a PublicError, and nothing is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.address import Address, ascii_domain
from gateway.model.delivery import Delivery, DeliveryState, Notify, Recipient, Sender, Submission
from gateway.model.identity import new_id
from gateway.ports import Clock, Dispatch, Entropy, Parcel, Spool

PROVIDER = 0
"""The account number of the provider itself."""


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
        """Put it into the queue, due now."""
        submission = Submission(
            id=mail.id,
            account_id=PROVIDER,
            received_at=mail.now,
            sender=Sender(
                None, len(content), body_8bit=not content.isascii(), smtputf8=recipient.needs_smtputf8
            ),
            size=len(content),
            list_id=None,
            signing_domain=self.signing_domain,
        )
        to = Recipient(recipient, frozenset({Notify.NEVER}))
        delivery = Delivery(submission, 0, to, (), DeliveryState.QUEUED, due_at=mail.now)
        await self.spool.put(Parcel(submission, content, (delivery,)))
        self.dispatch.nudge()
