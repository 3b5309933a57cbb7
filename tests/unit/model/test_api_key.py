"""How API keys are written."""

import os

from gateway.model.api_key import OCTETS, new_key, parse_key


def test_a_key_is_read_as_it_was_written() -> None:
    for _ in range(50):
        key = new_key(os.urandom(OCTETS))
        assert parse_key(str(key)) == key
        assert str(key).isascii()
        assert str(key).replace("_", "").isalnum()


def test_keys_differ_in_both_parts() -> None:
    first, second = new_key(bytes(OCTETS)), new_key(bytes(8) + b"\1" * 32)
    assert first.id == second.id
    assert first.digest != second.digest
    assert len(first.digest) == 32


def test_what_is_no_key() -> None:
    good = str(new_key(os.urandom(OCTETS)))
    for text in ("", "ck__", good[3:], f"{good}\n", good.replace("ck_", "sk_"), good.upper(), good + "a"):
        assert parse_key(text) is None
