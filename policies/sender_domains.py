"""A tenant writes in its own name only: MAIL FROM and From: lie within the account's verified domains.

The null sender is taken at MAIL (RFC 5321 section 4.5.5); its message's From: is checked all the same.
"""

from collections.abc import Mapping

from gateway.mime.headers import BadFrom, parse_from
from gateway.model.address import MalformedAddress, ascii_domain
from gateway.model.facts import Account, MessageFacts, SenderFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.reply import BAD_FROM, SENDER_NOT_YOURS
from gateway.model.verdict import PASS, Refuse, Verdict
from policies.table import Table


class Settings(Table):
    """``[sender_domains]``."""

    subdomains: bool = False  # whether a verified domain speaks for the domains below it


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[sender_domains]`` of policy.toml."""
    subdomains = Settings.model_validate(settings).subdomains

    def owns(account: Account, domain: str) -> bool:
        if domain in account.domains:
            return True
        return subdomains and any(domain.endswith("." + own) for own in account.domains)

    def sender(facts: SenderFacts) -> Verdict:
        """Refuse a return path at somebody else's domain."""
        if facts.sender.address is None or owns(facts.account, ascii_domain(facts.sender.address.domain)):
            return PASS
        return Refuse(SENDER_NOT_YOURS.fill(domain=facts.sender.address.domain), "return-path-not-verified")

    def message(message: Message, facts: MessageFacts) -> Verdict:
        """Refuse a message that says it is from somebody else's domain."""
        try:
            domain = ascii_domain(parse_from(message).domain)
        except (BadFrom, MalformedAddress):
            return Refuse(BAD_FROM, "malformed-from")
        if owns(facts.account, domain):
            return PASS
        return Refuse(SENDER_NOT_YOURS.fill(domain=domain), "from-not-verified")

    return Policy("sender_domains", sender=sender, message=message)
