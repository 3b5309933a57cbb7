import base64
import random

import pytest

from gateway.mime.scan import scan
from gateway.mime.text import Text, back_to_ascii, text_of
from gateway.mime.transfer import Untouchable


def _text(charset: str, octets: bytes, encoding: str = "8bit") -> Text:
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    message = scan(head.encode() + (base64.b64encode(octets) if encoding == "base64" else octets))
    return text_of(message, message.root)


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "koi8-r", "gb18030", "big5", "euc-kr", "shift_jis"]
)
def test_kin_of_ascii_is_looked_at_as_it_stands(charset: str) -> None:
    text = _text(charset, b"a {{x}}")
    assert text.view is text.octets
    assert text.place((2, 7)) == (2, 7)
    assert text.readable == "a {{x}}"


def test_what_has_no_label_is_mostly_utf_8() -> None:
    assert _text("us-ascii", "gr\u00fcn".encode()).readable == "gr\u00fcn"
    assert _text("x-odd", b"gr\xfcn").readable == "gr\ufffdn"
    assert _text("us-ascii", "gr\u00fcn".encode()).writes == "ascii"
    assert _text("utf-8", b"x", "7bit").writes == "ascii"


_SHIFTED = [
    ("iso-2022-jp", "iso2022_jp", "\u3053\u3093<b> x \u65e5\r\n{{y}} \u672c.\r\n"),
    ("iso-2022-kr", "iso2022_kr", "\uc548 <b>\r\n{{y}}\r\n"),
    ("hz-gb-2312", "hz", "\u4f60~ <b> \u597d\r\n{{y}}\r\n"),
    ("utf-7", "utf-7", "1+1 \u00e9<b> \u65e5{{y}}\r\n"),
]


@pytest.mark.parametrize(("charset", "codec", "words"), _SHIFTED)
def test_shifted_text_is_looked_at_in_utf_8(charset: str, codec: str, words: str) -> None:
    octets = words.encode(codec)
    text = _text(charset, octets)
    assert text.view.decode().lstrip("\x1b$)C") == words
    for want in (b"x", b".", b"\r\n"):
        at = text.view.find(want)
        if at >= 0:
            start, end = text.place((at, at + len(want)))
            assert octets[start:end] == want
            put = octets[:start] + "\r\nnew\u65e5\r\n".encode(text.writes, "replace") + octets[end:]
            assert "new" in put.decode(codec)


def test_a_place_between_shifts_is_none() -> None:
    text = _text("iso-2022-jp", "\u65e5\u672c".encode("iso2022_jp"))
    with pytest.raises(Untouchable, match="charset"):
        text.place((3, 3))
    assert text.place((0, 0)) == (0, 0)


@pytest.mark.parametrize(
    ("octets", "back"),
    [
        (b"\x1b$BF|\x1b(B", b""),
        (b"\x1b$BF|\x1b(J ok", b""),
        (b"\x1b$BF|", b"\x1b(B"),
        (b"ok \x1b(I1", b"\x1b(B"),
        (b"ok", b""),
    ],
)
def test_a_text_that_ends_shifted_is_brought_back(octets: bytes, back: bytes) -> None:
    assert back_to_ascii(_text("iso-2022-jp", octets)) == back


def test_escapes_under_a_label_of_ascii_are_japanese() -> None:
    text = _text("us-ascii", b"\x1b$B$3$s\x1b(B <b>", "7bit")
    assert text.view == "\u3053\u3093 <b>".encode()
    assert text.writes == "iso2022_jp"


def test_a_charset_with_shifts_that_python_lacks() -> None:
    text = _text("iso-2022-cn", b"a \x0e<<\x0f b")
    assert text.view == b"a  b"
    assert text.place((2, 2)) == (6, 6)


@pytest.mark.parametrize(
    ("charset", "codec", "mark"),
    [
        ("utf-16", "utf-16-le", b"\xff\xfe"),
        ("utf-16", "utf-16-be", b"\xfe\xff"),
        ("utf-16", "utf-16-be", b""),
        ("utf-16", "utf-16-le", b""),
        ("utf-16be", "utf-16-be", b""),
        ("utf-32le", "utf-32-le", b""),
        ("utf-32", "utf-32-le", b"\xff\xfe\x00\x00"),
    ],
)
def test_wide_text(charset: str, codec: str, mark: bytes) -> None:
    text = _text(charset, mark + "a\u65e5{{x}}".encode(codec), "base64")
    assert text.view == "a\u65e5{{x}}".encode()
    assert text.writes == codec
    width = len("x".encode(codec))
    assert text.place((4, 9)) == (len(mark) + 2 * width, len(mark) + 7 * width)


@pytest.mark.parametrize("octets", [b"abc", b"\xff\xfe\x00\xd8a\x00", b"\xff\xfe\x00\xdc"])
def test_wide_text_that_is_none(octets: bytes) -> None:
    with pytest.raises(Untouchable, match="charset"):
        _text("utf-16", octets, "base64")


def test_wide_text_that_cannot_be_in_a_line() -> None:
    with pytest.raises(Untouchable, match="charset"):
        _text("utf-16", b"a\x00")


def test_no_octets_break_it() -> None:
    dice = random.Random(7)
    for charset in ("iso-2022-jp", "iso-2022-kr", "hz", "utf-7"):
        for _ in range(200):
            octets = (
                bytes(dice.choices(b"\x1b$B(J~{}+-/A1\x0e\x0f\r\n<", k=30))
                .replace(b"\r", b"")
                .replace(b"\n", b"")
            )
            text = _text(charset, octets)
            assert text.place((len(text.view), len(text.view)))[0] == len(octets)
