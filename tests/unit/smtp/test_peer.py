"""Where a connection comes from."""

import pytest

from gateway.smtp.context import Peer


@pytest.mark.parametrize(
    ("host", "ip", "source"),
    [
        ("192.0.2.1", "192.0.2.1", b"192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", b"192.0.2.1"),
        ("2001:db8::1", "2001:db8::1", b"2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::ffff:1", b"2001:db8::/64"),
        ("fe80::1%eth0", "fe80::1", b"fe80::/64"),
    ],
)
def test_peer(host: str, ip: str, source: bytes) -> None:
    peer = Peer.of(host, 25)
    assert (peer.ip, peer.source, peer.port) == (ip, source, 25)
