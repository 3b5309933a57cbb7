import email
import email.policy
from email.message import EmailMessage

import pytest

from gateway.model import reply
from gateway.model.address import parse_address
from gateway.model.delivery import DeliveryState, Notify, Recipient, Sender
from gateway.relay.dsn import FailedRecipient, Kind, Report, compose, is_wanted, parcel
from gateway.relay.reports import Reports

CONTENT = b"From: a@example.com\r\nSubject: hello\r\nX-Eight: gr\xc3\xbc\xc3\x9fe\r\n\r\nThe body.\r\n"


def make_report(
    mail, *failed: FailedRecipient, content: bytes = CONTENT, kind: Kind = Kind.FAILED, **sender
) -> Report:
    submission = mail.submission(sender=Sender(parse_address("sender@example.com"), **sender))
    return Report(
        "01HF7YAT00000000000000000D", kind, "gateway.example", 1_700_000_100.0, submission, content, failed
    )


def failed(
    address: str = "friend@example.net", diagnostic: str = "550 5.1.1 who?", **recipient
) -> FailedRecipient:
    return FailedRecipient(Recipient(parse_address(address), **recipient), "5.1.1", diagnostic, "mx.example")


def parse(raw: bytes) -> EmailMessage:
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects
    return message


def status_of(message: EmailMessage) -> list:
    return list(message.get_payload(1).get_payload())


def test_the_whole_of_it(mail):
    one = failed(orcpt="rfc822;Friend+2Bx@example.net")
    two = failed("other@example.net", "554 5.7.1 no")
    message = parse(compose(make_report(mail, one, two, envid="abc+2Bdef")))
    assert message["From"] == "Mail Delivery System <MAILER-DAEMON@gateway.example>"
    assert message["To"] == "sender@example.com" or message["To"] == "<sender@example.com>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<01HF7YAT00000000000000000D@gateway.example>"
    assert message["Date"] == "Tue, 14 Nov 2023 22:15:00 +0000"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    kinds = [part.get_content_type() for part in message.get_payload()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    whole, first, second = status_of(message)
    assert whole["Reporting-MTA"] == "dns; gateway.example"
    assert whole["Original-Envelope-Id"] == "abc+def"
    assert whole["Arrival-Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert first["Original-Recipient"] == "rfc822;Friend+x@example.net"
    assert first["Final-Recipient"] == "rfc822;friend@example.net"
    assert (first["Action"], first["Status"]) == ("failed", "5.1.1")
    assert first["Remote-MTA"] == "dns; mx.example"
    assert first["Diagnostic-Code"] == "smtp; 550 5.1.1 who?"
    assert second["Final-Recipient"] == "rfc822;other@example.net"
    assert "Original-Recipient" not in second
    text = message.get_payload(0).get_content()
    assert "<friend@example.net>" in text
    assert "mx.example said: 550 5.1.1 who?" in text


def test_headers_come_back_in_ascii_without_the_body(mail):
    raw = compose(make_report(mail, failed()))
    assert raw.isascii()
    assert b"Subject: hello" in raw
    assert b"The body." not in raw


def test_ret_full_gives_the_message_back(mail):
    message = parse(compose(make_report(mail, failed(), ret="FULL")))
    assert message["Content-Transfer-Encoding"] == "8bit"
    part = message.get_payload(2)
    assert part.get_content_type() == "message/rfc822"
    assert part.get_payload(0)["Subject"] == "hello"
    assert CONTENT in compose(make_report(mail, failed(), ret="FULL"))
    ascii_only = parse(compose(make_report(mail, failed(), ret="FULL", content=b"A: b\r\n\r\nc\r\n")))
    assert ascii_only["Content-Transfer-Encoding"] == "7bit"


def test_what_is_too_large_or_was_relayed_gives_headers_only(mail):
    large = CONTENT + b"x" * 2_000_000
    assert b"xxx" not in compose(make_report(mail, failed(), ret="FULL", content=large))
    relayed = parse(compose(make_report(mail, failed(), ret="FULL", kind=Kind.RELAYED)))
    assert relayed.get_payload(2).get_content_type() == "text/rfc822-headers"
    assert status_of(relayed)[1]["Action"] == "relayed"


@pytest.mark.parametrize(
    "hostile", ["550 a\r\nBcc: x@y\r\n\r\nbody", "550 \u2028\x85 \x00\x1b[2J é", "5" * 5000]
)
def test_remote_words_add_no_line(mail, hostile):
    one = FailedRecipient(
        Recipient(parse_address("friend@example.net"), orcpt="rfc822;a+0D+0AX-Evil: 1"),
        "5.0.0",
        hostile,
        "mx\r\nX: y",
    )
    raw = compose(make_report(mail, one, envid="x+0D+0AX-Evil: 2"))
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    message = parse(raw)
    assert not any(name in part for part in message.walk() for name in ("Bcc", "X-Evil", "X"))
    assert len(message.get_payload()) == 3


def test_addresses_outside_ascii(mail):
    status = status_of(parse(compose(make_report(mail, failed("jörg@bücher.example")))))[1]
    assert status["Final-Recipient"] == "utf-8;j\\x{F6}rg@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", b"no end of headers", b"A: b\r\n" * 3, b"A: " + b"x" * 5000 + b"\r\n\r\n"]
)
def test_odd_contents(mail, content):
    raw = compose(make_report(mail, failed(), content=content))
    assert len(parse(raw).get_payload()) == 3
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize(
    ("notify", "kind", "wanted"),
    [
        ((), Kind.FAILED, True),
        ((), Kind.EXPIRED, True),
        ((), Kind.RELAYED, False),
        (("NEVER",), Kind.FAILED, False),
        (("NEVER",), Kind.RELAYED, False),
        (("SUCCESS",), Kind.RELAYED, True),
        (("SUCCESS",), Kind.FAILED, False),
        (("DELAY",), Kind.FAILED, False),
        (("FAILURE", "SUCCESS"), Kind.EXPIRED, True),
    ],
)
def test_who_is_told(mail, notify, kind, wanted):
    recipient = Recipient(parse_address("friend@example.net"), frozenset(Notify(one) for one in notify))
    assert is_wanted(mail.submission(), recipient, kind) is wanted
    assert not is_wanted(mail.submission(sender=Sender(None)), recipient, kind)


