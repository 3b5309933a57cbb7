"""Small pictures: which kind they are and how large, told by their own octets. Pure.

A name's ending and a declared type are anybody's word. SVG is none of the kinds: it can hold scripts. The
size is read because a few kilobytes can claim to be a picture of gigabytes. Fails with ``BadPicture``.
"""

import struct
from dataclasses import dataclass

LARGEST = 65_536  # octets
WIDEST = 2000  # pixels, either way

_PNG = b"\x89PNG\r\n\x1a\n"
_NO_SIZE = frozenset({0xC4, 0xC8, 0xCC})  # JPEG's markers among C0 to CF that begin no frame


class BadPicture(Exception):
    """Not a picture that is taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the octets are."""

    media_type: str
    width: int  # pixels
    height: int


def look_at(octets: bytes) -> Picture:
    """Return the kind and size of a PNG, JPEG or WebP; raise BadPicture."""
    if len(octets) > LARGEST:
        raise BadPicture(f"it has {len(octets):,} octets; {LARGEST:,} are the most")
    try:
        picture = _sniff(octets)
    except (struct.error, IndexError):
        raise BadPicture("it is cut off") from None
    if not (0 < picture.width <= WIDEST and 0 < picture.height <= WIDEST):
        raise BadPicture(f"it is {picture.width} by {picture.height} pixels; {WIDEST} are the most")
    return picture


def _sniff(octets: bytes) -> Picture:
    if octets.startswith(_PNG) and octets[12:16] == b"IHDR":
        return Picture("image/png", *struct.unpack_from(">II", octets, 16))
    if octets.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_jpeg_size(octets))
    if octets[:4] == b"RIFF" and octets[8:12] == b"WEBP":
        return Picture("image/webp", *_webp_size(octets))
    raise BadPicture("it is neither PNG nor JPEG nor WebP")


def _jpeg_size(octets: bytes) -> tuple[int, int]:
    """Go from segment to segment until the frame says its size."""
    place = 2
    while True:
        marker, length = struct.unpack_from(">xBH", octets, place)
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack_from(">HH", octets, place + 5)
            return width, height
        place += 2 + length


def _webp_size(octets: bytes) -> tuple[int, int]:
    kind = octets[12:16]
    if kind == b"VP8X":
        return _three(octets, 24) + 1, _three(octets, 27) + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", octets, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", octets, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise BadPicture("it is a WebP of an unknown kind")


def _three(octets: bytes, place: int) -> int:
    low, high = struct.unpack_from("<HB", octets, place)
    return int(low | high << 16)
