import email
import email.header

import pytest

from gateway.mime import headers
from gateway.mime.headers import BadFrom, UnsafeField
from gateway.mime.scan import scan


def _message(head: str) -> object:
    return scan(head.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n")


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("Hello", b"Subject: Hello\r\n"),
        ("", b"Subject: \r\n"),
        ("Gr\u00fc\u00dfe", b"Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"),
        ("=?x?", b"Subject: =?utf-8?B?PT94Pw==?=\r\n"),
        ("word " * 20, b"Subject:" + b" word" * 13 + b"\r\n" + b" word" * 7 + b" \r\n"),
    ],
)
def test_field(value: str, want: bytes) -> None:
    assert headers.field("Subject", value) == want


@pytest.mark.parametrize("value", ["a\r\nBcc: x", "a\nb", "a\rb", "a\x00b", "\u2028", "\ud800", "x" * 1200])
def test_field_lets_nothing_in(value: str) -> None:
    with pytest.raises(UnsafeField):
        headers.field("Subject", value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "\u00e9", "a\r\n"])
def test_field_names(name: str) -> None:
    for build in (headers.field, headers.structured):
        with pytest.raises(UnsafeField):
            build(name, "x")


def test_structured_takes_printable_ascii_only() -> None:
    assert headers.structured("List-Id", "=?utf-8?B?eA==?= <a>") == b"List-Id: =?utf-8?B?eA==?= <a>\r\n"
    for value in ("\u00e9", "a\nb"):
        with pytest.raises(UnsafeField):
            headers.structured("List-Id", value)


def test_one_line_is_never_folded() -> None:
    url = "<https://example.com/" + "a" * 900 + ">, <mailto:x>"
    assert headers.one_line("List-Unsubscribe", url) == f"List-Unsubscribe: {url}\r\n".encode()
    for value in ("x" * 990, "\u00e9", "a\r\nb"):
        with pytest.raises(UnsafeField):
            headers.one_line("List-Unsubscribe", value)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("News of the day", "News of the day"),
        ('a "b" \\ c.', '"a \\"b\\" \\\\ c."'),
        ("", ""),
        ("\r\n\x00", ""),
        ("a\r\nBcc: x", '"a Bcc: x"'),
        ("=?x", "=?utf-8?B?PT94?="),
        ("\u00e9", "=?utf-8?B?w6k=?="),
    ],
)
def test_phrase(text: str, want: str) -> None:
    assert headers.phrase(text) == want


def test_encoded_words_cut_no_character_and_keep_their_length() -> None:
    text = "\u00e9\U0001f600 " * 60
    words = headers.encoded_words(text)
    assert all(len(word) <= 75 for word in words.split(" "))
    decoded = email.header.decode_header(words)
    assert "".join(octets.decode(charset or "ascii") for octets, charset in decoded) == text
    built = headers.field("Subject", text)
    assert all(len(line) <= 78 for line in built.split(b"\r\n"))


def test_date_time() -> None:
    assert headers.date_time(0) == "Thu, 01 Jan 1970 00:00:00 +0000"
    assert headers.date_time(1767225599) == "Wed, 31 Dec 2025 23:59:59 +0000"


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("a@example.com", "a@example.com"),
        ("<a@example.com>", "a@example.com"),
        ("News <a@example.com>", "a@example.com"),
        ('"x@evil.example" <a@Example.com>', "a@example.com"),
        ('"a, b; \\"c\\" <d>" <a@example.com>', "a@example.com"),
        ("=?utf-8?q?N=C3=A9ws?= <a@example.com>", "a@example.com"),
        ("N\u00e9ws <a@example.com>", "a@example.com"),
        ("N\udce9ws <a@example.com>", "a@example.com"),
        ("J. P. News\n <a@example.com>", "a@example.com"),
        ("(from) News <a@example.com> (really (truly))", "a@example.com"),
        ("a@example.com (News \\) here)", "a@example.com"),
        ("a@example.com <a@example.com>", "a@example.com"),
        ("< a . b @ example . com >", "a.b@example.com"),
        ('"a b"@example.com', '"a b"@example.com'),
        ("x <a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ("j\u00f6rg@example.com", "j\u00f6rg@example.com"),
    ],
)
def test_parse_from(value: str, want: str) -> None:
    assert str(headers.parse_from(_message(f"From: {value}\n"))) == want


@pytest.mark.parametrize(
    "head",
    [
        *("", "From:\n", "From: a@example.com\nFrom: a@example.com\n"),
        *("From: a@example.com, b@example.com\n", "From: <a@example.com>, <b@example.com>\n"),
        *("From: x@evil.example <a@example.com>\n", "From: <x@evil.example> <a@example.com>\n"),
        *("From: friends: a@example.com;\n", "From: nobody:;\n", "From: <@relay.example:a@example.com>\n"),
        *("From: <a@example.com\n", "From: a@example.com> x\n", "From: <a@example.com> x\n"),
        *("From: a@b@example.com\n", "From: @example.com\n", "From: a@\n", "From: a\n", "From: <>\n"),
        *("From: a b@example.com\n", "From: a@exa mple.com\n", 'From: "a"b@example.com\n'),
        *("From: (never ends <a@example.com>\n", "From: (\\\n", "From: " + "(" * 30 + "\n"),
        *(
            'From: "never ends <a@example.com>\n',
            "From: a\\b <a@example.com>\n",
            "From: a\x00 <a@example.com>\n",
        ),
        "From: " + "()\n " * 10_000 + "<a@example.com>\n",  # too long to be read
        *("From: \udce9@example.com\n", "From: a..b@example.com\n", "From: x <a@[1\n"),
    ],
)
def test_an_author_in_doubt_is_none(head: str) -> None:
    with pytest.raises(BadFrom) as caught:
        headers.parse_from(_message(head))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("head", "want"),
    [
        ("", ""),
        ("List-Id: News <news.example.com>\n", "news.example.com"),
        ('List-Id: "a <b>" <news.example.com> (x)\n', "news.example.com"),
        ("List-Id: <news.\n example.com>\n", "news.example.com"),
        ("List-Id: news.example.com\n", "news.example.com"),
        ("List-Id: x\nX-Consentry-List: <y>\n", "y"),
        ("List-Id: x\nX-Consentry-List:\n", "x"),
    ],
)
def test_list_named(head: str, want: str) -> None:
    assert headers.list_named(_message(head)) == want


def test_newsletter_named() -> None:
    assert headers.newsletter_named(_message("X-Consentry-Newsletter: July\n")) == "July"
    assert headers.newsletter_named(_message("A: b\n")) == ""
