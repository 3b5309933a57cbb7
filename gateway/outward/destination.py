"""Which addresses of the network a tenant's URL may lead to. Pure.

A webhook makes this machine ask what a stranger names: everything that is not the public internet (this
machine, its network, the cloud's metadata) is out of bounds, in whatever notation, unless the operator's
config names its network. An IPv6 address that carries an IPv4 address is as good as the one it carries.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")  # RFC 8215: some network's own
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 section 2.5.5.1
_SITE_LOCAL = IPv6Network("fec0::/10")  # RFC 3879
_RELAY_ANYCAST = IPv4Network("192.88.99.0/24")  # RFC 7526
_PROTOCOLS = IPv4Network("192.0.0.0/24")  # RFC 6890; 192.0.0.192 is a cloud's metadata
_DOCUMENTATION = IPv6Network("3fff::/20")  # RFC 9637
_NOT_PUBLIC = (_SITE_LOCAL, _LOCAL_NAT64, _RELAY_ANYCAST, _PROTOCOLS, _DOCUMENTATION)


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet; what is no address is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return all(_is_public(one) for one in (address, *_carried(address)))


def is_named(text: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the operator's networks."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _carried(address: Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
