import pytest

from gateway.mime.charset import ISO_2022_JP, Charset, Kin, charset_of, expresses, html_octets, plain_octets

_UNKNOWN = Charset("latin-1", "", Kin.NONE)


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("", Charset("latin-1", "ascii")),
        ("us-ascii", Charset("latin-1", "ascii")),
        ("utf-8", Charset("utf-8", "utf-8")),
        ("iso-8859-15", Charset("iso8859-15", "iso8859-15")),
        ("windows-1252", Charset("cp1252", "cp1252")),
        ("koi8-u", Charset("koi8-u", "koi8-u")),
        ("shift_jis", Charset("shift_jis", "shift_jis")),
        ("utf-16", Charset("utf-16", "utf-16", Kin.WIDE)),
        ("utf-16le", Charset("utf-16", "utf-16", Kin.WIDE)),
        ("utf-7", Charset("utf-7", "utf-7", Kin.SHIFTED)),
        ("iso-2022-jp", ISO_2022_JP),
        ("iso-2022-kr", Charset("iso2022_kr", "ascii", Kin.SHIFTED)),
        ("hz-gb-2312", Charset("hz", "hz", Kin.SHIFTED)),
        ("iso2022-odd", _UNKNOWN),
        ("cp037", _UNKNOWN),
        ("cp037-odd", _UNKNOWN),
        ("base64", _UNKNOWN),
        ("rot13", _UNKNOWN),
        ("raw-unicode-escape", Charset("latin-1", "ascii")),
        ("utf-8\x00\x00", Charset("utf-8", "utf-8")),
        ("x-gurmukhi", Charset("latin-1", "ascii")),
        ("\ufffd\x00", Charset("latin-1", "ascii")),
    ],
)
def test_what_is_known(name: str, want: Charset) -> None:
    assert charset_of(name) == want


def test_plain_text_falls_back_to_the_nearest_letters() -> None:
    assert plain_octets("Gr\u00fc\u00dfe", "utf-8") == "Gr\u00fc\u00dfe".encode()
    assert plain_octets("Gr\u00fc\u00dfe \u2013 \u201cx\u201d \u20ac", "ascii") == b'Grusse - "x" EUR'
    assert plain_octets("\u00fc \u0416\u0443\u043a \u65e5", "iso-8859-1") == b"\xfc Zhuk ?"
    assert plain_octets("\u65e5\u00e9", "iso2022_jp") == b"\x1b$BF|\x1b(Be"


def test_whether_a_name_can_be_read() -> None:
    assert expresses("ascii", "\u0412\u0435\u0441\u0442\u0438?")
    assert not expresses("ascii", "\u65b0\u805e")
    assert expresses("utf-16-le", "\u65b0\u805e")


def test_html_has_numbers_for_what_it_lacks() -> None:
    assert html_octets("\u00fc \u0416", "iso-8859-1") == b"\xfc &#1046;"
    # A codec with shifts is left out of it: its shifts would be the caller's to end.
    assert html_octets("\u65e5\u00e9", "iso2022_jp") == b"&#26085;&#233;"
    assert html_octets("\u65e5", "utf-16-le") == b"\xe5e"
