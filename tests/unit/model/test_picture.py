"""Pictures are known by their octets."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.picture import BadPicture, Picture, look_at


def png(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def jpeg(width: int, height: int, marker: int = 0xC0) -> bytes:
    app0 = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF" + bytes(10)
    tables = b"\xff\xc4" + struct.pack(">H", 5) + bytes(3)
    return b"\xff\xd8" + app0 + tables + b"\xff" + struct.pack(">BHBHH", marker, 17, 8, height, width)


def webp(kind: bytes, payload: bytes) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBP" + kind + struct.pack("<I", len(payload)) + payload


VP8X = webp(b"VP8X", bytes(4) + struct.pack("<HB", 119, 0) + struct.pack("<HB", 39, 0))
VP8L = webp(b"VP8L", b"\x2f" + struct.pack("<I", 119 | 39 << 14))
VP8 = webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 120, 40))


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (png(120, 40), "png"),
        (jpeg(120, 40), "jpeg"),
        (jpeg(120, 40, 0xC2), "jpeg"),
        (VP8X, "webp"),
        (VP8L, "webp"),
        (VP8, "webp"),
    ],
)
def test_kind_and_size(octets: bytes, kind: str) -> None:
    assert look_at(octets) == Picture(f"image/{kind}", 120, 40)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "neither"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither"),
        (b"GIF89a" + bytes(20), "neither"),
        (png(120, 40)[:20], "cut off"),
        (jpeg(120, 40)[:30], "cut off"),
        (VP8X[:26], "cut off"),
        (webp(b"XXXX", bytes(20)), "unknown kind"),
        (png(30_000, 30_000), "pixels"),
        (png(0, 40), "pixels"),
        (png(120, 40) + bytes(70_000), "octets"),
    ],
)
def test_what_is_not_taken(octets: bytes, why: str) -> None:
    with pytest.raises(BadPicture, match=why):
        look_at(octets)


@given(st.sampled_from([png(9, 9), jpeg(9, 9), VP8X, VP8L, VP8]), st.data())
def test_any_octets_are_a_picture_or_none(octets: bytes, data: st.DataObject) -> None:
    raw = bytearray(octets)
    for _ in range(data.draw(st.integers(0, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        look_at(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    except BadPicture:
        return
