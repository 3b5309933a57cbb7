"""The token that takes something back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.address import parse_address
from gateway.model.token import BadToken, Purpose, Token, seal, unseal
from gateway.model.undo import Step, Undo, undo_of

KEYS = {9: b"k" * 32}


@given(
    st.builds(
        Undo,
        st.sampled_from(Step),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.binary(min_size=16, max_size=16),
        st.floats(0, 1e11),
        st.integers(0, 2**32 - 1),
    )
)
def test_it_comes_back_as_it_was(undo: Undo) -> None:
    assert undo_of(unseal(seal(undo.token, 9, KEYS[9]), KEYS, Purpose.UNDO)) == undo


def test_it_opens_nothing_else() -> None:
    text = seal(Undo(Step.LEFT, 1, 2, bytes(16), 3.0, 4).token, 9, KEYS[9])
    for purpose in set(Purpose) - {Purpose.UNDO}:
        with pytest.raises(BadToken):
            unseal(text, KEYS, purpose)


def test_an_unknown_step() -> None:
    with pytest.raises(BadToken):
        undo_of(Token(Purpose.UNDO, 1, 2, bytes(16), bytes(16)))


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("ann@example.net", "a***@e***.net"),
        ("a@b.c.example.co.uk", "a***@b***.uk"),
        ('"odd one"@example.net', "o***@e***.net"),
        ("ünal@exämple.net", "ü***@e***.net"),
        ("root@localhost", "r***@***"),
        ("ann@[192.0.2.7]", "a***@***"),
    ],
)
def test_a_masked_address(address: str, masked: str) -> None:
    assert parse_address(address).masked == masked
