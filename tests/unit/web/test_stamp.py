"""Stamps: nobody else can make one, and the work beside it can be checked."""

import hashlib
from itertools import count

import pytest

from gateway.web.stamp import Stamp, StampKind, is_worked, open_stamp, seal_stamp

KEYS = {1: b"k" * 32, 2: b"n" * 32}
STAMP = Stamp(StampKind.STEP, 1_800_000_000.25, b"12345678")
PLACE = "acme/news.acme.example"
TEXT = seal_stamp(STAMP, PLACE, 2, KEYS[2])


def test_it_says_what_was_put_into_it() -> None:
    assert len(TEXT) == 46
    assert open_stamp(TEXT, PLACE, KEYS) == STAMP


@pytest.mark.parametrize(
    ("text", "place", "keys"),
    [
        ("", PLACE, KEYS),
        (TEXT + "A", PLACE, KEYS),
        (TEXT[:-1], PLACE, KEYS),
        ("é" + TEXT[1:], PLACE, KEYS),
        (TEXT, "acme/other.acme.example", KEYS),
        (TEXT, PLACE, {1: KEYS[1]}),
        (TEXT, PLACE, {2: b"x" * 32}),
        ("A" * 46, PLACE, KEYS),
    ],
)
def test_nobody_else_makes_one(text, place, keys) -> None:
    assert open_stamp(text, place, keys) is None


def test_every_letter_counts() -> None:
    for at in range(45):  # the last one holds bits that say nothing
        other = "A" if TEXT[at] != "A" else "B"
        assert open_stamp(TEXT[:at] + other + TEXT[at + 1 :], PLACE, KEYS) is None


def test_work() -> None:
    def zeros(number: int) -> int:
        return 256 - int.from_bytes(hashlib.sha256(f"{TEXT}.{number}".encode()).digest(), "big").bit_length()

    number = next(one for one in count() if zeros(one) == 8)
    assert is_worked(TEXT, str(number), 8)
    assert not is_worked(TEXT, str(number), 9)
    assert not is_worked("x" + TEXT[1:], str(number), 8)


@pytest.mark.parametrize("number", ["", "-1", "1.0", "٣", "1 ", "9" * 17, "0x1"])
def test_what_is_no_number_is_no_work(number) -> None:
    assert not is_worked(TEXT, number, 1)
