"""Whether domains take mail, asked of the DNS within bounds.

What it promises: a domain takes mail if it has an MX record that names a host, or none and an address (RFC
5321 section 5.1); one with a null MX says that it takes none (RFC 7505). What is not answered in time, or
not answered well, is unknown and counts for nothing. No more than ``names`` are asked, ``_AT_ONCE`` at a
time, ``seconds`` in all; answers are remembered for their time to live. It never fails.
"""

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
import structlog

_AT_ONCE = 50
_REMEMBERED = 50_000
_EACH = 5.0  # seconds

_log = structlog.get_logger(__name__)


class Taking(StrEnum):
    """What a domain's records say."""

    YES = "yes"
    NULL = "null-mx"
    NO = "no"
    UNKNOWN = "unknown"


class MailDomains:
    """Asks, and remembers; ``servers``: (address, port) of others than the system's."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._servers = servers
        self._resolver: dns.asyncresolver.Resolver | None = None

    def ask(self, domains: Sequence[str], seconds: float) -> Mapping[str, Taking]:
        """Return what is known of each; sync, in an event loop of its own."""
        return asyncio.run(self.look(domains, seconds))

    async def look(self, domains: Sequence[str], seconds: float) -> Mapping[str, Taking]:
        """Return what is known of each within that time."""
        resolver = self._ready()
        if resolver is None:
            return {}
        found: dict[str, Taking] = {}
        waiting = iter(domains)

        async def ask_on() -> None:
            for domain in waiting:
                found[domain] = await _take(resolver, domain)

        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                for _ in range(min(_AT_ONCE, len(domains))):
                    tasks.create_task(ask_on())
        except TimeoutError:
            _log.info("domains of an import were not all looked up", asked=len(domains), answered=len(found))
        return found

    def _ready(self) -> dns.asyncresolver.Resolver | None:
        if self._resolver is None:
            try:
                self._resolver = _resolver(self._servers)
            except dns.resolver.NoResolverConfiguration:
                _log.warning("the system names no DNS server: domains of imports are not looked up")
        return self._resolver


def _resolver(servers: Sequence[tuple[str, int]]) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [address for address, _ in servers]
        resolver.port = servers[0][1]
    resolver.cache = dns.resolver.LRUCache(_REMEMBERED)
    resolver.lifetime = _EACH
    return resolver


async def _take(resolver: dns.asyncresolver.Resolver, domain: str) -> Taking:
    if domain.startswith("["):
        return Taking.UNKNOWN
    try:
        answer = await resolver.resolve(domain, "MX", search=False)
    except dns.resolver.NXDOMAIN:
        return Taking.NO
    except dns.resolver.NoAnswer:
        return await _address(resolver, domain)
    except (dns.exception.DNSException, OSError, UnicodeError):
        return Taking.UNKNOWN
    # RFC 7505 section 3: one record, whose host is the root.
    return Taking.NULL if all(one.exchange == dns.name.root for one in answer) else Taking.YES


async def _address(resolver: dns.asyncresolver.Resolver, domain: str) -> Taking:
    # RFC 5321 section 5.1: without an MX record the domain's own address is the host.
    for kind in ("A", "AAAA"):
        try:
            await resolver.resolve(domain, kind, search=False)
        except dns.resolver.NoAnswer:
            continue
        except (dns.exception.DNSException, OSError, UnicodeError):
            return Taking.UNKNOWN
        return Taking.YES
    return Taking.NO
