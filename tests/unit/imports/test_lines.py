"""A stream as lines, however it was cut."""

import codecs

import pytest

from gateway.imports.lines import LONGEST, lines

TOO_LONG = b"x" * (LONGEST + 1)


@pytest.mark.parametrize(
    ("octets", "wanted"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\rb\n", [b"a\rb"]),
        (b"\n\na", [b"", b"", b"a"]),
        (codecs.BOM_UTF8 + b"a\nb", [b"a", b"b"]),
        ("ä\r\nb".encode("utf-16"), ["ä".encode(), b"b"]),
        (codecs.BOM_UTF16_BE + "ä\nb".encode("utf-16-be"), ["ä".encode(), b"b"]),
        (codecs.BOM_UTF16_LE + b"a\x00\n\x00\x00\xd8", [b"a", "\ufffd".encode()]),
        (b"x" * LONGEST + b"\r\nb", [b"x" * LONGEST, b"b"]),
        (b"x" * LONGEST + b"xx\nb", [TOO_LONG, b"b"]),
        (b"x" * (5 * LONGEST) + b"\nb", [TOO_LONG, b"b"]),
        (b"x" * (5 * LONGEST), [TOO_LONG]),
        (b"x" * (LONGEST + 1) + b"\rx\n", [TOO_LONG]),
    ],
    ids=range(15),
)
@pytest.mark.parametrize("size", [1, 2, 3, 65_536, 1_000_000])
def test_lines_do_not_depend_on_how_the_stream_was_cut(octets, wanted, size):
    if size < 10 and len(octets) > LONGEST:
        size *= 10_001
    chunks = (octets[start : start + size] for start in range(0, len(octets), size))
    assert list(lines(chunks)) == wanted
