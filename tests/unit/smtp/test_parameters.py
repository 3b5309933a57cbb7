"""MAIL and RCPT as values."""

import pytest

from gateway.model.address import Address
from gateway.model.delivery import Notify, Recipient, Sender
from gateway.model.reply import Reply
from gateway.smtp.parameters import parse_mail, parse_rcpt

A = Address("a", "b.example")


@pytest.mark.parametrize(
    ("argument", "sender"),
    [
        ("FROM:<a@b.example>", Sender(A)),
        ("from: <a@B.EXAMPLE>", Sender(A)),
        ("FROM:<>", Sender(None)),
        ("FROM:<@relay.example,@other.example:a@b.example>", Sender(A)),
        ('FROM:<"a b>c"@b.example>', Sender(Address('"a b>c"', "b.example"))),
        ('FROM:<"a\\"@"@b.example> SIZE=1', Sender(Address('"a\\"@"', "b.example"), size=1)),
        ("FROM:<a@b.example> SIZE=1000 BODY=8BITMIME", Sender(A, size=1000, body_8bit=True)),
        ("FROM:<a@b.example> body=7bit  size=0", Sender(A)),
        ("FROM:<a@b.example> RET=hdrs ENVID=QQ+2B314x", Sender(A, ret="HDRS", envid="QQ+2B314x")),
        ("FROM:<a@b.example> AUTH=<>", Sender(A)),
        ("FROM:<a@b.example> AUTH=e+3Dmc2@example.com", Sender(A)),
        ("FROM:<\u00e4@b.example> SMTPUTF8", Sender(Address("\u00e4", "b.example"), smtputf8=True)),
        ("FROM:<a@[192.0.2.1]>", Sender(Address("a", "[192.0.2.1]"))),
    ],
)
def test_mail(argument: str, sender: Sender) -> None:
    assert parse_mail(argument, 1000) == sender


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ("", "501 5.5.4"),
        ("FROM", "501 5.5.4"),
        ("FROM:", "501 5.5.4"),
        ("FROM:a@b.example", "501 5.5.4"),
        ("FROM:<a@b.example", "501 5.5.4"),
        ("FROM:<a@b.example>SIZE=1", "501 5.5.4"),
        ("TO:<a@b.example>", "501 5.5.4"),
        ("FROM:<a b@c.example>", "501 5.5.4"),
        ('FROM:<"a@b.example>', "501 5.5.4"),
        ("FROM:<a>", "553 5.1.7"),
        ("FROM:<a@>", "553 5.1.7"),
        ("FROM:<@b.example>", "553 5.1.7"),
        ("FROM:<a..b@c.example>", "553 5.1.7"),
        ("FROM:<a@-b.example>", "553 5.1.7"),
        (f"FROM:<{'a' * 65}@b.example>", "553 5.1.7"),
        ("FROM:<\u00e4@b.example>", "553 5.6.7"),
        ("FROM:<a@b.example> SIZE=1001", "552 5.3.4"),
        ("FROM:<a@b.example> SIZE=99999999999999999999", "552 5.3.4"),
        ("FROM:<a@b.example> SIZE=999999999999999999999", "555 5.5.4"),
        ("FROM:<a@b.example> SIZE=-1", "555 5.5.4"),
        ("FROM:<a@b.example> SIZE=\u0661", "555 5.5.4"),
        ("FROM:<a@b.example> SIZE", "555 5.5.4"),
        ("FROM:<a@b.example> SIZE=", "555 5.5.4"),
        ("FROM:<a@b.example> SIZE=1 SIZE=1", "555 5.5.4"),
        ("FROM:<a@b.example> BODY=BINARYMIME", "555 5.5.4"),
        ("FROM:<a@b.example> SMTPUTF8=1", "555 5.5.4"),
        ("FROM:<a@b.example> RET=ALL", "555 5.5.4"),
        ("FROM:<a@b.example> ENVID=a+b", "555 5.5.4"),
        ("FROM:<a@b.example> ENVID=a+2b", "555 5.5.4"),
        (f"FROM:<a@b.example> ENVID={'a' * 101}", "555 5.5.4"),
        ("FROM:<a@b.example> AUTH=a=b", "555 5.5.4"),
        ("FROM:<a@b.example> NOTIFY=NEVER", "555 5.5.4"),
        ("FROM:<a@b.example> X-NEW=1", "555 5.5.4"),
        ("FROM:<a@b.example> =", "555 5.5.4"),
    ],
)
def test_mail_refused(argument: str, answer: str) -> None:
    refusal = parse_mail(argument, 1000)
    assert isinstance(refusal, Reply)
    assert str(refusal).startswith(answer + " ")


