"""The token is found wherever mail programs put it, and any octets are borne."""

import base64
import quopri

from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.token_finder import CANDIDATES, candidates
from gateway.inbound.unsubscribing import find_token
from gateway.mime.scan import scan
from gateway.model.token import Purpose, Token, seal

KEYS = {1: b"a" * 32, 9: b"b" * 32}

tokens = st.builds(
    Token,
    st.just(Purpose.UNSUBSCRIBE),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
)
# What people and programs put round it: nothing that a token is made of touches it.
around = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40).map(
    lambda text: text + " "
)


def word(text: str, kind: str) -> str:
    """One encoded word."""
    if kind == "b":
        return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="
    body = "".join(
        c if c.isascii() and c.isalnum() else "".join(f"={o:02X}" for o in c.encode()) for c in text
    )
    return f"=?UTF-8?q?{body}?="


@given(tokens, st.sampled_from(sorted(KEYS)), around, st.sampled_from(["", "Re: ", "Re:", "AW: Fwd: "]))
def test_in_a_subject(token: Token, key_id: int, before: str, prefix: str) -> None:
    text = seal(token, key_id, KEYS[key_id])
    raw = f"Subject: {prefix}{before}\r\n\t{text} {before}\r\n\r\n".encode()
    assert find_token(scan(raw), KEYS) == token


@given(tokens, st.lists(st.tuples(st.integers(1, 30), st.sampled_from("bq")), min_size=1, max_size=5))
def test_in_encoded_words_cut_anywhere(token: Token, pieces: list[tuple[int, str]]) -> None:
    rest, words = seal(token, 1, KEYS[1]), []
    for length, kind in [*pieces, (79, "q")]:
        piece, rest = rest[:length], rest[length:]
        words += [word(piece, kind)] if piece else []
    raw = "Subject: Re: " + "\r\n ".join(words) + "\r\n\r\n"
    assert find_token(scan(raw.encode()), KEYS) == token


@given(tokens, st.integers(1, 78))
def test_in_a_subject_that_was_folded_within_it(token: Token, at: int) -> None:
    text = seal(token, 1, KEYS[1])
    raw = f"Subject: {text[:at]}\r\n {text[at:]}\r\n\r\n".encode()
    assert find_token(scan(raw), KEYS) == token


@given(
    tokens,
    around,
    st.sampled_from(["7bit", "quoted-printable", "base64"]),
    st.sampled_from(["text/plain", "text/html"]),
)
def test_in_a_body(token: Token, before: str, encoding: str, kind: str) -> None:
    body = f"{before}\r\n> https://out.example/u/{seal(token, 1, KEYS[1])}\r\n".encode()
    if encoding == "base64":
        body = base64.encodebytes(body).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    part = (
        f"Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        + body
    )
    whole = (
        b'Subject: stop\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n'
        + part
        + b"\r\n--x--\r\n"
    )
    assert find_token(scan(b"Subject: stop\r\n" + part), KEYS) == token
    assert find_token(scan(whole), KEYS) == token


@given(tokens)
def test_in_a_newsletter_that_is_forwarded(token: Token) -> None:
    text = seal(token, 1, KEYS[1])
    raw = (
        'Subject: Fwd\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nsee below\r\n--x\r\n'
        f"Content-Type: message/rfc822\r\n\r\nList-Unsubscribe: <https://out.example/u/{text}>\r\n\r\n--x--\r\n"
    )
    assert find_token(scan(raw.encode()), KEYS) == token


@given(tokens, st.integers(0, 78), st.characters(codec="ascii", categories=("L", "N")))
def test_what_was_changed_is_no_token(token: Token, at: int, letter: str) -> None:
    text = seal(token, 1, KEYS[1])
    changed = text[:at] + letter + text[at + 1 :]
    found = find_token(scan(f"Subject: {changed}\r\n\r\n".encode()), KEYS)
    # The last letter holds bits that nothing reads: another one may be the same octets.
    assert found is None or (found == token and (changed == text or at == 78))


@given(
    st.binary(max_size=2000)
    | st.binary(max_size=500).map(lambda octets: b"Subject: =?x?q?" + octets + b"?=\r\n\r\n")
)
def test_any_octets_are_borne(raw: bytes) -> None:
    assert find_token(scan(raw), KEYS) is None


def test_of_many_candidates_a_few_are_tried() -> None:
    many = b"\r\n".join(b"%079d" % number for number in range(5000))
    assert len(list(candidates(scan(b"Subject: x\r\n\r\n" + many)))) == CANDIDATES


def test_of_a_large_body_the_beginning_is_looked_at() -> None:
    late = b"Subject: x\r\n\r\n" + b"x" * 1_000_000 + b" " + b"A" * 79
    assert list(candidates(scan(late))) == []
