"""One attempt, against receivers of every kind on the loopback."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.cli.certificate import self_signed
from gateway.model.notice import Notice, NoticeType
from gateway.settings.schema import WebhooksSection
from gateway.webhooks.post import NotTaken, Post, Taken

NOTICE = Notice(5, "E1", NoticeType.MESSAGE_BOUNCED, 1.0, {"message": "S"})
LOOPBACK = WebhooksSection.model_validate({"allow": ["127.0.0.0/8"], "timeout": 10})

Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """Serves on the loopback; keeps what came."""

    behave: Behave
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                await self.behave(reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiver(behave: Behave, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    here = Receiver(behave)
    server = await asyncio.start_server(here.serve, "127.0.0.1", 0, ssl=tls)
    here.port = server.sockets[0].getsockname()[1]
    yield here
    server.close()


def says(text: str) -> Behave:
    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text.replace("\n", "\r\n").encode())

    return behave


OK = says("HTTP/1.1 200 OK\ncontent-length: 2\n\nok")


@pytest.fixture
async def attempt(make_webhook):
    """Try a URL; the posts are closed in the end."""
    posts = []

    async def run(url: str, settings=LOOPBACK, tls=None, post=None):
        if post is None:
            post = Post(lambda: settings, tls)
            posts.append(post)
        return await post.attempt(make_webhook(url=url), NOTICE, 1000.0)

    yield run
    for post in posts:
        await post.close()


async def test_what_a_receiver_gets(attempt) -> None:
    async with receiver(OK) as here:
        assert await attempt(f"http://127.0.0.1:{here.port}/hooks?key=s3cret") == Taken(200)
    head, _, body = here.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /hooks?key=s3cret HTTP/1.1"
    fields = {line.partition(b": ")[0].lower(): line.partition(b": ")[2] for line in lines[1:]}
    assert fields[b"host"] == f"127.0.0.1:{here.port}".encode()
    assert fields[b"content-type"] == b"application/json"
    assert fields[b"webhook-id"] == b"E1"
    assert fields[b"user-agent"].startswith(b"Consentry/")
    assert body == b'{"type":"message.bounced","timestamp":"1970-01-01T00:00:01.000Z","data":{"message":"S"}}'


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("HTTP/1.1 204 No Content\n\n", Taken(204)),
        ("HTTP/1.1 299 Fine\ncontent-length: 0\n\n", Taken(299)),
        ("HTTP/1.1 500 Oops\ncontent-length: 0\n\n", NotTaken("refused", "HTTP 500")),
        ("HTTP/1.1 410 Gone\ncontent-length: 0\n\n", NotTaken("refused", "HTTP 410", gone=True)),
        (
            "HTTP/1.1 429 Slow\nRetry-After: 120\ncontent-length: 0\n\n",
            NotTaken("refused", "HTTP 429", 120.0),
        ),
        (
            "HTTP/1.1 503 Away\nRetry-After: Fri, 1 Jan\ncontent-length: 0\n\n",
            NotTaken("refused", "HTTP 503"),
        ),
        (
            "HTTP/1.1 503 Away\nRetry-After: 99999999999\ncontent-length: 0\n\n",
            NotTaken("refused", "HTTP 503"),
        ),
        ("what is it?\n\n", NotTaken("unreachable", "no HTTP")),
        ("HTTP/1.1 200 OK\ncontent-length: -5\n\n", NotTaken("unreachable", "no HTTP")),
    ],
)
async def test_what_is_made_of_an_answer(attempt, answer: str, wanted) -> None:
    async with receiver(says(answer)) as here:
        assert await attempt(f"http://127.0.0.1:{here.port}/") == wanted


async def test_a_redirect_is_not_followed(attempt) -> None:
    async with receiver(OK) as secret:
        away = says(f"HTTP/1.1 302 Found\nlocation: http://127.0.0.1:{secret.port}/\ncontent-length: 0\n\n")
        async with receiver(away) as here:
            assert await attempt(f"http://127.0.0.1:{here.port}/") == NotTaken("refused", "HTTP 302")
    assert secret.requests == []


async def test_no_proxy_of_the_environment(attempt, monkeypatch) -> None:
    async with receiver(OK) as proxy, receiver(OK) as here:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        await attempt(f"http://127.0.0.1:{here.port}/")
    assert proxy.requests == []


async def test_an_answer_without_end_is_not_read_to_its_end(attempt) -> None:
    async def endless(_reader, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with receiver(endless) as here:
        assert await attempt(f"http://127.0.0.1:{here.port}/") == Taken(200)


async def test_headers_without_end(attempt) -> None:
    async def endless(_reader, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with receiver(endless) as here:
        assert await attempt(f"http://127.0.0.1:{here.port}/") == NotTaken("unreachable", "no HTTP")


async def test_a_receiver_that_says_nothing(attempt) -> None:
    async def silent(reader, _writer) -> None:
        await reader.read()

    settings = WebhooksSection.model_validate({"allow": ["127.0.0.0/8"], "timeout": 0.05})
    async with receiver(silent) as here:
        assert (await attempt(f"http://127.0.0.1:{here.port}/", settings)).result == "timeout"


async def test_a_receiver_that_hangs_up(attempt) -> None:
    async def hang_up(_reader, writer) -> None:
        writer.close()

    async with receiver(hang_up) as here:
        assert (await attempt(f"http://127.0.0.1:{here.port}/")).result == "unreachable"


async def test_nobody_listens(attempt) -> None:
    async with receiver(OK) as here:
        port = here.port
    assert await attempt(f"http://127.0.0.1:{port}/") == NotTaken("unreachable", "no connection")


async def test_a_connection_is_used_again(attempt) -> None:
    post = Post(lambda: LOOPBACK)
    async with receiver(OK) as here:
        for _ in range(3):
            assert await attempt(f"http://127.0.0.1:{here.port}/", post=post) == Taken(200)
        await post.close()
    assert (here.connections, len(here.requests)) == (1, 3)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "169.254.169.254", "10.0.0.1"]
)
async def test_what_no_operator_has_named_is_not_reached(attempt, scheme: str, host: str) -> None:
    async with receiver(OK) as here:
        outcome = await attempt(f"{scheme}://{host}:{here.port}/", WebhooksSection())
    assert outcome == NotTaken("forbidden", "the URL leads to no address that may be reached")
    assert here.connections == 0


async def test_plain_http_goes_to_the_operators_networks_only(attempt, monkeypatch) -> None:
    monkeypatch.setattr("gateway.outward.names._look_up", lambda *_: ["8.8.8.8"])
    outcome = await attempt("http://hooks.example/", WebhooksSection())
    assert outcome.result == "forbidden"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    chain, key = self_signed(["127.0.0.1", "localhost"], dt.datetime.now(dt.UTC))
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return served, str(folder / "chain.pem")


async def test_tls_is_verified(attempt, certificate) -> None:
    served, chain = certificate
    async with receiver(OK, served) as here:
        url = f"https://127.0.0.1:{here.port}/"
        assert await attempt(url) == NotTaken("unreachable", "the certificate is not valid for the URL")
        assert here.requests == []
        assert await attempt(url, tls=ssl.create_default_context(cafile=chain)) == Taken(200)
