import pytest

from gateway.mime.markup import body_start, careful_end, is_tame


@pytest.mark.parametrize(
    "text",
    [
        "<p>x</p>^</body></html>",
        "<p title='</body>'>x^",
        '<p title=a"</body>b>x^',
        '<p>x^<a href="y>z</body>',
        "<p>x^<a href='y>z</body>",
        "<p>x^<a b=",
        "<p>x</p>^<!-- </body>",
        "<!--> x^</body>",
        "<!-- </body> --!>x^</body>",
        "<![cdata[ </body> ]]>x^",
        "<?x </body>x^",
        "</ </body>x^",
        "a < b^</body>",
        "x^<script>'</body>'",
        "<script>'</body>'</script>x^",
        "x^<plaintext></body>",
        "<a =b = c d = 'e'f=g / h>x^</body>",
        "x</body>y^</body>",
        "x^</html>",
        "x^<!doctype",
        "^",
    ],
)
def test_the_end_that_a_tokenizer_sees(text: str) -> None:
    assert careful_end(text.replace("^", "").encode()) == text.index("^")


@pytest.mark.parametrize(
    "text",
    [
        "<html><head></head><body class='>'>^x",
        "<html><head></head>^<p>x",
        "<!doctype html>\n<html>^<p>x",
        "\n<!doctype html>^x",
        "^x",
    ],
)
def test_where_the_body_begins(text: str) -> None:
    assert body_start(text.replace("^", "").encode()) == text.index("^")


@pytest.mark.parametrize(
    ("text", "tame"),
    [
        (b"<p>" * 5000, True),
        (b"<table><tr><td>x</td></tr></table>" * 2000, True),
        (b"<div>" * 1000, True),
        (b"<div>" * 1001, False),
        (b"<div></x>" * 1001, False),
        (b"<p " + b"a=b " * 1000 + b">", True),
        (b"<p " + b" ".join(b"a%d" % i for i in range(1001)) + b">", False),
        (b"<p " + b" ".join(b"a%d='>'" % i for i in range(1001)) + b">", False),
        (b"<img alt='" + b"word " * 2000 + b"' src=x>", True),
        (b"<img src=" + b"abc/" * 5000 + b">", True),
    ],
)
def test_what_a_parser_would_labour_at(text: bytes, tame: bool) -> None:
    assert is_tame(text) is tame
