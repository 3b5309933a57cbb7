"""What a submission session needs of the house beside what every SMTP session does."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.pipeline.accept import Intake
from gateway.ports import Accounts, Quota
from gateway.settings.schema import SubmissionSection
from gateway.smtp.context import SmtpContext
from gateway.submission.turns import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionContext(SmtpContext):
    """The snapshot of the tenants' server."""

    service: ClassVar[str] = "submission"
    source_prefix: ClassVar[bytes] = b"source:"

    section: SubmissionSection
    intake: Intake
    accounts: Accounts
    quota: Quota
    logins: Turns
