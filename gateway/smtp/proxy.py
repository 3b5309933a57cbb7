"""The PROXY protocol, versions 1 and 2, from a socket that nothing else has read yet.

What it promises: exactly the header's octets are taken, so that a TLS handshake or an SMTP dialogue can
begin right behind it. It is asked for only where the listener's ``proxy_from`` names the address that
connected; the caller limits the time.
How it fails: ``BadProxyHeader``; the connection is to be closed without a word, as the specification says.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address

from aiosmtpd import proxy_protocol
from aiosmtpd.proxy_protocol import AF, PROTO, V2_CMD, ProxyData

from gateway.smtp.context import Peer

_V1_LIMIT = 107  # octets, with CRLF: section 2.1 of the specification


class BadProxyHeader(Exception):
    """No PROXY header, or a malformed one; the message says which, without addresses."""


class _ExactReader:
    """The reader that aiosmtpd's parser asks, on a non-blocking socket: never an octet too many."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def read(self, n: int = -1) -> bytes:
        """Read at least one octet and at most ``n``."""
        piece = await self._loop.sock_recv(self._sock, n)
        if not piece:
            raise BadProxyHeader("the connection ended within the header")
        return piece

    async def readexactly(self, n: int) -> bytes:
        """Read ``n`` octets."""
        octets = b""
        while len(octets) < n:
            octets += await self.read(n - len(octets))
        return octets

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """Read up to the separator; one octet a call, for at most the hundred that a header has."""
        octets = b""
        while not octets.endswith(separator):
            if len(octets) >= _V1_LIMIT:
                raise BadProxyHeader("the header is too long")
            octets += await self.read(1)
        return octets


async def read_proxy_header(sock: socket.socket, own: Peer) -> Peer:
    """Return the address that the proxy speaks for; ``own`` where it speaks for none (LOCAL, UNKNOWN)."""
    try:
        data = await proxy_protocol.get_proxy(_ExactReader(sock))
    except OSError as error:
        raise BadProxyHeader("the connection was lost within the header") from error
    if not data.valid:
        raise BadProxyHeader(data.error or "not a PROXY header")
    if data.command == V2_CMD.LOCAL or data.family == AF.UNSPEC:
        return own
    return _source(data)


def _source(data: ProxyData) -> Peer:
    address, port = data.src_addr, data.src_port
    if data.protocol != PROTO.STREAM or port is None or not isinstance(address, IPv4Address | IPv6Address):
        raise BadProxyHeader("the header is not about a TCP connection")
    return Peer.of(str(address), port)
