"""Finding one person in what others have written."""

import pytest

from gateway.model.address import parse_address
from gateway.model.spelling import SpellingRule
from gateway.store.keys import StoreKeyring
from gateway.store.person import Person


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bob@example.net", True),
        ("Bob@Example.NET", True),
        ("550 5.1.1 <bob@example.net>: no such user", True),
        ("said to bob@example.net.", True),
        ("xbob@example.net", False),
        ("bob@example.network", False),
        ("bob@example.net.evil.example", False),
        ("bob@other.example, ann@example.net", False),
        ("nobody", False),
        ('"bob"@example.net', False),  # another spelling, and not the same mailbox by any rule
        ("example.net", False),
        ("@example.net", False),
    ],
)
def test_an_address_among_words(text: str, found: bool) -> None:
    person = Person(parse_address("bob@example.net"))
    assert person.names(text) is found
    assert person.is_named({"response": text, "code": 550}) is found


def test_a_domain_in_letters_and_in_labels() -> None:
    for written in ("bob@müller.example", "bob@xn--mller-kva.example"):
        person = Person(parse_address(written))
        assert person.names("<bob@xn--mller-kva.example>")
        assert person.is_them(parse_address("bob@müller.example"))


def test_a_quoted_local_part() -> None:
    assert Person(parse_address('"a b"@example.net')).names('rejected: <"a b"@example.net>')


@pytest.mark.parametrize("written", ["o'brien@example.net", "{x}@example.net"])
def test_a_local_part_with_what_stands_around_others(written: str) -> None:
    person = Person(parse_address(written))
    for text in (written, f"<{written}>", f"said to {written}.", f"the mailbox '{written}' is full"):
        assert person.names(text)
    assert not Person(parse_address("brien@example.net")).names("550 <o'brien@example.net> unknown")
    assert Person(parse_address("bob@example.net")).names("550 'bob@example.net' {bob@example.net} unknown")


def test_spellings_by_the_rules_of_the_store() -> None:
    person = Person(parse_address("bob.lee+x@gmail.com"), frozenset(SpellingRule))
    assert person.names("<boblee@gmail.com>")
    assert not person.names("<boblee@googlemail.com>")
    assert not Person(parse_address("bob.lee+x@gmail.com")).names("<boblee@gmail.com>")


def test_hashes(keyring: StoreKeyring, acme) -> None:
    person = Person(parse_address("Bob@example.net"))
    assert person.at(keyring, acme.id) == keyring.address_hash(acme.id, "bob@example.net")
    assert person.everywhere(keyring) == keyring.address_hash(0, "bob@example.net")
    assert person.at(keyring, 99) is None
