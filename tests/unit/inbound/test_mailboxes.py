"""Which addresses are ours."""

import pytest

from gateway.inbound.mailboxes import Directory
from gateway.model.address import parse_address
from gateway.model.reply import Reply

OWN = Directory("mx.example.org", ("münchen.example",), parse_address("Leave.Us@out.example.org"))


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("leave.us@out.example.org", "unsubscribe"),
        ("LEAVE.US@OUT.EXAMPLE.ORG", "unsubscribe"),
        ("leave.us+any-thing@out.example.org", "unsubscribe"),
        ("leave.us@mx.example.org", "550 5.1.1"),  # at its own domain only
        ("leave.us.too@out.example.org", "550 5.1.1"),
        ("postmaster@mx.example.org", "postmaster"),
        ("PostMaster@xn--mnchen-3ya.example", "postmaster"),
        ("postmaster@münchen.example", "postmaster"),
        ("postmaster+x@mx.example.org", "550 5.1.1"),
        ("abuse@out.example.org", "abuse"),
        ("webmaster@out.example.org", "550 5.1.1"),
        ("abuse@example.org", "550 5.7.1"),
        ("abuse@sub.out.example.org", "550 5.7.1"),
        ("postmaster@[192.0.2.1]", "550 5.7.1"),
    ],
)
def test_whose_mailbox_it_is(address: str, found: str) -> None:
    answer = OWN.find(parse_address(address))
    assert (f"{answer.code} {answer.enhanced}" if isinstance(answer, Reply) else answer.name) == found
