"""A line end that stands alone is seen wherever it stands, also where a long content is taken piece by piece."""

import pytest

from gateway.mime.newlines import has_bare_newline

_AT_ONCE = 65_536


@pytest.mark.parametrize("shift", range(-3, 3))
@pytest.mark.parametrize(
    ("octets", "bare"),
    [
        (b"\r\n", False),
        (b"\r\n\r\n", False),
        (b"\r", True),
        (b"\n", True),
        (b"\n\r", True),
        (b"\r\r\n", True),
    ],
)
def test_where_pieces_meet(octets: bytes, shift: int, bare: bool) -> None:
    for before in (0, _AT_ONCE + shift, 2 * _AT_ONCE + shift):
        for behind in (b"", b"x" * 10, b"x" * _AT_ONCE):
            content = b"x" * before + octets + behind
            assert has_bare_newline(content) is bare
            assert has_bare_newline(bytearray(content)) is bare
