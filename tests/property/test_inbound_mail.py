"""What strangers write adds no field and no line to mail of the house."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound import answer, forwarding
from gateway.inbound.house_mail import HouseMail
from gateway.inbound.leaving import Left
from gateway.inbound.letter import Letter
from gateway.mime.scan import scan
from gateway.model.address import Address, parse_address
from gateway.model.delivery import Sender
from gateway.model.facts import Client
from gateway.smtp.content import repair_newlines

MAIL = HouseMail("01HF7YAT000000000000000001", 1_700_000_000.0, "mx.example.org")
OPERATOR = parse_address("ops@example.com")
ANSWER = [b"from", b"to", b"subject", b"date", b"message-id"]
TAIL = [b"auto-submitted", b"mime-version", b"content-type", b"content-transfer-encoding"]

# What DATA lets through: any octets with CRLF line ends, no NUL.
octets = st.binary(max_size=300).map(lambda raw: repair_newlines(raw.replace(b"\0", b"")))
values = octets.map(lambda raw: raw.replace(b"\r\n", b"\r\n "))
letters = st.one_of(
    octets,
    st.tuples(values, values, values, octets).map(
        lambda some: b"Subject: %b\r\nMessage-ID: %b\r\nReferences: %b\r\n\r\n%b" % some
    ),
)
mailboxes = st.sampled_from(
    ["ann@example.net", '"a \\" b"@example.net', "x@b\u00fccher.example", "\u00fc@example.net"]
).map(parse_address)
names = st.text(max_size=200)


def letter_of(raw: bytes, sender: Address | None) -> Letter:
    client = Client("2001:db8::1", 4000, "[IPv6:2001:db8::1]", "ESMTPS", authenticated=False)
    recipient = parse_address("Abuse@mx.example.org")
    return Letter("01HF7YAT000000000000000002", client, Sender(sender), recipient, scan(raw), 1_700_000_000.0)


def fields_of(content: bytes) -> list[bytes]:
    message = scan(content)
    assert message.defects == ()
    return [field.name for field in message.fields]


@given(letters, mailboxes, names, names)
def test_answers(raw: bytes, sender: Address, tenant: str, mail_list: str) -> None:
    envelope = answer.Envelope(parse_address("unsubscribe@mx.example.org"), sender)
    content = answer.compose(MAIL, envelope, letter_of(raw, sender), Left(tenant, mail_list))
    threading = [[], [b"in-reply-to", b"references"]]
    assert fields_of(content) in [[*ANSWER, *some, *TAIL, b"content-language"] for some in threading]
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
    assert max(map(len, content.split(b"\r\n"))) <= 998


@given(letters, st.none() | mailboxes)
def test_forwards(raw: bytes, sender: Address | None) -> None:
    content = forwarding.compose(MAIL, letter_of(raw, sender), OPERATOR)
    expected = [[*ANSWER, *some, *TAIL] for some in ([], [b"reply-to"])]
    assert fields_of(content) in expected
    note, enclosed = scan(content).root.parts
    assert content[note.body_start : note.body_end].isascii()
    assert enclosed.content_type == "message/rfc822"
    body = content[enclosed.body_start : enclosed.body_end]
    assert body.endswith(b" +0000\r\n" + raw)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
