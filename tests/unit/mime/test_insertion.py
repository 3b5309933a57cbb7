import pytest

from gateway.mime.insertion import end_of_html


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
        "<p>x</p>^</body><!-- </body> --!>",
        "<!-- a --><p>x</p>^</body>",
        "<!--><p>x</p>^</body>",
        "<!--><p>x</p>^</body><script></body></script>",
        "<!---><p>x</p>^</body><script></body></script>",
        "<script>'</body>'</script>^</body>",
        "<p>x</p>^</body><script>'</body>'</script>",
        "<p>x</p>^</body><STYLE></body></style></html>",
        "<p>x</p>^<!-- </body>",
        "<p>x</p>^<script> </body>",
        "<p>x</p>^</body><textarea></body>",
        "<p>x</p>^</html><title></body></title>",
    ],
)
def test_the_place_is_where_readers_see_it(text: str) -> None:
    assert end_of_html(text.replace("^", "").lower().encode()) == text.index("^")


def test_it_takes_linear_time() -> None:
    assert end_of_html(b"<!--</body" * 100_000) == 0
    assert end_of_html(b"<script></body" * 100_000) == 0
