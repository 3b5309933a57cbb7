"""What may differ in two texts of one mould, and what may not."""

import pytest

from gateway.mime.mould import Difference, Mould


def differences(known: str, other: str) -> list[Difference] | None:
    octets = known.encode()
    return Mould(octets, octets.lower(), octets.split(b"\n")).differences(other.encode().split(b"\n"))


@pytest.mark.parametrize(
    ("known", "other", "what"),
    [
        ("<p>Dear Ann,</p>", "<p>Dear Bob,</p>", [(3, 12, b"Dear Ann,", b"Dear Bob,")]),
        ("<p>Ann</p>", "<p>Zo\u00eb &amp; co</p>", [(3, 6, b"Ann", "Zo\u00eb &amp; co".encode())]),
        ("<p>\nAnn\n</p>", "<p>\nBob\n</p>", [(4, 7, b"Ann", b"Bob")]),
        ("Ann<br>", "Bob<br>", [(0, 3, b"Ann", b"Bob")]),
        ("<br>Ann", "<br>Bob > Ann", []),  # ">" may end a tag that is another one
        ("<!-- x -->Ann", "<!-- x -->Bob", [(10, 13, b"Ann", b"Bob")]),
        ('<a href="u/1">x</a>', '<a href="u/22">x</a>', [(9, 12, b"u/1", b"u/22")]),
        ('<A class="x" HREF="1" id="y">a</A>', '<A class="x" HREF="2" id="y">b</A>', [(19, 20, b"1", b"2"), (29, 30, b"a", b"b")]),
        ("<p>Ann</p>", "<p>Ann</p>", []),
    ],
)  # fmt: skip
def test_words_and_targets_may_differ(known: str, other: str, what: list[tuple]) -> None:
    found = differences(known, other)
    assert [one[:4] for one in found or []] == what


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ("<p>Ann</p>", "<p>Ann</p>\n"),  # lines
        ("<p>Ann</p>", "<p>Ann<br></p>"),  # elements
        ("<p>Ann</p>", "<b>Ann</p>"),
        ("<p id=a>Ann</p>", "<p id=b>Ann</p>"),
        ("<p>Ann</p>", "<p> </p>"),  # what is blank goes elsewhere in a table
        ("<p>Ann</p>", "<p>&amp;</p>"),
        ("<p>Ann</p>", "<p>&#65;nn</p>"),
        ("<p>Ann</p>", "<p>A&nn</p>"),
        ("<style>Ann</style>", "<style>Bob</style>"),
        ("<!-- Ann -->", "<!-- Bob -->"),
        ("<script>\nAnn\n</script>", "<script>\nBob\n</script>"),
        ("<title>Ann</title>", "<title>Bob</title>"),
        ("a < b", "a <b b"),  # text, and a tag
        ("<p title='>Ann'>", "<p title='>Bob'>"),  # within a tag
        ("<p title='\nAnn'>", "<p title='\nBob'>"),
        ("<!-- Ann", "<!-- Bob"),
        ('<a href="1">x</a>', '<a href="1" hidden>x</a>'),
        ('<a id="1" href="1">x</a>', '<a id="2" href="1">x</a>'),
        ('<a href="1" >x</a>', '<a href=" 2" >x</a>'),
        ('<a href="1">x</a>', '<a href="2"></a>'),
        ('<!--\n<a href="1">\n-->', '<!--\n<a href="2">\n-->'),
        ("<svg><p>Ann</p></svg>", "<svg><p>Bob</p></svg>"),
        ("<select><p>Ann", "<select><p>Bob"),
        ("<p>Ann" + "x" * 2000, "<p>Bob" + "x" * 2000),
        ("<p>Ann", "<p>Bob" + "x" * 2000),
        ("<p>Ann" * 201, "<p>Bob" * 201),
        ("<p>Ann\n" * 201, "<p>Bob\n" * 201),
    ],
)  # fmt: skip
def test_all_else_may_not(known: str, other: str) -> None:
    assert differences(known, other) is None


def test_running_text_is_what_stands_between_the_markup() -> None:
    text = b"a<b>b</b><!-- c --><style>d</style>e&amp;\n<plaintext>f"
    assert Mould(text, text, text.split(b"\n")).running(b"|") == b"a|b|e&amp;\n"
