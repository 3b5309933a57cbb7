"""RFC 3834: what no program answers."""

import pytest

from gateway.inbound.manners import why_silent
from gateway.mime.scan import scan
from gateway.model.address import parse_address

PLAIN = "Subject: x\r\n"


@pytest.mark.parametrize(
    ("sender", "header", "why"),
    [
        ("ann@example.net", "", ""),
        ("ann@example.net", "Auto-Submitted: no\r\n", ""),
        ("ann@example.net", "AUTO-SUBMITTED: No (a person)\r\n", ""),
        ("ann@example.net", "Precedence: first-class\r\n", ""),
        ("ann@example.net", "X-Auto-Response-Suppress: None\r\n", ""),
        ("", "", "null-sender"),
        ("ann@example.net", "Auto-Submitted: auto-replied\r\n", "auto-submitted"),
        ("ann@example.net", "auto-submitted:\r\n auto-generated; owner-email=x\r\n", "auto-submitted"),
        ("ann@example.net", "Auto-Submitted:\r\n", "auto-submitted"),
        ("ann@example.net", "Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n", "auto-submitted"),
        ("ann@example.net", "X-Auto-Response-Suppress: All\r\n", "auto-submitted"),
        ("ann@example.net", "Precedence: bulk\r\n", "bulk"),
        ("ann@example.net", "Precedence: LIST\r\n", "bulk"),
        ("ann@example.net", "Precedence: junk\r\n", "bulk"),
        ("ann@example.net", "List-Id: <x.example>\r\n", "list"),
        ("ann@example.net", "List-Unsubscribe: <mailto:x@example.net>\r\n", "list"),
        ("MAILER-DAEMON@example.net", "", "robot"),
        ("postmaster@example.net", "", "robot"),
        ("no-reply@example.net", "", "robot"),
        ("DoNotReply+x@example.net", "", "robot"),
        ("noreply@example.net", "", "robot"),
        ("owner-news@example.net", "", "robot"),
        ("news-request@example.net", "", "robot"),
        ("bounces+ann=example.org@example.net", "", "robot"),
        ("noreplyer@example.net", "", ""),
        ("bouncer@example.net", "", ""),
    ],
)
def test_why_silent(sender: str, header: str, why: str) -> None:
    message = scan(f"{PLAIN}{header}\r\nbody\r\n".encode())
    assert why_silent(message, parse_address(sender) if sender else None) == why
