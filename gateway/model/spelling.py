"""When two addresses are one mailbox: the one function that says it, with its rules. Pure.

An address keeps the case, the dots and the tags it was written with, for sending. ``identity`` is what two
spellings of one mailbox have in common, and the only thing that is ever looked up or hashed:

1. The local part is folded (Unicode's full case folding): RFC 5321 section 2.4 lets a host tell ``Bob`` from
   ``bob``, hardly one does, and who left as ``bob`` must not be written to as ``Bob``.
2. The domain is lower-case A-labels (RFC 5891, by ``gateway.model.address.ascii_domain``).
3. Quotes and Unicode composition are left as they are: ``"bob"@`` and ``bob@`` are two. What differs there is
   sent to as it is written, and consent that was given for one spelling is never taken for another.
4. ``gmail-dots``, off by default: at gmail.com and googlemail.com dots of the local part mean nothing.
5. ``plus-tags``, off by default: at the providers of ``TAGGED`` what follows the first ``+`` is a tag.

What it promises: it is idempotent, and the domain is never touched: no two domains are ever one, not even
googlemail.com and gmail.com. The hashes of a store are made under one set of rules (gateway.store.agreement):
a domain is therefore never added to a rule, it comes with a rule of a new name.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum


class SpellingRule(StrEnum):
    """What providers do with local parts beyond the standard; ``[addresses] rules`` names them."""

    GMAIL_DOTS = "gmail-dots"
    PLUS_TAGS = "plus-tags"


Rules = frozenset[SpellingRule]
NO_RULES: Rules = frozenset()

DOTLESS = frozenset({"gmail.com", "googlemail.com"})
TAGGED = frozenset(
    {
        "fastmail.com",
        "gmail.com",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "mac.com",
        "me.com",
        "outlook.com",
        "pm.me",
        "proton.me",
        "protonmail.com",
    }
)

_NUMBERS = {SpellingRule.GMAIL_DOTS: 1, SpellingRule.PLUS_TAGS: 2}  # as they rest; never given out twice


def identity_of(local: str, domain: str, rules: Collection[SpellingRule] = NO_RULES) -> str:
    """Return what all spellings of a mailbox have in common; ``domain`` comes in lower-case A-labels."""
    folded = local.casefold()
    if rules and not folded.startswith('"'):
        if SpellingRule.PLUS_TAGS in rules and domain in TAGGED and not folded.startswith("+"):
            folded = folded.partition("+")[0]
        if SpellingRule.GMAIL_DOTS in rules and domain in DOTLESS:
            folded = folded.replace(".", "")
    return f"{folded}@{domain}"


def under(rules: Collection[SpellingRule], identity: str) -> str:
    """Return an identity that was made without rules as it is under these."""
    if not rules:
        return identity
    local, _, domain = identity.rpartition("@")
    return identity_of(local, domain, rules)


def number_of(rules: Iterable[SpellingRule]) -> int:
    """Return rules as they rest in a store."""
    return sum(_NUMBERS[rule] for rule in set(rules))


def rules_of(number: int) -> Rules:
    """Return the rules that rest as this number, without those of a later version of the program."""
    return frozenset(rule for rule, bit in _NUMBERS.items() if number & bit)
