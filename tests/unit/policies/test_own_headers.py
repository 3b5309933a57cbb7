import pytest
from pydantic import ValidationError

from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.model.facts import RewriteFacts
from policies import own_headers


def test_what_must_not_go_on_is_taken_out(rewrite_facts: RewriteFacts) -> None:
    raw = (
        b"Return-Path: <x@example.com>\r\nBCC: a@example.net,\r\n b@example.net\r\nSubject: Bcc: stays\r\n"
        b"Resent-Bcc: c@example.net\r\nX-Consentry-List: x\r\nX-Consentrys: stays\r\nDKIM-Signature: a\r\n"
        b"DomainKey-Signature: b\r\n\r\nBcc: stays\r\n"
    )
    rewrite = own_headers.build({}).rewrite
    assert rewrite
    want = b"Subject: Bcc: stays\r\nX-Consentrys: stays\r\n\r\nBcc: stays\r\n"
    message = scan(raw)
    assert apply(raw, rewrite(message, rewrite_facts)) == want
    assert rewrite(message, rewrite_facts) is rewrite(message, rewrite_facts)


def test_it_says_which_fields_are_its_own() -> None:
    assert own_headers.takes_out(b"bcc")
    assert own_headers.takes_out(b"x-consentry-anything")
    assert not own_headers.takes_out(b"subject")


def test_unknown_settings_are_errors() -> None:
    with pytest.raises(ValidationError):
        own_headers.build({"x": 1})
