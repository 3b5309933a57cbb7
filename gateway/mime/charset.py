"""Charsets: what a part's text is written in, and what may be written into it.

What it promises: ``charset_of`` knows for every name whether ASCII octets mean themselves in it, and which
codec an insertion may use; ``plain_octets`` and ``html_octets`` express any text in that codec, with other
letters or numeric references where it has none. Nothing here fails.
"""

import codecs
import unicodedata
from dataclasses import dataclass
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

# Python has codecs under these names that are no charsets of mail, or change their meaning as they go.
_STATEFUL = ("utf-7", "utf7", "utf-16", "utf16", "utf-32", "utf32", "iso-2022", "iso2022", "csiso2022", "hz")
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-8-sig"})
# The names that Python has codecs for. To ask it for any other would make it remember the name for ever.
_CODECS = frozenset({*aliases, *aliases.values(), "koi8_u", "koi8_t", "cp874", "cp720", "cp856", "cp1006"})
_ASCII = bytes(range(128))
_ASCII_TEXT = _ASCII.decode("ascii")

_NEAREST = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u2039\u203a", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u00b7\u2022", "*"),
        "\u00df": "ss",
        "\u1e9e": "SS",
        "\u00e6": "ae",
        "\u00c6": "AE",
        "\u0153": "oe",
        "\u0152": "OE",
        "\u00f8": "o",
        "\u00d8": "O",
        "\u0142": "l",
        "\u0141": "L",
        "\u0111": "d",
        "\u0110": "D",
        "\u00fe": "th",
        "\u00de": "Th",
        "\u00f0": "d",
        "\u00d0": "D",
        "\u20ac": "EUR",
        "\u0131": "i",
    }
)


@dataclass(frozen=True, slots=True)
class Charset:
    """A charset as far as we know it. ``writes`` is the codec for insertions; "" where nothing may go in."""

    reads: str  # the codec that decodes it; where Python has none, one that keeps ASCII as it is
    writes: str


@lru_cache(maxsize=256)
def charset_of(name: str) -> Charset:
    """Return what is known of a charset's lower-case name; "" is RFC 2045's default, us-ascii."""
    if name in {"", "us-ascii", "ascii"}:
        return Charset("latin-1", "ascii")
    if name.startswith(_STATEFUL):
        return Charset("latin-1", "")
    if normalize_encoding(name) not in _CODECS:
        return Charset("latin-1", "ascii" if _looks_like_ascii(name) else "")
    codec = codecs.lookup(name).name
    return Charset(codec, codec) if _keeps_ascii(codec) else Charset("latin-1", "")


def _keeps_ascii(codec: str) -> bool:
    """Whether ASCII octets mean themselves in a codec, and nothing else is written with them."""
    try:
        return codec not in _NO_CHARSETS and _ASCII.decode(codec) == _ASCII_TEXT == _ASCII_TEXT.encode(
            codec
        ).decode("ascii")
    except (LookupError, ValueError):  # what is no charset at all, or breaks on ASCII
        return False


def _looks_like_ascii(name: str) -> bool:
    """Whether an unknown charset is likely to hold ASCII: EBCDIC and IBM's code pages need not."""
    return not name.startswith(
        ("ebcdic", "ibm", "cp", "csibm", "utf", "ucs", "iso-10646", "csucs", "csunicode")
    )


def plain_octets(text: str, codec: str) -> bytes:
    """Write plain text in a codec; what it lacks becomes the nearest ASCII, or a question mark."""
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return "".join([_written(char, codec) for char in text]).encode(codec, "replace")


def _written(char: str, codec: str) -> str:
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        nearest = char.translate(_NEAREST)
        parts = unicodedata.normalize("NFKD", nearest)
        return "".join([one for one in parts if not unicodedata.combining(one)])
    return char


def html_octets(text: str, codec: str) -> bytes:
    """Write HTML in a codec; what it lacks becomes a numeric character reference."""
    return text.encode(codec, "xmlcharrefreplace")
