"""One look at one host, with a resolver of our own and servers on the loopback."""

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpcore
import pytest

from gateway.cli.certificate import self_signed
from gateway.linkcheck.ask import Answers, Asking, Silent, Unknown
from gateway.outward import names as looking_up

MOVED = b"HTTP/1.1 302 Found\r\nlocation: https://other.example/unsubscribe?id=1\r\ncontent-length: 0\r\n\r\n"
KNOWN = {
    "shop.example": ["93.184.216.34"],
    "inside.example": ["10.0.0.1", "127.0.0.1", "::1", "169.254.169.254"],
}


@pytest.fixture(autouse=True)
def resolver(monkeypatch) -> list[str]:
    """What was looked up."""
    asked, go = [], threading.Event()

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        if host == "hangs.example":
            go.wait(10)
        if host == "broken.example":
            raise socket.gaierror(socket.EAI_AGAIN, "later")
        if host not in KNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "none")
        return KNOWN[host]

    monkeypatch.setattr(looking_up, "_look_up", look_up)
    yield asked
    go.set()


class Web:
    """Where connections end up: a server for each port, or none; ``heard`` is what they were asked."""

    def __init__(self) -> None:
        self.ports: dict[int, int] = {}
        self.dialled: list[tuple[str, int]] = []
        self.heard: list[bytes] = []

    @asynccontextmanager
    async def serving(
        self, port: int, answer: bytes, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[None]:
        served: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.add(asyncio.current_task())
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                if not answer:
                    await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        self.ports[port] = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await asyncio.gather(*served)


@pytest.fixture
def web(monkeypatch) -> Web:
    found, connect = Web(), httpcore.AnyIOBackend.connect_tcp

    async def to_loopback(self, host: str, port: int, timeout, *more):  # noqa: ASYNC109 - httpcore's
        found.dialled.append((host, port))
        if port not in found.ports:
            raise httpcore.ConnectError("refused")
        return await connect(self, "127.0.0.1", found.ports[port], timeout, *more)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", to_loopback)
    return found


@pytest.fixture
async def look():
    made: list[Asking] = []

    def build(patience: float = 5.0, tls: ssl.SSLContext | None = None) -> Callable:
        made.append(Asking(lambda: patience, tls=tls))
        return made[-1].ask

    yield build
    for one in made:
        await one.close()


@pytest.fixture(scope="module")
def certified(tmp_path_factory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("tls")
    chain, key = self_signed(["shop.example"], dt.datetime.now(dt.UTC))
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context


async def test_only_the_root_is_asked_and_no_redirect_followed(look, web, resolver) -> None:
    async with web.serving(80, MOVED):
        assert await look()("shop.example", 7) == Answers()
    assert web.dialled == [("93.184.216.34", 443), ("93.184.216.34", 80)]
    (request,) = web.heard
    assert request.startswith(b"HEAD / HTTP/1.1\r\n")
    assert b"host: shop.example\r\n" in request.lower()
    assert set(resolver) == {"shop.example"}


async def test_an_error_is_an_answer(look, web) -> None:
    async with web.serving(80, b"HTTP/1.1 503 Away\r\n\r\n"):
        assert await look()("shop.example", 7) == Answers()
    async with web.serving(80, b"no HTTP at all\r\n"):
        assert await look()("shop.example", 7) == Answers()


async def test_who_has_a_bad_certificate_is_there(look, web, certified) -> None:
    async with web.serving(443, b"", certified):
        assert await look()("shop.example", 7) == Answers()
    assert web.heard == []  # nothing was asked of somebody who may be anybody
    assert web.dialled == [("93.184.216.34", 443)]


@pytest.mark.parametrize(
    ("host", "sign"),
    [
        ("nowhere.example", Silent("no-such-name", known=True)),
        ("inside.example", Silent("private-address", known=True)),
        ("shop.example", Silent("no-connection", known=False)),
        ("broken.example", Unknown()),
    ],
)
async def test_nobody_there(look, web, host: str, sign) -> None:
    assert await look()(host, 7) == sign
    assert web.heard == []
    assert all(address == "93.184.216.34" for address, _ in web.dialled)


async def test_what_takes_too_long_is_not_known(look, web) -> None:
    assert await look(0.05)("hangs.example", 7) == Unknown()
    async with web.serving(80, b""):
        assert await look(0.2)("shop.example", 7) == Unknown()
