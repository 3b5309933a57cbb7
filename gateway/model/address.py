"""Mail addresses: one grammar, one notion of identity.

What it promises: ``parse_address`` takes what RFC 5321 section 4.1.2 calls a Mailbox (with the additions of
RFC 6531 section 3.3 for UTF-8) and gives an ``Address``, or raises ``MalformedAddress`` with a reason that
may be shown to a client. It is one regular expression, because it runs for every MAIL and RCPT.
"""

import re
from functools import lru_cache

from gateway.model.spelling import identity_of
from gateway.model.values import dataclass

# RFC 5321 section 4.1.2; the upper half is RFC 6531's UTF8-non-ascii, C1 controls left out.
_UTF8 = r"\u00a0-\ud7ff\ue000-\U0010ffff"
_ATEXT = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-{_UTF8}]"
_DOT_STRING = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_QUOTED = rf'"(?:[\x20\x21\x23-\x5b\x5d-\x7e{_UTF8}]|\\[\x20-\x7e])*"'
_LABEL = rf"[A-Za-z0-9{_UTF8}](?:[A-Za-z0-9\-{_UTF8}]*[A-Za-z0-9{_UTF8}])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[[\x21-\x5a\x5e-\x7e]+\]"
_MAILBOX = re.compile(rf"({_DOT_STRING}|{_QUOTED})@({_DOMAIN}|{_LITERAL})\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")

# What A-labels are made of (RFC 5891 section 4.2.3.1), and the underscore that many names have.
_ASCII_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\Z")
# IDNA 2003, which Python has, makes others of these; IDNA 2008, which registries follow, keeps them
# (RFC 5894 section 7.2): the mail would go to another domain.
_DEVIATIONS = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")

LOCAL_PART_LIMIT = 64  # octets, RFC 5321 section 4.5.3.1.1
DOMAIN_LIMIT = 255  # octets, RFC 5321 section 4.5.3.1.2


class MalformedAddress(ValueError):
    """An address that the grammar does not take; the message says why, in words a client may see."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox as it was written, except that the domain is in lower case.

    ``local`` keeps its case and its quotes for sending; ``identity`` is what two spellings of one
    mailbox have in common, and the only thing that is ever looked up or hashed.
    """

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def identity(self) -> str:
        """The folded local part at the domain's A-labels: equal for spellings of one mailbox.

        The rules stand in gateway.model.spelling; those of single providers are the keyring's, which hashes.
        """
        return identity_of(self.local, ascii_domain(self.domain))

    @property
    def masked(self) -> str:
        """The address for a page that its owner may not be alone with: ``a***@e***.net``."""
        name, _, top = self.domain.rpartition(".")
        if not name or self.domain.startswith("["):
            return f"{self._first}***@***"
        return f"{self._first}***@{name[0]}***.{top}"

    @property
    def _first(self) -> str:
        return self.local.lstrip('"')[:1]

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the local part holds anything outside ASCII (RFC 6531); a domain has its A-labels."""
        return not self.local.isascii()


def ascii_domain(domain: str) -> str:
    """Return the domain in lower-case A-labels; raise MalformedAddress where IDNA has none."""
    if domain.isascii():
        return domain.lower()
    if not _DEVIATIONS.isdisjoint(domain):
        raise MalformedAddress("the domain has a letter that systems read differently: write its A-labels")
    try:
        labels = domain.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise MalformedAddress("the domain is no valid internationalised name") from error
    # Compatibility forms become what they stand for: a full-width ">" would end a path, "@" begin a domain.
    if not _ASCII_DOMAIN.match(labels):
        raise MalformedAddress("the domain is no valid internationalised name")
    return labels


@lru_cache(maxsize=512)
def parse_address(text: str) -> Address:
    """Parse a bare mailbox, ``local@domain``; raise MalformedAddress with the reason.

    The latest are remembered: a tenant's own address comes with each message.
    """
    match = _MAILBOX.match(text)
    if match is None:
        raise MalformedAddress(_why_malformed(text))
    local, domain = match.groups()
    domain = domain.lower()
    if len(local.encode()) > LOCAL_PART_LIMIT:
        raise MalformedAddress(f"the local part is longer than {LOCAL_PART_LIMIT} octets")
    if len(ascii_domain(domain)) > DOMAIN_LIMIT:
        raise MalformedAddress(f"the domain is longer than {DOMAIN_LIMIT} octets")
    return Address(local, domain)


def _why_malformed(text: str) -> str:
    if _SURROGATE.search(text):
        return "the address is not valid UTF-8"
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        return "the address holds a control character"
    if "@" not in text:
        return "the address has no domain"
    if text.endswith("@"):
        return "the domain is empty"
    if text.startswith("@"):
        return "the local part is empty"
    return "the address does not follow RFC 5321"
