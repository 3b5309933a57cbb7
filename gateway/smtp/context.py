"""What every SMTP session needs of the house, as one frozen snapshot.

A connection takes its snapshot when it arrives and keeps it to its end: a reload gives the next connection a
new one (new limits, a new certificate) and never changes the rules under a session that is talking.
"""

import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, ClassVar, Protocol, TypeVar

from gateway.model.delivery import Recipient
from gateway.model.reply import Reply
from gateway.ports import Clock, Meter, Presence
from gateway.settings.schema import SmtpSection
from gateway.smtp.contents import Contents

_IPV6_SITE = 64  # bits: what one customer has, RFC 6177 section 2

T_contra = TypeVar("T_contra", contravariant=True)


class Mailroom(Protocol[T_contra]):
    """Who takes what a session brings. The transaction is its own value; the session carries it unopened."""

    async def recipient(self, transaction: T_contra, recipient: Recipient, /) -> Reply:
        """Judge one RCPT; on a positive reply it is part of the transaction."""
        ...

    def check_room(self) -> Reply | None:
        """Say before the content is read whether there is room to keep it; a Reply is the refusal."""
        ...

    def abandon(self, transaction: T_contra, /) -> None:
        """Give back what the transaction has reserved."""
        ...

    async def finish(self, transaction: T_contra, content: bytes, /) -> Reply:
        """Take the content (CRLF line ends only); on a positive reply it is the house's duty."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpContext:
    """The snapshot. ``tls`` is None where no certificate is configured: then nothing offers TLS."""

    service: ClassVar[str]  # which server it is, in logs and metrics
    source_prefix: ClassVar[bytes]  # of the key under which connections of one source are counted

    hostname: str
    section: SmtpSection
    intake: Mailroom[Any]
    presence: Presence
    meter: Meter
    clock: Clock
    contents: Contents
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
