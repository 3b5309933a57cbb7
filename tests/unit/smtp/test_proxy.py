"""The PROXY protocol: exactly the header is read, and only where it is expected."""

import asyncio
import socket
import ssl
import struct

import pytest
from submission_world import World, serve, talk, trusting

from gateway.smtp import listener
from gateway.smtp.context import Peer
from gateway.smtp.proxy import BadProxyHeader, read_proxy_header

OWN = Peer.of("127.0.0.1", 4000)
V2 = b"\r\n\r\n\x00\r\nQUIT\n"
FROM_HERE = {"proxy_from": ("127.0.0.0/8",)}


def v2(command: int, family: int, body: bytes) -> bytes:
    return V2 + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


TCP4 = v2(
    1, 0x11, socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 5000, 25)
)
TCP6 = v2(
    1,
    0x21,
    socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + struct.pack("!HH", 5000, 25) + b"\x04\x00\x01x",
)


async def read(octets: bytes, chunk: int = 1000) -> tuple[Peer, bytes]:
    """Return the peer, and what was left in the socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read_proxy_header(ours, OWN))
            for start in range(0, len(octets), chunk):
                theirs.send(octets[start : start + chunk])
                await asyncio.sleep(0)
            theirs.shutdown(socket.SHUT_WR)
        return reading.result(), ours.recv(1000)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 25\r\n", Peer.of("192.0.2.7", 5000)),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 25\r\n", Peer.of("2001:db8::7", 5000)),
        (b"PROXY UNKNOWN\r\n", OWN),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", OWN),
        (TCP4, Peer.of("192.0.2.7", 5000)),
        (TCP6, Peer.of("2001:db8::7", 5000)),
        (v2(0, 0x00, b""), OWN),
        (v2(0, 0x11, b"\0" * 12), OWN),
        (v2(1, 0x00, b"whatever"), OWN),
    ],
)
async def test_good_headers(header: bytes, peer: Peer, chunk: int) -> None:
    assert await read(header + b"EHLO x\r\n", chunk) == (peer, b"EHLO x\r\n")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"PRO",
        b"EHLO client.example\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"PROXY\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 25 more\r\n",
        b"PROXY TCP4 192.0.2.700 198.51.100.1 5000 25\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 5000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 25\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 5000 25\r\n",
        b"PROXY TCP4 " + b"1" * 200,
        b"PROXY TCP4 192.0.2.7",
        V2,
        V2 + b"\x31\x11\x00\x0c" + b"\0" * 12,
        v2(2, 0x11, b"\0" * 12),
        v2(1, 0x11, b"\0" * 4),
        v2(1, 0x12, b"\0" * 12),
        v2(1, 0x31, b"\0" * 216),
        V2 + b"\x21\x11\xff\xff" + b"\0" * 12,
    ],
)
async def test_bad_headers(header: bytes) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await read(header)
    assert caught.group_contains(BadProxyHeader)


async def test_the_session_belongs_to_the_address_in_the_header() -> None:
    world = World.make(trusted=({"network": "192.0.2.0/24", "account": "trusted"},))
    async with serve(world, **FROM_HERE) as service, talk(service.port) as client:
        client.send(TCP4)
        assert (await client.line()).startswith("220 ")
        assert world.presence.present[b"source:192.0.2.7"] == 1
        await client.ask("EHLO client.example")
        assert (await client.ask("MAIL FROM:<news@example.com>")).startswith("250 ")
    transaction = world.intake.begun[0]
    assert (transaction.client.ip, transaction.client.port, transaction.account_id) == ("192.0.2.7", 5000, 2)
    assert not transaction.client.authenticated


async def test_a_header_before_implicit_tls(tls: ssl.SSLContext) -> None:
    world = World.make(tls)
    async with serve(world, tls="implicit", **FROM_HERE) as service:
        with socket.create_connection(("127.0.0.1", service.port)) as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(sock, TCP6)
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=trusting(), server_hostname="localhost"
            )
            assert (await reader.readline()).startswith(b"220 ")
            assert world.presence.present[b"source:2001:db8::/64"] == 1
            writer.close()
            await writer.wait_closed()


async def test_from_elsewhere_it_is_bad_smtp() -> None:
    world = World.make()
    async with serve(world, proxy_from=("192.0.2.0/24",)) as service, talk(service.port) as client:
        assert (await client.line()).startswith("220 ")
        assert (await client.ask("PROXY TCP4 192.0.2.7 198.51.100.1 5000 25")).startswith("500 ")
    assert world.presence.present.keys() == {b"source:127.0.0.1"}


async def test_a_configured_proxy_must_say_it() -> None:
    world = World.make()
    async with serve(world, **FROM_HERE) as service, talk(service.port) as client:
        client.send(b"EHLO client.example\r\n")
        assert await client.ended()
    assert world.meter.value("proxy_errors_total") == 1


async def test_a_proxy_that_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "PROXY_TIMEOUT", 0.02)
    world = World.make()
    async with serve(world, **FROM_HERE) as service, talk(service.port) as client:
        client.send(b"PROXY TCP4 ")
        assert await client.ended()
    assert world.meter.value("proxy_errors_total") == 1
