import pytest

from gateway.mime.charset import Charset, charset_of, html_octets, plain_octets


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
        ("utf-16", Charset("latin-1", "")),
        ("utf-7", Charset("latin-1", "")),
        ("iso-2022-jp", Charset("latin-1", "")),
        ("cp037", Charset("latin-1", "")),
        ("cp037-odd", Charset("latin-1", "")),
        ("base64", Charset("latin-1", "")),
        ("rot13", Charset("latin-1", "")),
        ("raw-unicode-escape", Charset("latin-1", "ascii")),
        ("x-gurmukhi", Charset("latin-1", "ascii")),
        ("\ufffd\x00", Charset("latin-1", "ascii")),
    ],
)
def test_what_is_known(name: str, want: Charset) -> None:
    assert charset_of(name) == want


def test_plain_text_falls_back_to_the_nearest_letters() -> None:
    assert plain_octets("Gr\u00fc\u00dfe", "utf-8") == "Gr\u00fc\u00dfe".encode()
    assert plain_octets("Gr\u00fc\u00dfe \u2013 \u201cx\u201d \u20ac", "ascii") == b'Grusse - "x" EUR'
    assert plain_octets("\u00fc \u0416", "iso-8859-1") == b"\xfc ?"


def test_html_has_numbers_for_what_it_lacks() -> None:
    assert html_octets("\u00fc \u0416", "iso-8859-1") == b"\xfc &#1046;"
