"""One person, at all accounts: how they are found in what is sealed, and under which hashes.

What it promises: ``names`` finds an address in any text in which it stands as an address, in whatever
spelling is the same mailbox by the store's rules, and never in another's. It is pure; the hashes ask the
keyring.
"""

import re
from collections.abc import Mapping

from gateway.model.address import Address, MalformedAddress, parse_address
from gateway.model.spelling import NO_RULES, Rules, under
from gateway.ports import Keyring
from gateway.store.schema import PROVIDER_ID

# Whatever may be an address among other words: a reply of a next hop has it in <> or in quotes. A local part
# may hold "'", "{" and "}" itself (RFC 5322 section 3.2.3, atext): it is tried with those at its beginning,
# and without.
_CANDIDATE = re.compile(r"""[^\s<>",;:()\[\]]+@[^\s<>"',;:()\[\]{}@]+""")
_AROUND = "'{}"
_MOST_AROUND = 2
_QUOTED = re.compile(r'"[^"]*"@[^\s<>"\',;:()\[\]{}@]+')


class Person:
    """Who is looked for."""

    def __init__(self, address: Address, rules: Rules = NO_RULES) -> None:
        self.address = address
        self._rules = rules
        self.identity = under(rules, address.identity)
        self._domains = {address.domain.casefold(), self.identity.rpartition("@")[2]}

    def is_them(self, address: Address) -> bool:
        """Whether an address is theirs."""
        try:
            return under(self._rules, address.identity) == self.identity
        except MalformedAddress:
            return False  # a domain that IDNA does not know

    def names(self, text: str) -> bool:
        """Whether a text names them."""
        folded = text.casefold()
        if not any(domain in folded for domain in self._domains):
            return False  # most of the time, and quick
        found = [one.rstrip(".!?") for one in (*_CANDIDATE.findall(text), *_QUOTED.findall(text))]
        return any(self._is_written(one[start:]) for one in found for start in range(_quotes_before(one) + 1))

    def is_named(self, values: Mapping[str, object]) -> bool:
        """Whether any of an event's values names them."""
        return any(isinstance(value, str) and "@" in value and self.names(value) for value in values.values())

    def at(self, keyring: Keyring, account_id: int) -> bytes | None:
        """Return their hash at an account; None where its key is gone."""
        try:
            return keyring.address_hash(account_id, self.address.identity)
        except KeyError:
            return None

    def everywhere(self, keyring: Keyring) -> bytes:
        """Return the provider's own hash of them."""
        return keyring.address_hash(PROVIDER_ID, self.address.identity)

    def _is_written(self, text: str) -> bool:
        try:
            return self.is_them(parse_address(text))
        except MalformedAddress:
            return False


def _quotes_before(text: str) -> int:
    """Return how many characters at the beginning may be somebody's quotes."""
    return min(len(text) - len(text.lstrip(_AROUND)), _MOST_AROUND)
