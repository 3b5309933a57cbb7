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


@pytest.mark.parametrize(
    "settings", [{"x": 1}, {"own": "drop"}, {"feedback_sender": "a:b:c"}, {"feedback_sender": "abc"}]
)
def test_bad_settings(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        list_headers.build(settings)


_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
_THEIRS = b"List-Unsubscribe: <https://example.com/leave>,\r\n <mailto:leave@example.com>\r\n"


def _field(put: bytes, name: bytes) -> list[bytes]:
    return [line for line in put.split(b"\r\n") if line.startswith(name + b":")]


def test_replace_is_the_default(rewrite_facts: RewriteFacts) -> None:
    put = _put(rewrite_facts, _THEIRS + _ONE_CLICK + b"\r\n")
    assert put.count(b"example.com/leave") == 0
    assert len(_field(put, b"List-Unsubscribe")) == len(_field(put, b"List-Unsubscribe-Post")) == 1


def test_keep_leaves_what_works_with_one_click(rewrite_facts: RewriteFacts) -> None:
    put = _put(rewrite_facts, b"A: b\r\n" + _THEIRS + _ONE_CLICK + b"\r\n", own="keep")
    assert put.endswith(b"A: b\r\n" + _THEIRS + _ONE_CLICK + b"\r\n")
    assert b"mail.example.org/u/" not in put
    assert b"List-Id: News" in put
    assert put.count(b"List-Unsubscribe-Post") == 1


@pytest.mark.parametrize(
    "theirs",
    [
        b"",
        _THEIRS,
        _THEIRS + b"List-Unsubscribe-Post: yes\r\n",
        _THEIRS + _ONE_CLICK + _ONE_CLICK,
        _THEIRS + _THEIRS + _ONE_CLICK,
        b"List-Unsubscribe: <mailto:leave@example.com>\r\n" + _ONE_CLICK,
        b"List-Unsubscribe: <http://example.com/leave>\r\n" + _ONE_CLICK,
        b"List-Unsubscribe: <https://10.0.0.1/leave>\r\n" + _ONE_CLICK,
        b"List-Unsubscribe: <https://example.com/{{unsubscribe_url}}>\r\n" + _ONE_CLICK,
        b"List-Unsubscribe: <{{unsubscribe_url}}>\r\n" + _ONE_CLICK,
    ],
)
def test_keep_replaces_all_else(rewrite_facts: RewriteFacts, theirs: bytes) -> None:
    put = _put(rewrite_facts, theirs + b"\r\n", own="keep")
    assert _put(rewrite_facts, b"\r\n") == put


def test_augment_puts_theirs_behind_ours(rewrite_facts: RewriteFacts) -> None:
    put = _put(rewrite_facts, _THEIRS + b"\r\n", own="augment")
    (field,) = _field(put, b"List-Unsubscribe")
    assert field == (
        b"List-Unsubscribe: <https://mail.example.org/u/T?a=1&b=2>, <mailto:unsubscribe@mx.example.org?subject=T>,"
        b" <https://example.com/leave>, <mailto:leave@example.com>"
    )
    assert len(_field(put, b"List-Unsubscribe-Post")) == 1


def test_augment_leaves_out_what_fits_no_line(rewrite_facts: RewriteFacts) -> None:
    long = b"List-Unsubscribe: <https://example.com/" + b"x" * 878 + b">, <https://example.com/y>\r\n\r\n"
    (field,) = _field(_put(rewrite_facts, long, own="augment"), b"List-Unsubscribe")
    assert field.endswith(b"T>, <https://example.com/y>")
