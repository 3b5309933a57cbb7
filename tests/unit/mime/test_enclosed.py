import pytest

from gateway.mime.enclosed import end_of_plain, is_armoured


@pytest.mark.parametrize(
    "text",
    [
        "^",
        "We begin 644 things.\r\n^",
        "x\r\nbegin 644 a.bin\r\n#AAAA\r\n`\r\nend\r\n^",
        "x\r\nbegin 644 a.bin\r\n#AAAA\r\n`\r\nend\r\ny\r\n^begin 644 b.bin\r\n#AAAA\r\n",
        "x\r\n^begin 0644 a.bin\r\n#AAAA\r\n",
        "=ybegin line=128 size=3 name=a.bin\r\nxyz\r\n=yend size=3\r\nx^",
        "x\r\n^=ybegin part=1 line=128 size=3 name=a.bin\r\n=ypart begin=1 end=3\r\nxyz\r\n",
    ],
)
def test_a_line_goes_behind_what_is_complete_and_before_what_is_not(text: str) -> None:
    assert end_of_plain(text.replace("^", "").encode()) == text.index("^")


@pytest.mark.parametrize(
    ("text", "armoured"),
    [
        (b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nx", True),
        (b"hello\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nx", True),
        (b"> -----BEGIN PGP MESSAGE-----\r\n", False),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n", False),
        (b"x", False),
    ],
)
def test_armour(text: bytes, armoured: bool) -> None:
    assert is_armoured(text) is armoured
