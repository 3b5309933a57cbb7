"""The letter: what stands in it, whoever it is about."""

from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from gateway.model.address import parse_address
from gateway.web.languages import load_languages
from gateway.web.letters import Confirmation, compose

from .test_pages import STORY

URL = "https://leave.example/c/" + "A" * 79
LETTER = Confirmation(
    replace(STORY, mail_list="Grüße & News"),
    load_languages()["de"],
    URL,
    "no-reply@provider.example",
    1_800_000_000.0,
)

FIELDS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language"]
FIELDS += ["MIME-Version", "Content-Type", "Content-Transfer-Encoding"]


def read(content: bytes):
    return message_from_bytes(content, policy=policy.SMTPUTF8)


def test_a_letter() -> None:
    content = compose(LETTER, parse_address("ann@example.net"))
    assert b"\r\n" in content
    assert b"\n" not in content.replace(b"\r\n", b"")
    message = read(content)
    assert message["From"].addresses[0].addr_spec == "no-reply@provider.example"
    assert message["To"].addresses[0].addr_spec == "ann@example.net"
    assert message["Subject"] == "Bitte bestätigen: Abmeldung von Grüße & News"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "de"
    assert message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert not [name for name in message if name.startswith("List-")]
    assert f"\r\n{URL}\r\n" in message.get_content()
    assert "Acme & Söhne" in message.get_content()
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_it_is_the_same_letter_when_it_is_made_again() -> None:
    to = parse_address("ann@example.net")
    assert compose(LETTER, to) == compose(LETTER, to)
    later = replace(LETTER, now=LETTER.now + 1)
    assert read(compose(later, to))["Message-ID"] != read(compose(LETTER, to))["Message-ID"]


@pytest.mark.parametrize(
    "name", ["News\r\nBcc: eve@example.org", "x" * 5000, "\x00\x1b[1m", "=?utf-8?q?=0D=0ABcc=3A_a?="]
)
def test_no_name_adds_a_field_or_a_line(name: str) -> None:
    story = replace(STORY, mail_list=name, account=name)
    message = read(compose(replace(LETTER, story=story), parse_address("ann@example.net")))
    assert message["Bcc"] is None
    assert "\nBcc" not in message.get_content()
    assert list(message) == FIELDS
    assert len(message["Subject"]) < 300


@pytest.mark.parametrize("to", ["ünal@exämple.net", '"a b"@example.net', "o'neil+x@example.net"])
def test_any_address(to: str) -> None:
    address = parse_address(to)
    message = read(compose(LETTER, address))
    assert len(message["To"].addresses) == 1
    assert message["To"].addresses[0].domain.startswith(("xn--", "example"))
