"""Our relaxed forms are dkimpy's, and what is signed verifies, whatever the message."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import dkim
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from gateway.observe.memory import MemoryMeter
from gateway.signing.canonical import relaxed_body, relaxed_lines, relaxed_name
from gateway.signing.keys import Algorithm, generate
from gateway.signing.signer import DkimSigner

# What canonicalisation looks at comes often, everything else now and then.
_pieces = st.sampled_from([b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b" \r\n", b"a", b"=20", b"\xe9", b"."])
_crlf_text = st.lists(st.one_of(_pieces, st.binary(max_size=6)), max_size=30).map(
    lambda pieces: b"\r\n".join(
        b"".join(pieces).replace(b"\r\n", b"\0").replace(b"\r", b"").replace(b"\n", b"").split(b"\0")
    )
)
_raw = st.lists(st.one_of(_pieces, st.sampled_from([b"\r", b"\n"])), max_size=30).map(b"".join)


@given(_crlf_text)
def test_a_body_with_crlf_lines_is_dkimpys(text: bytes):
    body = text + b"\r\n"
    assert relaxed_body(body) == Relaxed.canonicalize_body(body)


@given(_raw)
def test_a_body_with_bare_newlines_is_dkimpys_too(text: bytes):
    body = text + b"\r\n"
    assert relaxed_body(body) == Relaxed.canonicalize_body(body)


@given(_crlf_text)
def test_a_body_without_its_last_crlf_is_as_on_the_wire(text: bytes):
    wire = text if text.endswith(b"\r\n") else text + b"\r\n"
    assert relaxed_body(text) == Relaxed.canonicalize_body(wire)


@given(_crlf_text)
def test_relaxed_is_idempotent(text: bytes):
    once = relaxed_body(text)
    assert relaxed_body(once) == once


_name = st.from_regex(rb"[!-9;-~]{1,12}", fullmatch=True)
_value_piece = st.sampled_from(
    [b" ", b"\t", b"  ", b"\r\n ", b"\r\n\t", b"\r\n \r\n\t", b"x", b"\xc3\xa9", b":", b";"]
)
_value = st.lists(
    st.one_of(_value_piece, st.binary(max_size=4).map(lambda b: b.translate(None, b"\r\n\v\f"))), max_size=20
).map(b"".join)


@given(st.lists(st.tuples(_name, _value), min_size=1, max_size=6))
def test_fields_are_dkimpys(fields: list[tuple[bytes, bytes]]):
    section = b"\r\n".join(name + b":" + value for name, value in fields)
    parsed, _ = dkim.rfc822_parse(section + b"\r\n\r\n")
    ours = []
    for line in relaxed_lines(section):
        name, _, value = line.partition(b":")
        ours.append((relaxed_name(name), value.strip(b" ") + b"\r\n"))
    assert ours == Relaxed.canonicalize_headers(parsed)


KEY = generate(Algorithm.ED25519)


@dataclass(frozen=True, slots=True)
class OneKey:
    selector: str = "s1"
    private_der: bytes = KEY.private_der
    account_id: int = 1

    async def keys(self, account_id: int, domain: str) -> "Sequence[OneKey]":
        return [self]

    def now(self) -> float:
        return 1_700_000_000.0


_covered = st.sampled_from(
    [b"From", b"To", b"SUBJECT", b"list-unsubscribe", b"List-Id", b"Received", b"X-Other"]
)


@given(st.lists(st.tuples(_covered, _value), max_size=8), _crlf_text)
def test_what_is_signed_verifies(fields: list[tuple[bytes, bytes]], body: bytes):
    lines = [name + b":" + value + b"\r\n" for name, value in [(b"From", b" a@example.org"), *fields]]
    content = b"".join(lines) + b"\r\n" + body
    signature = asyncio.run(DkimSigner(OneKey(), OneKey(), MemoryMeter()).sign(1, "example.org", content))
    wire = signature + content + (b"" if content.endswith(b"\r\n") else b"\r\n")
    assert dkim.verify(wire, dnsfunc=lambda name, timeout=5: KEY.record.encode())
