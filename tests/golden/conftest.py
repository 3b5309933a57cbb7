"""One recipient's facts, always the same, so that golden messages stay golden."""

import pytest

from gateway.model.address import Address
from gateway.model.facts import Account, AccountState, Client, ConsentLevel, MailList, OverQuota, RewriteFacts
from gateway.pipeline.shelf import Shelf
from policies import SHELF

_ACCOUNT = Account(
    7, "acme", AccountState.ACTIVE, "", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, frozenset(), (), None
)


@pytest.fixture(scope="session")
def facts() -> RewriteFacts:
    return RewriteFacts(
        account=_ACCOUNT,
        mail_list=MailList(3, 7, "news.example.com", "Gr\u00fc\u00dfe & News"),
        submission_id="01KDV8T400ABCDEFGHJKMNPQRS",
        recipient=Address("reader", "example.net"),
        client=Client("192.0.2.7", 50000, "client.example.com", "ESMTPSA", authenticated=True),
        hostname="mx.example.org",
        received_at=1767225600.5,
        unsubscribe_url="https://mail.example.org/u/AQEBAAAABwAAAAN-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        unsubscribe_mailto="mailto:unsubscribe@mx.example.org?subject=AQEBAAAABwAAAAN-aaaa",
        abuse_url="https://mail.example.org/r/AQECAAAABwAAAAN-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb?a=1&b=2",
        why_url="https://mail.example.org/w/AQEDAAAABwAAAAN-cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
        single_recipient=True,
    )


@pytest.fixture(scope="session")
def shelf() -> Shelf:
    return Shelf.of([build({}) for build in SHELF.values()])
