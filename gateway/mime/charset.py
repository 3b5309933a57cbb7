"""Charsets: what a part's text is written in, and what may be written into it.

What it promises: ``charset_of`` knows for every name whether ASCII octets mean themselves in it, which codec
reads it and which one an insertion may use; ``plain_octets`` and ``html_octets`` express any text in that
codec, with other letters or numeric references where it has none. Nothing here fails.
"""

import codecs
import unicodedata
from dataclasses import dataclass
from encodings import normalize_encoding
from encodings.aliases import aliases
from enum import Enum
from functools import lru_cache


class Kin(Enum):
    """How a charset is related to ASCII."""

    ASCII = "ASCII octets mean themselves, wherever they stand"
    SHIFTED = "ASCII, and stretches between shifts in which the same octets mean other things"
    WIDE = "two or four octets for each character"
    NONE = "not at all, or nobody knows: nothing may go in"


# Python has codecs under these names that are no charsets of mail, or change their meaning as they go.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-8-sig"})
# The names that Python has codecs for. To ask it for any other would make it remember the name for ever.
_CODECS = frozenset({*aliases, *aliases.values(), "koi8_u", "koi8_t", "cp874", "cp720", "cp856", "cp1006"})
_ASCII = bytes(range(128))
_ASCII_TEXT = _ASCII.decode("ascii")

# Signs, ligatures, Cyrillic and Greek in the nearest ASCII: roughly as passports write them.
_SPELLINGS = """
' ‘’‚‹›|" “”„«»|- ‐‑‒–—−|* ·•|ss ß|SS ẞ|ae æ|AE Æ|oe œ|OE Œ|o ø|O Ø|l ł|L Ł|d đð|D ĐÐ|th þ|Th Þ|EUR €|i ı
a а|b б|v в|g гґ|d д|e еэ|z з|i ийыі|k к|l л|m м|n н|o о|p п|r р|s сѕ|t т|u у|f ф|j ј|zh ж|kh х|ts ц|ch ч|sh ш
shch щ|iu ю|ia я|ie є|lj љ|nj њ|c ћ|dj ђ|dz џ|A А|B Б|V В|G ГҐ|D Д|E ЕЭ|Z З|I ИЙЫІ|K К|L Л|M М|N Н|O О|P П|R Р
S СЅ|T Т|U У|F Ф|J Ј|Zh Ж|Kh Х|Ts Ц|Ch Ч|Sh Ш|Shch Щ|Iu Ю|Ia Я|Ie Є|Lj Љ|Nj Њ|C Ћ|Dj Ђ|Dz Џ| ьъЬЪ
a α|v β|g γ|d δ|e ε|z ζ|i ηι|k κ|l λ|m μ|n ν|x ξ|o οω|p π|r ρ|s σς|t τ|y υ|f φ|th θ|ch χ|ps ψ|A Α|V Β|G Γ|D Δ
E Ε|Z Ζ|I ΗΙ|K Κ|L Λ|M Μ|N Ν|X Ξ|O ΟΩ|P Π|R Ρ|S Σ|T Τ|Y Υ|F Φ|Th Θ|Ch Χ|Ps Ψ
"""
_NEAREST = str.maketrans(
    {
        letter: spelling
        for entry in _SPELLINGS.strip("\n").replace("\n", "|").split("|")
        for spelling, _, letters in [entry.partition(" ")]
        for letter in letters
    }
)


@dataclass(frozen=True, slots=True)
class Charset:
    """A charset as far as we know it. ``writes`` is the codec for insertions; "" where nothing may go in."""

    reads: str  # the codec that decodes it; where Python has none, one that keeps ASCII as it is
    writes: str
    kin: Kin = Kin.ASCII


_UNKNOWN = Charset("latin-1", "", Kin.NONE)
# Japanese of RFC 1468 is what every reader knows of this family: nothing more is written into any of it.
ISO_2022_JP = Charset("iso2022_jp_ext", "iso2022_jp", Kin.SHIFTED)
_UTF_16 = Charset("utf-16", "utf-16", Kin.WIDE)
_BY_PREFIX = (
    ("iso-2022-jp", ISO_2022_JP),
    ("csiso2022jp", ISO_2022_JP),
    ("iso-2022-kr", Charset("iso2022_kr", "ascii", Kin.SHIFTED)),
    ("csiso2022kr", Charset("iso2022_kr", "ascii", Kin.SHIFTED)),
    ("iso-2022", Charset("latin-1", "ascii", Kin.SHIFTED)),
    ("hz", Charset("hz", "hz", Kin.SHIFTED)),
    ("utf-7", Charset("utf-7", "utf-7", Kin.SHIFTED)),
    ("unicode-1-1-utf-7", Charset("utf-7", "utf-7", Kin.SHIFTED)),
    ("utf-16", _UTF_16),
    ("utf16", _UTF_16),
    ("utf-32", Charset("utf-32", "utf-32", Kin.WIDE)),
    *((name, _UNKNOWN) for name in ("utf7", "utf32", "iso2022", "csiso2022")),
)


@lru_cache(maxsize=256)
def charset_of(name: str) -> Charset:
    """Return what is known of a charset's lower-case name; "" is RFC 2045's default, us-ascii."""
    if name in {"", "us-ascii", "ascii"}:
        return Charset("latin-1", "ascii")
    for prefix, known in _BY_PREFIX:
        if name.startswith(prefix):
            return known
    plain = normalize_encoding(name)
    if plain not in _CODECS:
        return Charset("latin-1", "ascii") if _looks_like_ascii(name) else _UNKNOWN
    codec = codecs.lookup(plain).name
    return Charset(codec, codec) if _keeps_ascii(codec) else _UNKNOWN


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


def expresses(codec: str, text: str) -> bool:
    """Whether a codec has all letters of a text, or others that a reader would take for them."""
    return b"?" not in plain_octets(text.replace("?", ""), codec).replace(b"\x00", b"")


def _written(char: str, codec: str) -> str:
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFKD", char.translate(_NEAREST)).translate(_NEAREST)
        return "".join([one for one in parts if not unicodedata.combining(one)])
    return char


def html_octets(text: str, codec: str) -> bytes:
    """Write HTML in a codec; what it lacks becomes a numeric character reference."""
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        # By way of ASCII where the codec has a state: its shifts are not ours to mend.
        own = codec if charset_of(codec).kin is Kin.ASCII and codec != "ascii" else "ascii"
        return text.encode(own, "xmlcharrefreplace").decode(own).encode(codec)
