"""What a stranger's session needs of the house: what every SMTP session does, and no more."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.inbound.reception import Reception
from gateway.settings.schema import InboundSection
from gateway.smtp.context import SmtpContext


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundContext(SmtpContext):
    """The snapshot of the MX side."""

    service: ClassVar[str] = "inbound"
    # Tenants at one address do not take a stranger's place there, nor he theirs.
    source_prefix: ClassVar[bytes] = b"inbound:"

    section: InboundSection
    intake: Reception
