from dataclasses import replace

import pytest
from pydantic import ValidationError

from gateway.mime.scan import scan
from gateway.model.address import Address
from gateway.model.facts import Client, RewriteFacts
from policies import trace_headers


def _put(facts: RewriteFacts, raw: bytes = b"A: b\r\n\r\n", **settings: object) -> str:
    rewrite = trace_headers.build(settings).rewrite
    assert rewrite
    splices = rewrite(scan(raw), facts)
    assert all((splice.start, splice.end) == (0, 0) for splice in splices)
    return b"".join(splice.new for splice in splices).decode("ascii")


def test_received_says_where_it_came_from(rewrite_facts: RewriteFacts) -> None:
    assert _put(rewrite_facts) == (
        "Received: from client.example.com ([192.0.2.7])\r\n"
        "\tby mx.example.org with ESMTPSA id 01KDV8T400ABCDEFGHJKMNPQRS\r\n"
        "\tfor <reader@example.net>;\r\n"
        "\tThu, 01 Jan 2026 00:00:00 +0000\r\n"
        "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
        "Message-ID: <01KDV8T400ABCDEFGHJKMNPQRS@mx.example.org>\r\n"
    )


@pytest.mark.parametrize(
    ("helo", "ip", "want"),
    [
        ("host-1.example", "2001:db8::1", "from host-1.example ([IPv6:2001:db8::1])"),
        ("[192.0.2.9]", "192.0.2.7", "from [192.0.2.9] ([192.0.2.7])"),
        ("x\r\nBcc: y", "192.0.2.7", "from [192.0.2.7] ([192.0.2.7])"),
        ("a (b)", "192.0.2.7", "from [192.0.2.7] ([192.0.2.7])"),
        ("\u00e9.example", "192.0.2.7", "from [192.0.2.7] ([192.0.2.7])"),
        ("", "", "from unknown (unknown)"),
        ("a" * 300, "192.0.2.7", "from [192.0.2.7] ([192.0.2.7])"),
    ],
)
def test_what_a_client_says_of_itself_is_not_trusted(
    rewrite_facts: RewriteFacts, helo: str, ip: str, want: str
) -> None:
    facts = replace(rewrite_facts, client=Client(ip, 1, helo, "ESMTP\r\nX: y", authenticated=False))
    assert f"{want}\r\n\tby mx.example.org with ESMTP id" in _put(facts)


def test_nobody_hears_of_another_recipient(rewrite_facts: RewriteFacts) -> None:
    assert "for <" not in _put(replace(rewrite_facts, single_recipient=False))
    assert "for <" not in _put(replace(rewrite_facts, recipient=Address("j\u00f6rg", "example.net")))


def test_the_client_can_be_hidden(rewrite_facts: RewriteFacts) -> None:
    assert _put(rewrite_facts, show_client=False).startswith("Received: by mx.example.org with")


def test_only_what_is_missing_is_added(rewrite_facts: RewriteFacts) -> None:
    raw = b"Date: x\r\nMessage-ID: y\r\nContent-Type: text/plain\r\n\r\n"
    put = _put(rewrite_facts, raw)
    assert put.endswith("MIME-Version: 1.0\r\n")
    assert "Date: " not in put
    assert "Message-ID: " not in put
    assert "MIME-Version" not in _put(rewrite_facts, b"MIME-Version: 1.0\r\n" + raw)


def test_without_a_header_section_nothing_is_put(rewrite_facts: RewriteFacts) -> None:
    assert _put(rewrite_facts, b"hello\r\n") == ""


def test_unknown_settings_are_errors() -> None:
    with pytest.raises(ValidationError):
        trace_headers.build({"show": True})
