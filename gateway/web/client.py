"""Who is asking: the client's address, and whom we believe about it. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return the address of the client.

    ``forwarded`` is X-Forwarded-For. Each proxy adds, at the right, the address it was asked from, so it is
    read from the right for as long as the one who says so is trusted; what a stranger wrote is no news.
    """
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    known = peer
    while hops and is_trusted(known, trusted):
        told = _address(hops.pop())
        if told is None:
            break
        known = str(told)
    return known


def network_of(address: str) -> str:
    """Return the network that counts as one source: a /24, or a site's /48 (RFC 6177 section 2)."""
    known = _address(address)
    if known is None:
        return address
    return str(ip_network((known, 24 if known.version == 4 else 48), strict=False))


def source_of(client: str) -> str:
    """Return what a limit of a source counts: an IPv4 address, or the /64 that one owner has of IPv6."""
    known = _address(client)
    if known is None:
        return client
    return str(ip_network((known, 64), strict=False)) if isinstance(known, IPv6Address) else str(known)


def is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is of a network whose word is believed."""
    if not trusted:
        return False
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


@lru_cache(maxsize=4096)  # a request's addresses are looked at more than once, a proxy's with each
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; an IPv4 address that is mapped into IPv6 is the IPv4 address."""
    try:
        address = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
