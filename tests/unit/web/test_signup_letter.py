"""The letter that asks: what stands in it, in every language, whatever things are called."""

import re
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from gateway.model.address import parse_address
from gateway.model.letter import LetterKind
from gateway.model.signup import Pending
from gateway.model.token import Purpose, unseal
from gateway.pipeline.links import Links
from gateway.web.languages import TRANSLATED
from gateway.web.signup_letter import SignupLetters

NOW = 1_800_000_000.0
KEY = b"k" * 32
LETTERS = SignupLetters(
    lambda: Links("https://join.example", "leave@gateway.example", 1, KEY),
    lambda: "no-reply@provider.example",
)
PENDING = Pending(
    account_id=7,
    list_id=3,
    address_hash=bytes(range(16)),
    id=b"i" * 16,
    address=parse_address("ann@example.net"),
    language="en",
    source="https://acme.example",
    ip="192.0.2.7",
    asked_at=NOW,
    expires_at=NOW + 7 * 86_400,
    account="acme",
    mail_list="Grüße & News",
    list_identifier="news.acme.example",
    description="Tea <b>and</b> cake",
    frequency="weekly",
)
FIELDS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
]
FIELDS += ["Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type"]


def read(kind: LetterKind = LetterKind.SIGNUP, now: float = NOW, **changes: object):
    content = LETTERS.compose(kind, replace(PENDING, **changes), now)
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    return message_from_bytes(content, policy=policy.SMTPUTF8)


def bodies(message) -> tuple[str, str]:
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


def test_the_letter() -> None:
    message = read()
    assert list(message) == FIELDS
    assert message["From"].addresses[0].addr_spec == "no-reply@provider.example"
    assert message["From"].addresses[0].display_name == "", "no name of a tenant stands for the provider"
    assert message["To"].addresses[0].addr_spec == "ann@example.net"
    assert message["Subject"] == "Please confirm: subscribe to Grüße & News"
    assert message["List-Id"].endswith("<news.acme.example>")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = bodies(message)
    url = message["List-Unsubscribe"].strip("<>")
    assert url in text.splitlines()
    assert f'href="{url}"' in html
    token = unseal(url.removeprefix("https://join.example/s/"), {1: KEY}, Purpose.SIGNUP)
    assert (token.account_id, token.list_id, token.address_hash, token.submission) == (
        7,
        3,
        bytes(range(16)),
        b"i" * 16,
    )
    for part in (text, html):
        assert "192.0.2.7" in part
        assert "https://acme.example" in part
        assert "15 January 2027, 08:00 UTC" in part
        assert "22 January 2027" in part
        assert "weekly" in part
        assert "reminder" not in part
    assert "Tea <b>and</b> cake" in text
    assert "Tea &lt;b&gt;and&lt;/b&gt; cake" in html
    assert "<img" not in html
    assert "http" not in re.sub(r"https://(?:join|acme)\.example", "", html), (
        "nothing is fetched from anywhere"
    )


def test_the_reminder_says_that_it_is_the_only_one() -> None:
    message = read(LetterKind.REMINDER, NOW + 86_400)
    assert message["Subject"] == "Reminder: please confirm Grüße & News"
    assert message["Date"] == "Sat, 16 Jan 2027 08:00:00 +0000"
    assert message["Message-ID"] != read()["Message-ID"]
    assert all("This is the only reminder." in part for part in bodies(message))


@pytest.mark.parametrize(("said", "written"), [("de-AT", "de"), ("DE", "de"), ("tlh", "en"), ("", "en")])
def test_the_nearest_language(said: str, written: str) -> None:
    assert read(language=said)["Content-Language"] == written


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_language(language: str) -> None:
    message = read(language=language)
    assert message["Content-Language"] == language
    text, html = bodies(message)
    assert f'<html lang="{language}"' in html
    assert f"?lang={language}" in text
    assert "somebody" not in text
    assert "%(" not in text + html


def test_a_language_that_is_unknown_is_english() -> None:
    assert read(language="tlh")["Content-Language"] == "en"


def test_what_is_not_known_is_not_said() -> None:
    text, html = bodies(read(ip="", description="", frequency=""))
    assert "from the address" not in text + html
    assert "How often" not in text + html


@pytest.mark.parametrize(
    "name",
    [
        "N\r\nBcc: eve@example.org",
        "x" * 5000,
        "\x00\x1b[1m",
        "=?utf-8?q?=0D=0ABcc=3A_a?=",
        "a\u2028b",
        '"q" <x@y>',
    ],
)
def test_no_name_adds_a_field_or_a_line(name: str) -> None:
    message = read(mail_list=name, account=name, description=name, frequency=name, source=name, ip=name)
    assert list(message) == FIELDS
    assert message["Bcc"] is None
    assert "\nBcc" not in message.as_string()
    assert len(message["Subject"]) < 300
    bodies(message)


@pytest.mark.parametrize("to", ['"a b"@example.net', "o'neil+x@example.net", "ann@exämple.net"])
def test_any_address(to: str) -> None:
    message = read(address=parse_address(to))
    assert len(message["To"].addresses) == 1
