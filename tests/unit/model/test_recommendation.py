"""Names that strangers are shown, and who may be invited."""

from dataclasses import replace

import pytest

from gateway.model.address import parse_address
from gateway.model.recommendation import KnownFriend, Result, carries_no_message, result, tidy_name

NOBODY = KnownFriend(bound=False, suppressed=False, invited=False, never=False, today=0)


@pytest.mark.parametrize(
    ("friend", "wanted"),
    [
        (NOBODY, Result.INVITED),
        (replace(NOBODY, today=2), Result.INVITED),
        (replace(NOBODY, today=3), Result.OFTEN),
        (replace(NOBODY, invited=True), Result.INVITED_BEFORE),
        (replace(NOBODY, bound=True), Result.KNOWN),
        (replace(NOBODY, bound=True, suppressed=True), Result.SUPPRESSED),
        (replace(NOBODY, suppressed=True, never=True, invited=True, today=9), Result.NEVER),
    ],
)
def test_result(friend, wanted) -> None:
    assert result(friend, 3) is wanted


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann", "Ann"),
        ("  Ann \t Jones\u00a0", "Ann Jones"),
        ("Jean-Luc O\u2019Neill Jr.", "Jean-Luc O\u2019Neill Jr."),
        ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("Gu\u0308nther", "G\u00fcnther"),
        ("\u738b\u5c0f\u660e", "\u738b\u5c0f\u660e"),
        ("\u0939\u0930\u093f", "\u0939\u0930\u093f"),  # with a mark of its own
        ("Gabriel Garc\u00eda M\u00e1rquez y Mar\u00eda", "Gabriel Garc\u00eda M\u00e1rquez y Mar\u00eda"),
    ],
)
def test_names(text, name) -> None:
    assert tidy_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "..",
        "- -",
        "https://spam.example",
        "spam.example",
        "Cheap at spam.example today",
        "www spam example click here now",  # a sentence
        "ann@example.net",
        "Ann 2",
        "Ann\u202egnp",
        "Ann\u200bJones",
        "Ann\x00",
        "Ann\nBcc: x",
        "<b>Ann</b>",
        '"Ann"',
        "Ann, Bob",
        "Ann (sale)",
        "Ann!",
        "\U0001f600 Ann",
        "x" * 61,
        "Ann\ud800",
    ],
)
def test_what_is_no_name(text) -> None:
    assert tidy_name(text) == ""


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("ann.o'neill+news@example.net", True),
        ("ünal@bücher.example", True),
        ('"Free money: http://evil.example/now"@example.net', False),
        ('"ann"@example.net', False),
        ("a\u202emoc.live@example.net", False),  # right to left from here
        ("a\u2028b@example.net", False),  # a line of its own
        ("a\u3000b@example.net", False),  # a wide blank
    ],
)
def test_an_address_that_strangers_are_shown(address: str, plain: bool) -> None:
    assert carries_no_message(parse_address(address)) is plain
