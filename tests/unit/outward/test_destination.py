"""Which addresses a tenant's URL may lead to."""

from ipaddress import ip_network

import pytest

from gateway.outward.destination import is_named, is_public


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",  # the cloud's metadata
        "100.64.0.1",  # carrier-grade NAT (RFC 6598)
        "192.0.0.1",
        "192.0.0.192",  # another cloud's metadata
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",  # IPv4-compatible
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",  # NAT64 of 10.0.0.1
        "64:ff9b:1::1",
        "2002:0a00:0001::1",  # 6to4 of 10.0.0.1
        "2002:7f00:1::",
        "2001::1",  # Teredo
        "2001:db8::1",
        "3fff::1",  # for documentation
        "fc00::1",
        "fd00:ec2::254",  # a cloud's metadata
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "",
        "localhost",
        "0x7f.1",
        "2130706433",
        "127.1",
    ],
)
def test_out_of_bounds(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("128.0.0.1", False),
        ("fd12::1", True),
        ("fd13::1", False),
        ("nonsense", False),
    ],
)
def test_the_operators_networks(address: str, named: bool) -> None:
    networks = [ip_network("127.0.0.0/8"), ip_network("fd12::/16")]
    assert is_named(address, networks) is named
    assert not is_named(address, [])
