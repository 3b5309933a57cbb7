"""What the signer writes verifies, and what was changed afterwards does not."""

import pytest
import structlog.testing
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.model.reply import StoreAway
from gateway.signing.keys import generate
from gateway.signing.signer import _OFF_LOOP

FROM = b"From: News <news@example.org>\r\n"
PLAIN = (
    FROM
    + b"To: you@example.net\r\nSubject: Hello\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.org>\r\n"
    + b"List-Unsubscribe: <https://u.example.org/abc>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    + b"Received: from there\r\n\r\nHello  world \r\n\r\n\r\n"
)

AWKWARD = {
    "plain": PLAIN,
    "folded fields": b"Subject: one\r\n two\r\n\tthree  \r\n \r\n four\r\n" + FROM + b"\r\nbody\r\n",
    "trailing spaces": FROM + b"Subject:   spaced \t out \t \r\n\r\nline \t \r\n \r\n\t\r\n",
    "empty body": FROM + b"\r\n",
    "headers only": FROM + b"Subject: no empty line\r\n",
    "headers without their last CRLF": FROM + b"Subject: no end",
    "body of empty lines": FROM + b"\r\n\r\n\r\n\r\n",
    "body of white space": FROM + b"\r\n  \t \r\n ",
    "no last CRLF": FROM + b"\r\nbody",
    "no last CRLF after a space": FROM + b"\r\nbody  ",
    "fields that occur twice": FROM
    + b"To: a@example.net\r\nSubject: a\r\nTo: b@example.net\r\nSubject: b\r\n\r\nbody\r\n",
    "two From fields": FROM + b"From: other@example.org\r\n\r\nbody\r\n",
    "8-bit fields": "From: Jörg <jörg@example.org>\r\nSubject: Grüße \u2014 ok\r\n\r\nGrüße\r\n".encode(),
    "latin-1 fields": FROM + b"Subject: Gr\xfc\xdfe\r\n\r\n\xff\xfe\r\n",
    "repeated List-Unsubscribe": FROM
    + b"List-Unsubscribe: <mailto:u@example.org>\r\nLIST-UNSUBSCRIBE: <https://a>,\r\n <https://b>\r\n\r\nbody\r\n",
    "empty values": FROM + b"Subject:\r\nTo: \r\nCc:\r\n \r\n\r\nbody\r\n",
    "lower-case names": b"from:a@example.org\r\nsubject:x\r\n\r\nbody\r\n",
    "tabs": b"From:\ta@example.org\r\n\r\na\tb\t\tc\r\n",
    "every field": b"".join(
        name + b": v\r\n"
        for name in (b"Sender", b"List-Id", b"Feedback-ID", b"References", b"In-Reply-To", b"Cc")
    )
    + PLAIN,
}


@pytest.mark.parametrize("content", AWKWARD.values(), ids=AWKWARD)
@pytest.mark.parametrize("kind", ["rsa_key", "ed25519_key"])
async def test_an_awkward_message_verifies(content, kind, signer, source, verify, request):  # noqa: PLR0917 - fixtures
    source.hold(7, "example.org", "s1", request.getfixturevalue(kind))
    assert verify(await signer.sign(7, "example.org", content) + content) == [True]


async def test_both_kinds_sign_at_once_rsa_first(signer, source, meter, verify, rsa_key, ed25519_key):  # noqa: PLR0917 - fixtures
    source.hold(7, "example.org", "e1", ed25519_key)
    source.hold(7, "example.org", "r1", rsa_key)
    fields = await signer.sign(7, "example.org", PLAIN)
    assert fields.index(b"a=rsa-sha256") < fields.index(b"a=ed25519-sha256")
    assert verify(fields + PLAIN) == [True, True]
    assert meter.value("dkim_signer_sign_total", algorithm="rsa-sha256", result="signed") == 1
    assert meter.value("dkim_signer_sign_total", algorithm="ed25519-sha256", result="signed") == 1


