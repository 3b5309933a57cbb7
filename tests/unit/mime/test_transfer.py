import binascii
import re

import pytest

from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.mime.transfer import Untouchable, decode, place


def _filled(encoding: str, body: bytes, gaps: list[tuple[int, int]], news: list[bytes]) -> bytes:
    raw = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body
    message = scan(raw)
    octets = decode(raw, message.root)
    out = apply(raw, place(raw, message.root, octets, gaps).fill(news))
    return out[message.root.body_start :]


@pytest.mark.parametrize(
    ("body", "gap", "new", "want"),
    [
        (b"abc", (3, 3), b"\r\nx", b"abc\r\nx"),
        (b"abc\r\n", (5, 5), b"x", b"abc\r\nx"),
        (b"abc", (1, 2), b"x", b"a=\r\nx=\r\nc"),
        (b"abc", (1, 1), b"\r\nx\r\n", b"a\r\nx\r\nbc"),
        (b"a bc", (2, 2), b"\r\nx\r\n", b"a =\r\n\r\nx\r\nbc"),
        (b"a=C3=A9b", (3, 3), b"x", b"a=C3=A9=\r\nx=\r\nb"),
        (b"ab=\r\ncd", (2, 2), b"x", b"ab=\r\nx=\r\ncd"),
        (b"ab=\r\ncd", (1, 3), b"x", b"a=\r\nx=\r\nd"),
        (b"ab=", (2, 2), b"\r\nx", b"ab=\r\n\r\nx"),
        (b"ab", (0, 0), b"x", b"x=\r\nab"),
        (b"ab", (0, 2), b"x=y", b"x=3Dy"),
        (b"ab\r\ncd", (1, 2), b"x", b"a=\r\nx\r\ncd"),
        (b"", (0, 0), b"x", b"x"),
    ],
)
def test_quoted_printable(body: bytes, gap: tuple[int, int], new: bytes, want: bytes) -> None:
    assert _filled("quoted-printable", body, [gap], [new]) == want


def test_quoted_printable_that_readers_disagree_about() -> None:
    with pytest.raises(Untouchable) as caught:
        _filled("quoted-printable", b"a==b", [(2, 2)], [b"x"])
    assert caught.value.reason == "broken-quoted-printable"


def _b64(octets: bytes, width: int) -> bytes:
    text = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join(text[i : i + width] for i in range(0, len(text), width))


@pytest.mark.parametrize("tail", [b"", b"\r\n", b" \r\n\r\n"])
@pytest.mark.parametrize(("width", "want_width"), [(76, 76), (60, 60), (4, 4), (10, 76), (400, 76)])
def test_base64_keeps_its_lines(tail: bytes, width: int, want_width: int) -> None:
    octets = bytes(range(256))
    got = _filled("base64", _b64(octets, width) + tail, [(200, 201), (256, 256)], [b"new", b"end"])
    assert got == _b64(octets[:200] + b"new" + octets[201:] + b"end", want_width) + tail


def test_base64_with_lines_of_any_length() -> None:
    assert _filled("base64", b"QUJD\r\nREVGR0hJ\r\nSg==\r\n", [(3, 3)], [b"x"]) == b"QUJDeERFRkdISUo=\r\n"


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary"])
def test_verbatim(encoding: str) -> None:
    assert _filled(encoding, b"abc", [(0, 1), (2, 2)], [b"x", b"y"]) == b"xbyc"


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("7bit", b"a\nb", "bare-newline"),
        ("8bit", b"a\r\r\nb", "bare-newline"),
        ("base64", b"QUJ", "broken-base64"),
        ("base64", b"QQ==QUJD", "broken-base64"),
        ("base64", b" QUJD", "broken-base64"),
        ("base64", b"QUJD" * 100_000, "long-base64"),  # all of it would be kept anew for each recipient
        ("uuencode", b"x", "encoding"),
    ],
)
def test_what_is_left_alone(encoding: str, body: bytes, reason: str) -> None:
    with pytest.raises(Untouchable) as caught:
        _filled(encoding, body, [(0, 0)], [b"x"])
    assert caught.value.reason == reason


_FILLERS = (b"", b"#", b"#u")


@pytest.mark.parametrize("length", [90_000, 90_001, 90_002])
@pytest.mark.parametrize("width", [76, 60])
def test_long_base64_is_written_anew_only_around_its_gaps(length: int, width: int) -> None:
    octets = bytes(range(65, 90)) * (length // 25) + b"z" * (length % 25)
    raw = b"Content-Transfer-Encoding: base64\r\n\r\n" + _b64(octets, width) + b"\r\n"
    message = scan(raw)
    gaps = [(5, 9), (9, 10), (500, 500), (length - 1, length), (length, length)]
    placement = place(raw, message.root, decode(raw, message.root), gaps, [_FILLERS] * 5)
    splices = placement.fill([b"1", b"22", b"3", b"", b"4"])
    assert sum(len(splice.new) for splice in splices) < 150
    out = apply(raw, splices)
    parts = octets[:5] + b"1" + b"22", octets[10:500] + b"3", octets[500 : length - 1] + b"4"
    wanted = re.compile(b"(?:#u?)?".join(map(re.escape, parts)))
    assert wanted.fullmatch(decode(out, scan(out).root))
