"""What a row says of its own consent."""

import pytest

from gateway.imports.evidence import host, moment, retold, told


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1970-01-02", 86_400.0),
        ("1970-01-02T00:00:00Z", 86_400.0),
        ("1970-01-02 01:00:00+01:00", 86_400.0),
        (" 1970-01-02 ", 86_400.0),
        ("1700000000", 1_700_000_000.0),
        ("1700000000000", 1_700_000_000.0),
        ("1700000000.5", 1_700_000_000.5),
        ("yesterday", None),
        ("02.01.1970", None),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140.0),  # no crash: an impossible time is counted as such
        ("1" * 50, None),
        ("", None),
    ],
)
def test_moment(text, wanted):
    assert moment(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("", ""),
        ("256.0.0.1", ""),
        ("192.0.2.1.", ""),
        ("192.0.2", ""),
        ("here", ""),
    ],
)
def test_host(text, wanted):
    assert host(text) == wanted


def test_what_was_told_is_retold():
    text = told("our [line 7 | shop", 17, "2024 | x", "192.0.2.1", "https://shop.example/ | x")
    assert retold(text, "our [line 7 | shop") == {
        "line": 17,
        "at": "2024 / x",
        "ip": "192.0.2.1",
        "form": "https://shop.example/ / x",
    }
    assert retold(told("shop", 1, "", "", ""), "shop") == {"line": 1}
    assert len(told("s", 1, "1" * 1000, "", "x" * 100_000)) < 300
