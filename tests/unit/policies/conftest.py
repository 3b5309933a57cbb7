"""One recipient's facts for the rewriting policies."""

import pytest

from gateway.model.address import Address
from gateway.model.facts import Account, AccountState, Client, ConsentLevel, MailList, OverQuota, RewriteFacts

_ACCOUNT = Account(
    7, "acme", AccountState.ACTIVE, "", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, frozenset(), (), None
)


@pytest.fixture
def rewrite_facts() -> RewriteFacts:
    return RewriteFacts(
        account=_ACCOUNT,
        mail_list=MailList(3, 7, "news.example.com", "News"),
        submission_id="01KDV8T400ABCDEFGHJKMNPQRS",
        recipient=Address("reader", "example.net"),
        client=Client("192.0.2.7", 50000, "client.example.com", "ESMTPSA", authenticated=True),
        hostname="mx.example.org",
        received_at=1767225600.5,
        unsubscribe_url="https://mail.example.org/u/T?a=1&b=2",
        unsubscribe_mailto="mailto:unsubscribe@mx.example.org?subject=T",
        abuse_url="https://mail.example.org/r/T",
        why_url="https://mail.example.org/w/T",
        single_recipient=True,
    )
