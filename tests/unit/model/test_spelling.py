"""When two addresses are one mailbox: each rule, and what no rule does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.address import MalformedAddress, parse_address
from gateway.model.spelling import (
    DOTLESS,
    NO_RULES,
    TAGGED,
    SpellingRule,
    identity_of,
    number_of,
    rules_of,
    under,
)

DOTS, TAGS = SpellingRule.GMAIL_DOTS, SpellingRule.PLUS_TAGS
EVERY_RULE = frozenset(SpellingRule)


@pytest.mark.parametrize(
    ("written", "rules", "expected"),
    [
        ("Bob.Lee+news@Gmail.com", (), "bob.lee+news@gmail.com"),
        ("Bob.Lee+news@Gmail.com", (DOTS,), "boblee+news@gmail.com"),
        ("Bob.Lee+news@Gmail.com", (TAGS,), "bob.lee@gmail.com"),
        ("Bob.Lee+news+x@Gmail.com", (DOTS, TAGS), "boblee@gmail.com"),
        ("Bob.Lee+news@googlemail.com", (DOTS, TAGS), "boblee@googlemail.com"),  # another domain is another
        ("Bob.Lee+news@fastmail.com", (DOTS, TAGS), "bob.lee@fastmail.com"),
        ("Bob.Lee+news@example.com", (DOTS, TAGS), "bob.lee+news@example.com"),
        ("+news@gmail.com", (DOTS, TAGS), "+news@gmail.com"),  # nothing would be left
        ('"b.l+x"@gmail.com', (DOTS, TAGS), '"b.l+x"@gmail.com'),
        ("STRASSE@müller.example", (), "strasse@xn--mller-kva.example"),
        ("straße@example.net", (), "strasse@example.net"),
    ],
)
def test_rules(written: str, rules: tuple[SpellingRule, ...], expected: str) -> None:
    assert under(frozenset(rules), parse_address(written).identity) == expected


def test_that_the_case_of_the_local_part_stays_for_sending() -> None:
    address = parse_address("Bob.Lee+News@GMAIL.com")
    assert str(address) == "Bob.Lee+News@gmail.com"


def test_rules_rest_as_a_number() -> None:
    for rules in (NO_RULES, frozenset({DOTS}), frozenset({TAGS}), EVERY_RULE):
        assert rules_of(number_of(rules)) == rules
    assert rules_of(number_of(EVERY_RULE) | 1 << 20) == EVERY_RULE  # of a later version


def test_that_the_numbers_of_rules_never_change() -> None:
    """They rest in stores, and so do hashes made under them: neither these numbers nor the domains may change."""
    assert (number_of([DOTS]), number_of([TAGS])) == (1, 2)
    assert sorted(DOTLESS) == ["gmail.com", "googlemail.com"]
    assert len(TAGGED) == 11


LOCALS = st.text(st.sampled_from('abAB.+"ßİé'), min_size=1, max_size=12)
DOMAINS = st.sampled_from(["gmail.com", "googlemail.com", "fastmail.com", "example.net", "example.org"])
RULES = st.frozensets(st.sampled_from(SpellingRule))


@given(LOCALS, DOMAINS, RULES)
def test_that_it_is_idempotent(local: str, domain: str, rules: frozenset[SpellingRule]) -> None:
    once = identity_of(local, domain, rules)
    assert under(rules, once) == once
    assert under(rules, identity_of(local, domain)) == once  # and it does not matter where the rules come in


@given(LOCALS, LOCALS, DOMAINS, DOMAINS, RULES)
def test_that_no_two_domains_are_one(
    first: str, second: str, here: str, there: str, rules: frozenset[SpellingRule]
) -> None:
    if here != there:
        assert identity_of(first, here, rules) != identity_of(second, there, rules)


@given(LOCALS, DOMAINS, RULES)
def test_that_an_address_is_never_folded_away(
    local: str, domain: str, rules: frozenset[SpellingRule]
) -> None:
    try:
        address = parse_address(f"{local}@{domain}")
    except MalformedAddress:
        return
    left, _, at = under(rules, address.identity).rpartition("@")
    assert left
    assert at == domain