async def test_the_field_is_laid_out_for_people(signer, source, rsa_key):
    source.hold(7, "example.org", "s1", rsa_key)
    field = await signer.sign(7, "example.org", PLAIN)
    lines = field.split(b"\r\n")
    assert lines[0] == b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1;"
    assert lines[1].startswith(b" t=1700000000; bh=")
    assert lines[2].startswith(b" h=list-unsubscribe-post:list-unsubscribe:message-id:date:subject:to:from:")
    names = b"".join(lines[2:]).partition(b";")[0].removeprefix(b" h=").replace(b" ", b"").split(b":")
    assert {name: names.count(name) for name in (b"from", b"subject", b"cc", b"received", b"list-id")} == {
        b"from": 2,  # one more than there are
        b"subject": 2,
        b"cc": 1,  # there is none, and none can be added
        b"received": 0,
        b"list-id": 0,  # a mailing list may add one
    }
    assert lines[-1] == b""
    assert all(len(line) <= 76 and line == line.rstrip() for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:-1])
    assert not any(tag in field for tag in (b" x=", b" l=", b" i="))


async def test_a_long_domain_and_selector_are_folded(signer, source, verify, rsa_key):
    domain, selector = ".".join(["a" * 60] * 3) + ".example.org", "s" * 60 + ".b"
    source.hold(7, domain, selector, rsa_key)
    field = await signer.sign(7, domain, PLAIN)
    assert max(map(len, field.split(b"\r\n"))) < 998
    assert verify(field + PLAIN) == [True]


TAMPERED = [
    b"From: evil@example.com\r\n",
    b"To: evil@example.com\r\n",
    b"Cc: evil@example.com\r\n",  # absent when it was signed
    b"Subject: evil\r\n",
    b"Reply-To: evil@example.com\r\n",  # absent
    b"Content-Type: text/html\r\n",  # absent
    b"List-Unsubscribe: <https://evil>\r\n",
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
]


@pytest.mark.parametrize("added", TAMPERED)
async def test_a_covered_field_cannot_be_added(added, signer, source, verify, ed25519_key):
    source.hold(7, "example.org", "s1", ed25519_key)
    fields = await signer.sign(7, "example.org", PLAIN)
    assert verify(added + fields + PLAIN) == [False]


async def test_trace_and_unknown_fields_may_be_added_and_removed(signer, source, verify, ed25519_key):
    source.hold(7, "example.org", "s1", ed25519_key)
    fields = await signer.sign(7, "example.org", PLAIN)
    later = PLAIN.replace(b"Received: from there\r\n", b"")
    assert verify(b"Received: by hop\r\nReturn-Path: <>\r\nX-Spam: no\r\n" + fields + later) == [True]


async def test_unsubscribe_fields_are_covered_even_where_they_are_missing(
    signer, source, verify, ed25519_key
):
    source.hold(7, "example.org", "s1", ed25519_key)
    bare = FROM + b"\r\nbody\r\n"
    fields = await signer.sign(7, "example.org", bare)
    unfolded = fields.replace(b"\r\n ", b"")
    assert unfolded.count(b"list-unsubscribe:") == unfolded.count(b"list-unsubscribe-post;") == 1
    assert verify(b"List-Unsubscribe: <https://evil>\r\n" + fields + bare) == [False]


async def test_the_nearest_parent_with_a_key_signs(signer, source, verify, rsa_key, ed25519_key):
    source.hold(7, "example.org", "far", rsa_key)
    source.hold(7, "b.example.org", "near", ed25519_key)
    fields = await signer.sign(7, "a.B.example.org", PLAIN)
    assert b"d=b.example.org;\r\n s=near;" in fields
    assert verify(fields + PLAIN) == [True]
    assert source.asked == [(7, "a.b.example.org"), (7, "b.example.org")]


async def test_a_parents_key_of_another_account_never_signs(signer, source, meter, ed25519_key):
    source.hold(8, "example.org", "theirs", ed25519_key)
    assert await signer.sign(7, "a.example.org", PLAIN) == b""
    assert meter.value("dkim_signer_sign_total", algorithm="none", result="no-key") == 1


async def test_a_source_that_does_not_ask_whose_key_it_is_changes_nothing(
    source, signer, ed25519_key, monkeypatch
):
    source.hold(8, "example.org", "theirs", ed25519_key)
    careless = source.keys
    monkeypatch.setattr(source, "keys", lambda account_id, domain: careless(8, domain))
    assert await signer.sign(7, "example.org", PLAIN) == b""


async def test_no_domain_is_no_key(signer, source):
    assert await signer.sign(7, "", PLAIN) == b""
    assert await signer.sign(7, "localhost", PLAIN) == b""
    assert source.asked == []


