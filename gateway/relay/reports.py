"""Makes DSN parcels: names and times them, and leaves out whoever is not to be told.

What it promises: None where there is nobody to tell. The content that goes back is what was handed in.
"""

from collections.abc import Callable, Sequence

from gateway.model.delivery import Delivery, Recipient, Submission
from gateway.model.identity import new_id
from gateway.model.reply import Reply
from gateway.ports import Clock, Entropy, Parcel
from gateway.relay.dsn import FailedRecipient, Kind, Report, is_wanted, parcel


class Reports:
    """The desk that writes to senders; the relay and the intake share it."""

    def __init__(self, hostname: Callable[[], str], clock: Clock, entropy: Entropy) -> None:
        self._hostname = hostname
        self._clock = clock
        self._entropy = entropy

    def refusals(
        self, submission: Submission, content: bytes, refused: Sequence[tuple[Recipient, Reply]]
    ) -> Parcel | None:
        """Report recipients that were refused after the content: the intake's ``ReportRefusals``."""
        failed = [FailedRecipient(recipient, reply.enhanced, str(reply)) for recipient, reply in refused]
        return self.report(submission, content, Kind.FAILED, failed)

    def of_delivery(
        self, delivery: Delivery, content: bytes, kind: Kind, failed: FailedRecipient
    ) -> Parcel | None:
        """Report what became of one delivery."""
        return self.report(delivery.submission, content, kind, [failed])

    def report(
        self, submission: Submission, content: bytes, kind: Kind, recipients: Sequence[FailedRecipient]
    ) -> Parcel | None:
        """Report several recipients of one submission at once."""
        told = tuple(one for one in recipients if is_wanted(submission, one.recipient, kind))
        if not told:
            return None
        now = self._clock.now()
        identity = new_id(now, self._entropy.octets(10))
        return parcel(Report(identity, kind, self._hostname(), now, submission, content, told))
