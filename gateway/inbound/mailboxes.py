"""Which addresses are ours: a table of mailboxes, and what anybody else's address is answered. Pure.

A mailbox that is to be read by something new is one more line in ``Directory.mailboxes``, and one more desk
under its name (gateway.inbound.desk).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model import reply
from gateway.model.address import Address, ascii_domain
from gateway.model.reply import Reply

UNSUBSCRIBE, POSTMASTER, ABUSE = "unsubscribe", "postmaster", "abuse"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox. ``name`` is its desk's, and its label in metrics; ``domains`` are A-labels."""

    name: str
    local: str  # folded
    domains: frozenset[str]
    has_details: bool = False  # whether local+anything is the same mailbox

    def has(self, local: str, domain: str) -> bool:
        """Whether a folded local part at that domain is this mailbox."""
        if domain not in self.domains:
            return False
        return local == self.local or (self.has_details and local.startswith(f"{self.local}+"))


class Directory:
    """The mailboxes of the house."""

    def __init__(self, hostname: str, domains: Iterable[str], unsubscribe: Address) -> None:
        home = ascii_domain(unsubscribe.domain)
        own = frozenset({hostname.lower(), home, *(ascii_domain(domain) for domain in domains)})
        self.domains = own
        self.mailboxes = (
            Mailbox(UNSUBSCRIBE, unsubscribe.local.casefold(), frozenset({home}), has_details=True),
            Mailbox(POSTMASTER, "postmaster", own),  # RFC 5321 section 4.5.1
            Mailbox(ABUSE, "abuse", own),  # RFC 2142 section 4
        )

    def find(self, address: Address) -> Mailbox | Reply:
        """Return the mailbox of an address; a Reply is the refusal: we relay for nobody."""
        local, domain = address.local.casefold(), ascii_domain(address.domain)
        for mailbox in self.mailboxes:
            if mailbox.has(local, domain):
                return mailbox
        return reply.NO_MAILBOX if domain in self.domains else reply.NO_RELAY.fill(domain=domain)