async def test_the_provider_signs_as_well(provider_signer, source, verify, rsa_key, ed25519_key):
    source.hold(7, "example.org", "s1", ed25519_key)
    source.hold(1, "provider.example", "p1", rsa_key)
    fields = await provider_signer.sign(7, "example.org", PLAIN)
    assert fields.index(b"d=example.org;") < fields.index(b"d=provider.example;")
    assert verify(fields + PLAIN) == [True, True]


async def test_the_provider_signs_mail_of_a_domain_without_keys(provider_signer, source, verify, ed25519_key):
    source.hold(1, "provider.example", "p1", ed25519_key)
    fields = await provider_signer.sign(7, "", PLAIN)
    assert verify(fields + PLAIN) == [True]


async def test_the_providers_own_mail_is_signed_once(provider_signer, source, verify, ed25519_key):
    source.hold(1, "provider.example", "p1", ed25519_key)
    fields = await provider_signer.sign(1, "provider.example", PLAIN)
    assert verify(fields + PLAIN) == [True]


async def test_without_from_there_is_nothing_to_sign(signer, source, meter, ed25519_key):
    source.hold(7, "example.org", "s1", ed25519_key)
    for content in (
        b"",
        b"\r\nbody\r\n",
        b"Subject: x\r\n\r\nFrom: in@body\r\n",
        b" From: x\r\n\r\n",
        b"From\r\n\r\n",
    ):
        assert await signer.sign(7, "example.org", content) == b""
    assert meter.value("dkim_signer_sign_total", algorithm="none", result="no-from") == 5


async def test_a_bad_key_does_not_stop_the_others(  # noqa: PLR0917 - fixtures
    signer, source, meter, verify, ed25519_key, rsa_key
):
    source.hold(7, "example.org", "bad", type(rsa_key)(rsa_key.algorithm, b"garbage", ""))
    source.hold(7, "example.org", "bad selector\r\n", rsa_key)
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )
    source.hold(7, "example.org", "elliptic", type(rsa_key)(rsa_key.algorithm, elliptic, ""))
    source.hold(7, "example.org", "good", ed25519_key)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            fields = await signer.sign(7, "example.org", PLAIN)
    assert verify(fields + PLAIN) == [True]
    # Said once for each key, not for each copy.
    assert meter.value("dkim_signer_sign_total", algorithm="none", result="bad-key") == 3
    assert [line["log_level"] for line in lines] == ["error"] * 3


async def test_a_key_is_parsed_once(signer, source, ed25519_key, monkeypatch):
    source.hold(7, "example.org", "s1", ed25519_key)
    first = await signer.sign(7, "example.org", PLAIN)
    monkeypatch.setattr("gateway.signing.signer.load_der_private_key", None)
    assert await signer.sign(7, "example.org", PLAIN) == first


async def test_keys_that_are_not_used_are_forgotten(signer, source, ed25519_key, monkeypatch):
    monkeypatch.setattr("gateway.signing.signer._KEYS_KEPT", 2)
    for number in range(5):
        source.hold(7, f"d{number}.example", "s1", ed25519_key)
        assert await signer.sign(7, f"d{number}.example", PLAIN)
    assert len(signer._pens) == 2


async def test_a_replaced_key_signs_from_the_next_copy_on(signer, source, verify, ed25519_key):
    source.hold(7, "example.org", "s1", ed25519_key)
    await signer.sign(7, "example.org", PLAIN)
    source._keys.clear()
    source.hold(7, "example.org", "s1", generate(ed25519_key.algorithm))
    assert verify(await signer.sign(7, "example.org", PLAIN) + PLAIN) == [True]


async def test_a_big_body_is_hashed_off_the_loop(signer, source, verify, ed25519_key):
    source.hold(7, "example.org", "s1", ed25519_key)
    big = PLAIN + b"0123456789  abcdef\t\r\n" * (_OFF_LOOP // 20 + 1)
    assert verify(await signer.sign(7, "example.org", big) + big) == [True]


async def test_a_key_source_that_is_away_delays_the_copy(signer, source, monkeypatch):
    async def away(account_id, domain):
        raise StoreAway

    monkeypatch.setattr(source, "keys", away)
    with pytest.raises(StoreAway):
        await signer.sign(7, "example.org", PLAIN)
