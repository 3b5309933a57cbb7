import pytest

from gateway.mime.insertion import Place, bounded, likely_end, place_in_html, probed
from gateway.mime.transfer import Untouchable


def _place(text: str) -> Place:
    octets = text.encode()
    lower = octets.lower()
    bounded(lower)
    end = likely_end(lower)
    return place_in_html(octets, lower, end, probed(octets[:end], octets[end:]))


@pytest.mark.parametrize(
    "text",
    [
        "<p>x</p>^</body></html>",
        "<p>x</p>^</BODY></HTML>",
        "<body>x</body>y^</body>",
        "<p>x</p>^</html>",
        "<p>x</p>^",
        "^",
        "<p>x</p>^</body><!-- </body> -->",
        "<!-- a --><p>x</p>^</body>",
        "<!--><p>x</p>^</body>",
        "<script>'</body>'</script>^</body>",
        "<p>x</p>^</body><script>'</body>'</script>",
        "<p>x</p>^</body><STYLE></body></style></html>",
        "<p>x</p>^<!-- </body>",
        "<p>x</p>^<script> </body>",
        "<p>x</p>^</body><textarea></body>",
        "<p>x</p>^</html><title></body></title>",
        "<p>x</p>^</body></html><img src=x>",
        "<p>x</p>^<a href='y>z</body>",
        "<body>News<!--[if mso]></body><![endif]-->^</body>",
        "x^<plaintext></body>",
        "x^<template></body>",
        "<p style='opacity:0'>x</p>^</body>",
    ],
)
def test_the_place_is_where_readers_see_it(text: str) -> None:
    assert _place(text.replace("^", "")) == Place(text.index("^"))


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("<table><tr><td>x", "</td></tr></tbody></table>"),
        ("<div style='display:none'>x^</body>", "</div>"),
        ("<a href=y>x^</body>", "</a>"),
        ("<font color=white><p>x</p>^</body>", "</font>"),
        ("<p><font color=white>x</p>^</body>", "</font>"),
        ("<p><b><font color=white>x</p>^</body>", "</b></font>"),
        ("<select><option>x^</body>", "</option></select>"),
        ("<svg><desc>x^</body>", "</desc></svg>"),
        ("<details>x^</body>", "</details>"),
        ("<p title='</body>'>x", "</p>"),
        ("<custom-tag><div>x", "</div></custom-tag>"),
    ],
)
def test_what_was_left_open_is_closed_first(text: str, closing: str) -> None:
    at = text.index("^") if "^" in text else len(text)
    assert _place(text.replace("^", "")) == Place(at, closing.encode())


@pytest.mark.parametrize(
    "text",
    [
        "<!doctype html><body>^" + "<div>" * 300,
        "<html><body>^" + "<font a=1><font a=2>" * 150,
        "^<p>" + "".join(f"<font a={number}>" for number in range(300)) + "</p>",
    ],
)
def test_the_top_is_the_last_resort(text: str) -> None:
    assert _place(text.replace("^", "")).at == text.index("^")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<body hidden>x", "html"),
        ("<html style='visibility: hidden'>x", "html"),
        ("<body style='opacity:0.0'>x", "html"),
        ("<frameset><frame src=x></frameset>", "html"),
        ("<frameset><frame src=x></frameset><noframes><body>x</body></noframes>", "html"),
        ("x" * 4_194_305, "long-html"),
        ("<div>" * 20_000, "deep-html"),
        ("<i></p>" * 5001, "deep-html"),
    ],
)
def test_where_nothing_can_be_seen(text: str, reason: str) -> None:
    with pytest.raises(Untouchable, match=f"^{reason}$"):
        _place(text)


def test_it_takes_linear_time() -> None:
    assert _place("<!--</body" * 100_000).at == 0
    assert _place("<script></body" * 100_000).at == 0
