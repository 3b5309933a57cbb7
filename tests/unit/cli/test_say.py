"""How numbers, times and tables are said."""

import pytest

from gateway.cli import say


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (17 * 60 + 5, "17 min"),
        (3600, "1 hour"),
        (2 * 3600 + 360, "2 hours 6 min"),
        (86_400 + 7200, "1 day 2 hours"),
        (5 * 86_400, "5 days"),
        (40 * 86_400, "40 days"),
        (-90, "1 min 30 s"),
    ],
)
def test_span(seconds: float, said: str) -> None:
    assert say.ago(seconds) == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [(0, "0 octets"), (4096, "4.0 KiB"), (26_214_400, "25.0 MiB"), (5 << 50, "5120.0 TiB")],
)
def test_size(octets: int, said: str) -> None:
    assert say.size(octets) == said


def test_times() -> None:
    assert say.iso(0) == "1970-01-01T00:00:00.000Z"
    assert say.iso(None) is None
    assert len(say.when(0)) == len("1970-01-01 00:00:00")


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    say.table(["NAME", "COUNT>"], [["bakery", "7"], ["é", "1,000"]])
    assert capsys.readouterr().out == "NAME    COUNT\nbakery      7\né       1,000\n"


def test_that_what_others_said_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say.table(["REPLY"], [["451 \x1b[2Jgone\r\n"]])
    say.pairs({"reply": "one\ntwo\x07"})
    assert capsys.readouterr().out == "REPLY\n451 \\x1b[2Jgone\\x0d\\x0a\nreply  one\n       two\\x07\n"