def test_the_parcel_is_mail_of_ours(mail):
    made = parcel(make_report(mail, failed(), ret="FULL"))
    [delivery] = made.deliveries
    assert made.submission.sender == Sender(None, len(made.content), body_8bit=True)
    assert (made.submission.account_id, made.submission.list_id, made.submission.signing_domain) == (
        7,
        None,
        "",
    )
    assert str(delivery.recipient.address) == "sender@example.com"
    assert delivery.recipient.notify == {Notify.NEVER}
    assert (delivery.splices, delivery.state, delivery.due_at) == ((), DeliveryState.QUEUED, 1_700_000_100.0)
    assert made.submission.size == len(made.content)
    unicode_sender = make_report(mail, failed())
    utf8 = mail.submission(sender=Sender(parse_address("jörg@example.com"), smtputf8=True))
    made = parcel(Report(unicode_sender.id, Kind.FAILED, "gateway.example", 1.0, utf8, CONTENT, (failed(),)))
    assert made.submission.sender.smtputf8
    assert "To: <jörg@example.com>".encode() in made.content
    with pytest.raises(ValueError, match="null sender"):
        parcel(Report("x", Kind.FAILED, "h", 1.0, mail.submission(sender=Sender(None)), CONTENT, ()))


def test_refusals_of_the_intake(mail, clock, entropy):
    reports = Reports(lambda: "gateway.example", clock, entropy)
    told = Recipient(parse_address("friend@example.net"))
    silent = Recipient(parse_address("other@example.net"), frozenset({Notify.NEVER}))
    made = reports.refusals(
        mail.submission(), CONTENT, [(told, reply.NO_CONSENT), (silent, reply.NO_CONSENT)]
    )
    assert made is not None
    _, only = status_of(parse(made.content))
    assert only["Final-Recipient"] == "rfc822;friend@example.net"
    assert only["Diagnostic-Code"] == f"smtp; {reply.NO_CONSENT}"
    assert "Remote-MTA" not in only
    assert reports.refusals(mail.submission(), CONTENT, [(silent, reply.NO_CONSENT)]) is None
    assert reports.refusals(mail.submission(sender=Sender(None)), CONTENT, [(told, reply.NO_CONSENT)]) is None
