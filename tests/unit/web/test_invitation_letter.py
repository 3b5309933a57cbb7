"""The invitation: who recommends stands in it, and nothing of theirs does more than stand there."""

from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from gateway.model.address import parse_address
from gateway.model.recommendation import Invitation
from gateway.model.token import Purpose, unseal
from gateway.pipeline.links import Links
from gateway.web.invitation_letter import InvitationLetters
from gateway.web.languages import TRANSLATED

NOW = 1_800_000_000.0
KEY = b"k" * 32
LETTERS = InvitationLetters(
    lambda: Links("https://join.example", "leave@gateway.example", 1, KEY),
    lambda: "no-reply@provider.example",
)
INVITATION = Invitation(
    account_id=7,
    list_id=3,
    address_hash=bytes(range(16)),
    id=b"i" * 16,
    friend=parse_address("bob@example.org"),
    name="Ann Jones",
    address=parse_address("ann@example.net"),
    language="en",
    account="acme",
    mail_list="Grüße & News",
    list_identifier="news.acme.example",
    description="Tea <b>and</b> cake",
    frequency="weekly",
)


def read(**changes: object):
    content = LETTERS.compose(replace(INVITATION, **changes), NOW)
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    return message_from_bytes(content, policy=policy.SMTPUTF8)


def bodies(message) -> tuple[str, str]:
    text, html = message.iter_parts()
    return text.get_content(), html.get_content()


def test_the_invitation() -> None:
    message = read()
    assert message["From"].addresses[0].addr_spec == "no-reply@provider.example"
    assert message["To"].addresses[0].addr_spec == "bob@example.org"
    assert message["Subject"] == "A recommendation for you: Grüße & News"
    assert "Ann" not in message["Subject"], "a stranger's word to a stranger stands in no subject"
    text, html = bodies(message)
    assert text.splitlines()[-2:] == ["-- ", "Ann Jones <ann@example.net> recommended"]
    assert "Ann Jones &lt;ann@example.net&gt; recommended" in html
    url = message["List-Unsubscribe"].strip("<>")
    assert url in text.splitlines()
    assert f'href="{url}"' in html
    token = unseal(url.removeprefix("https://join.example/i/"), {1: KEY}, Purpose.INVITATION)
    assert (token.list_id, token.submission) == (3, b"i" * 16)
    for part in (text, html):
        assert "Ann Jones" in part
        assert "ann@example.net" in part
        assert "How often: weekly" in part
        assert "this invitation comes once" in part
    assert "Tea &lt;b&gt;and&lt;/b&gt; cake" in html


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_language(language: str) -> None:
    message = read(language=language)
    text, html = bodies(message)
    assert message["Content-Language"] == language
    assert "Hello" not in text + html
    assert "%(" not in text + html
    assert "Ann Jones <ann@example.net>" in text


def test_a_language_that_is_unknown_is_english() -> None:
    assert read(language="tlh", description="", frequency="")["Content-Language"] == "en"


@pytest.mark.parametrize("name", ["N\r\nBcc: eve@example.org", "x" * 5000, "\x00\x1b[1m"])
def test_no_name_of_an_account_adds_a_field_or_a_line(name: str) -> None:
    message = read(mail_list=name, account=name, description=name, frequency=name)
    assert message["Bcc"] is None
    assert "\nBcc" not in message.as_string()
