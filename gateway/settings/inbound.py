"""What the keys of ``[inbound]`` must be to each other and to the rest of ``gateway.toml``. Pure."""

from collections.abc import Iterator

from gateway.model.address import Address, MalformedAddress, ascii_domain, parse_address
from gateway.model.rate import BadRate, parse_rate
from gateway.settings.problem import Finding
from gateway.settings.schema import Settings

_OFFICES = ("postmaster", "abuse")
_RATES = ("forwards", "answers_per_source", "answers")


def contradictions(settings: Settings) -> Iterator[Finding]:
    """Yield what cannot work."""
    section = settings.inbound
    for index, domain in enumerate(section.domains):
        if (why := _why_bad(f"postmaster@{domain}")) is not None:
            yield Finding(("inbound", "domains", index), why)
    for key in _RATES:
        try:
            parse_rate(getattr(section, key))
        except BadRate as error:
            yield Finding(("inbound", key), str(error))
    if section.operator and (why := _why_bad(section.operator)) is not None:
        yield Finding(("inbound", "operator"), why)
    elif section.operator and _is_ours(parse_address(section.operator), settings):
        reason = "is a mailbox that leads back here: name somebody's own, whose mail another system keeps"
        yield Finding(("inbound", "operator"), reason)
    local = settings.unsubscribe_mailbox.rpartition("@")[0]
    if section.listener and not local.isascii():
        reason = "must be ASCII before the @: few programs could write to it (RFC 6531)"
        yield Finding(("web", "unsubscribe_mailbox"), reason)
    if section.listener and local.casefold() in _OFFICES:
        yield Finding(("web", "unsubscribe_mailbox"), "is an office: leaving needs a mailbox of its own")


def doubts(settings: Settings) -> Iterator[Finding]:
    """Yield what works, and is probably not meant."""
    section, mailbox = settings.inbound, settings.unsubscribe_mailbox
    if not section.listener:
        reason = f"there is no [[inbound.listener]]: mail to {mailbox} has to be taken elsewhere"
        yield Finding(("inbound",), reason)
    elif not section.operator:
        reason = "postmaster@ and abuse@ have no reader (RFC 5321 section 4.5.1): their mail stays outside"
        yield Finding(("inbound", "operator"), reason)


def _is_ours(operator: Address, settings: Settings) -> bool:
    """Whether the address is one that the inbound listener reads."""
    domains = settings.inbound.domains
    if _why_bad(settings.unsubscribe_mailbox) is not None or not all(map(_is_domain, domains)):
        return False  # said already
    unsubscribe = parse_address(settings.unsubscribe_mailbox)
    local, domain = operator.local.casefold(), ascii_domain(operator.domain)
    home = ascii_domain(unsubscribe.domain)
    if domain == home and local.partition("+")[0] == unsubscribe.local.casefold():
        return True
    own = {home, settings.gateway.hostname.lower(), *map(ascii_domain, domains)}
    return local in _OFFICES and domain in own


def _is_domain(text: str) -> bool:
    return _why_bad(f"postmaster@{text}") is None


def _why_bad(address: str) -> str | None:
    try:
        parse_address(address)
    except MalformedAddress as error:
        return str(error)
    return None