@pytest.mark.parametrize(
    ("argument", "recipient"),
    [
        ("TO:<a@b.example>", Recipient(A)),
        ("TO:<Postmaster>", Recipient(Address("Postmaster", "mx.example.org"))),
        ("TO:<a@b.example> NOTIFY=NEVER", Recipient(A, frozenset({Notify.NEVER}))),
        ("TO:<a@b.example> notify=success,Delay", Recipient(A, frozenset({Notify.SUCCESS, Notify.DELAY}))),
        ("TO:<a@b.example> ORCPT=rfc822;Bob+2BCc@Example", Recipient(A, orcpt="rfc822;Bob+2BCc@Example")),
        ("TO:<a@b.example> ORCPT=x-Foo;A", Recipient(A, orcpt="x-Foo;A")),
        ("TO:<a@b.example> ORCPT=utf-8;a\\x{E4}@b", Recipient(A, orcpt="utf-8;a\\x{E4}@b")),
    ],
)
def test_rcpt(argument: str, recipient: Recipient) -> None:
    assert parse_rcpt(argument, Sender(A), "mx.Example.org") == recipient


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ("", "501 5.5.4"),
        ("FROM:<a@b.example>", "501 5.5.4"),
        ("TO:a@b.example", "501 5.5.4"),
        ("TO:<>", "553 5.1.3"),
        ("TO:<a>", "553 5.1.3"),
        ("TO:<\u00e4@b.example>", "553 5.6.7"),
        ("TO:<a@b.example> NOTIFY=", "555 5.5.4"),
        ("TO:<a@b.example> NOTIFY=NEVER,DELAY", "555 5.5.4"),
        ("TO:<a@b.example> NOTIFY=DELAY,DELAY", "555 5.5.4"),
        ("TO:<a@b.example> NOTIFY=ALWAYS", "555 5.5.4"),
        ("TO:<a@b.example> ORCPT=a@b", "555 5.5.4"),
        ("TO:<a@b.example> ORCPT=rfc822;a+b", "555 5.5.4"),
        (f"TO:<a@b.example> ORCPT=rfc822;{'a' * 500}", "555 5.5.4"),
        ("TO:<a@b.example> SIZE=1", "555 5.5.4"),
    ],
)
def test_rcpt_refused(argument: str, answer: str) -> None:
    refusal = parse_rcpt(argument, Sender(A), "mx.example.org")
    assert isinstance(refusal, Reply)
    assert str(refusal).startswith(answer + " ")


def test_utf8_needs_smtputf8_on_mail() -> None:
    sender = Sender(A, smtputf8=True)
    wanted = Recipient(Address("\u00e4", "b.example"), orcpt="utf-8;\u00e4@b.example")
    assert parse_rcpt("TO:<\u00e4@b.example> ORCPT=utf-8;\u00e4@b.example", sender, "h") == wanted


def test_a_refusal_never_breaks_out_of_its_line() -> None:
    refusal = parse_mail("FROM:<a@b.example> \u00e4\x85=1", 1000)
    assert isinstance(refusal, Reply)
    assert refusal.wire().count(b"\n") == 1
