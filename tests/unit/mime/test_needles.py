"""Words that are looked for all at once are found where each would be found by itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mime.needles import Needles, needle

_AT_ONCE = 65_536


@given(st.lists(st.sampled_from([b"ab", b"bc", b"<!--", b"<", b"a", b"\0"]), max_size=40).map(b"".join))
def test_every_place_that_no_other_word_covers(octets: bytes) -> None:
    found = list(Needles(b"ab", b"bc", b"<!--").places(octets))
    assert found == [one.start() for one in re.finditer(rb"ab|bc|<!--", octets)]
    assert Needles(b"ab", b"bc", b"<!--").those_in(octets) == set(re.findall(rb"ab|bc|<!--", octets))
    assert needle(b"bc").is_in(octets) == (b"bc" in octets)


@pytest.mark.parametrize("shift", range(-4, 2))
def test_a_word_where_a_long_text_is_cut(shift: int) -> None:
    for at in (_AT_ONCE + shift, 2 * _AT_ONCE + shift):
        octets = b"x" * at + b"<!--" + b"x" * _AT_ONCE
        assert list(Needles(b"ab", b"<!--").places(octets)) == [at]


def test_nothing_but_words() -> None:
    octets = b"ab" * 100_000
    assert list(Needles(b"ab", b"bc").places(octets)) == list(range(0, len(octets), 2))
    assert Needles(b"ab", b"bc").those_in(octets) == {b"ab"}
    for length in (999, 1000, 1001, 100_000):
        assert Needles(b"ab", b"xy", b"cd").those_in(b"ab" * length + b"-cd") == {b"ab", b"cd"}
