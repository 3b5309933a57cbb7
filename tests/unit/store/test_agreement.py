"""The rules of spelling that a store's hashes were made under."""

import pytest

from gateway.model.address import parse_address
from gateway.model.facts import Account, Basis, MailList
from gateway.model.ledger import Origin
from gateway.model.spelling import NO_RULES, SpellingRule
from gateway.store.agreement import agree
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import OtherRules
from gateway.store.subscriptions import Subscriptions

FORM = Origin("subscriber", "form")

GMAIL = frozenset(SpellingRule)
MASTER = bytes(range(32))


def subscribe(store: Store, rules: frozenset[SpellingRule], account: Account, news: MailList) -> None:
    keyring = StoreKeyring(store, MASTER, rules=rules)
    bob = parse_address("bob@example.net")
    Subscriptions(store, keyring).add(account.id, news.id, bob, Basis.DOUBLE_OPT_IN, FORM, 5.0)


def test_that_an_empty_store_takes_any_rules(store: Store, acme: Account) -> None:
    for rules in (NO_RULES, GMAIL, NO_RULES, GMAIL):
        agree(store, rules)


def test_that_a_store_that_knows_somebody_keeps_its_rules(
    store: Store, acme: Account, news: MailList
) -> None:
    agree(store, GMAIL)
    subscribe(store, GMAIL, acme, news)
    agree(store, GMAIL)
    with pytest.raises(OtherRules, match=r"\[\], the store finds its people by \[gmail-dots, plus-tags\]"):
        agree(store, NO_RULES)
    agree(store, GMAIL)


def test_that_a_store_from_before_the_rules_has_none(store: Store, acme: Account, news: MailList) -> None:
    subscribe(store, NO_RULES, acme, news)
    agree(store, NO_RULES)
    with pytest.raises(OtherRules):
        agree(store, frozenset({SpellingRule.PLUS_TAGS}))


def test_that_the_keyring_hashes_by_them(store: Store, acme: Account) -> None:
    strict, lenient = StoreKeyring(store, MASTER), StoreKeyring(store, MASTER, rules=GMAIL)
    spellings = [parse_address(text).identity for text in ("Bob.Lee+x@gmail.com", "boblee@gmail.com")]
    assert len({strict.address_hash(acme.id, one) for one in spellings}) == 2
    assert len({lenient.address_hash(acme.id, one) for one in spellings}) == 1
    assert strict.address_hash(acme.id, spellings[1]) == lenient.address_hash(acme.id, spellings[1])
