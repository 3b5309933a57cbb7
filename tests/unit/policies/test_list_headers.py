from dataclasses import replace

import pytest
from pydantic import ValidationError

from gateway.mime.headers import UnsafeField
from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.model.facts import MailList, RewriteFacts
from policies import list_headers


def _put(facts: RewriteFacts, raw: bytes = b"A: b\r\n\r\n", **settings: object) -> bytes:
    rewrite = list_headers.build(settings).rewrite
    assert rewrite
    return apply(raw, rewrite(scan(raw), facts))


def test_the_fields(rewrite_facts: RewriteFacts) -> None:
    assert _put(rewrite_facts) == (
        b"List-Unsubscribe: <https://mail.example.org/u/T?a=1&b=2>, <mailto:unsubscribe@mx.example.org?subject=T>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"List-Id: News <news.example.com>\r\n"
        b"Feedback-ID: 01KDV8T400ABCDEFGHJKMNPQRS:news.example.com:acme:consentry\r\n"
        b"X-Report-Abuse: <https://mail.example.org/r/T>\r\n"
        b"A: b\r\n\r\n"
    )


def test_the_senders_own_are_replaced(rewrite_facts: RewriteFacts) -> None:
    own = b"list-id: <x>\r\nA: b\r\nLIST-UNSUBSCRIBE: <https://x>,\r\n <y>\r\nFeedback-ID: z\r\n\r\n"
    assert _put(rewrite_facts, own) == _put(rewrite_facts)


def test_the_newsletter_names_the_first_label(rewrite_facts: RewriteFacts) -> None:
    raw = b"X-Consentry-Newsletter: July: the " + b"2nd" * 60 + b"\r\n\r\n"
    put = _put(rewrite_facts, raw, feedback_sender="mailer")
    label = ("July-the-" + "2nd" * 60)[:60].encode()
    assert b"Feedback-ID: " + label + b":news.example.com:acme:mailer\r\n" in put


@pytest.mark.parametrize(
    ("name", "list_id", "want"),
    [
        ("", "a.example", b"List-Id: <a.example>\r\n"),
        ("x\r\nBcc: y", "a\r\n>b", b'List-Id: "x Bcc: y" <a-b>\r\n'),
        ("Gr\u00fc\u00dfe", "a.example", b"List-Id: =?utf-8?B?R3LDvMOfZQ==?= <a.example>\r\n"),
        ("n" * 500, "a.example", b"List-Id: " + b"n" * 200 + b"\r\n <a.example>\r\n"),
    ],
)
def test_list_id(rewrite_facts: RewriteFacts, name: str, list_id: str, want: bytes) -> None:
    assert want in _put(replace(rewrite_facts, mail_list=MailList(1, 7, list_id, name)))


def test_a_link_that_could_break_the_header_is_an_accident(rewrite_facts: RewriteFacts) -> None:
    with pytest.raises(UnsafeField):
        _put(replace(rewrite_facts, unsubscribe_url="https://x/\r\nBcc: y"))


def test_without_a_header_section_nothing_is_put(rewrite_facts: RewriteFacts) -> None:
    assert _put(rewrite_facts, b"hello\r\n") == b"hello\r\n"


@pytest.mark.parametrize("settings", [{"x": 1}, {"feedback_sender": "a:b:c"}, {"feedback_sender": "abc"}])
def test_bad_settings(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        list_headers.build(settings)
