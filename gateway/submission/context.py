"""What a submission session needs of the house, as one frozen snapshot.

A connection takes its snapshot when it arrives and keeps it to its end: a reload gives the next connection a
new one (new limits, a new certificate) and never changes the rules under a session that is talking.
"""

import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from gateway.pipeline.accept import Intake
from gateway.ports import Accounts, Clock, Meter, Presence, Quota
from gateway.settings.schema import SubmissionSection

_IPV6_SITE = 64  # bits: what one customer has, RFC 6177 section 2


@dataclass(frozen=True, slots=True)
class SubmissionContext:
    """The snapshot. ``tls`` is None where no certificate is configured: then nothing offers TLS."""

    hostname: str
    section: SubmissionSection
    intake: Intake
    accounts: Accounts
    quota: Quota
    presence: Presence
    meter: Meter
    clock: Clock
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a connection comes from: the socket's own word, or that of a trusted proxy."""

    address: IPv4Address | IPv6Address
    port: int

    @classmethod
    def of(cls, host: str, port: int) -> "Peer":
        """Read an address as a socket tells it; an IPv4 address in IPv6 dress is an IPv4 address."""
        address = ip_address(host.partition("%")[0])
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return cls(mapped or address, port)

    @property
    def ip(self) -> str:
        """The address as text."""
        return str(self.address)

    @property
    def source(self) -> bytes:
        """What limits count by: the IPv4 address, or the /64 of an IPv6 address.

        Whoever has one IPv6 address has 2**64 of them, so a limit for each would be none.
        """
        if isinstance(self.address, IPv4Address):
            return str(self.address).encode()
        return str(IPv6Network((self.address, _IPV6_SITE), strict=False)).encode()
