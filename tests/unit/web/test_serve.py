"""The real server on a real socket."""

import asyncio
import contextlib
import signal
import socket

import httpx
import pytest

from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import WebSection
from gateway.web.places import Places
from gateway.web.public import build_public
from gateway.web.serve import PatientH11, serve

ONE_CLICK = b"List-Unsubscribe=One-Click"


@contextlib.asynccontextmanager
async def running(app, connections=512, places=None, **options):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    port = sock.getsockname()[1]
    stop, listening = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        room = places or Places(WebSection, MemoryMeter(), connections)
        group.create_task(serve(app, sock, stop, places=room, listening=listening.set, **options))
        await listening.wait()
        try:
            yield port
        finally:
            stop.set()


async def say(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_reader_leaves(app, book, make_link) -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with running(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
        assert signal.getsignal(signal.SIGTERM) is before
        page = await web.get(make_link())
        head = await web.head(make_link())
        answer = await web.post(
            make_link(), content=ONE_CLICK, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    assert page.status_code == head.status_code == answer.status_code == 200
    assert "server" not in page.headers
    assert head.content == b""
    assert len(book.vias) == 1


async def test_no_path_reaches_the_log(app, make_link, caplog) -> None:
    caplog.set_level("DEBUG")
    async with running(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as web:
        await web.get(make_link())
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not any(make_link()[3:] in record.getMessage() for record in ours)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost"])
async def test_a_client_that_says_little_is_cut_off(app, monkeypatch, said) -> None:
    monkeypatch.setattr(PatientH11, "head_patience", 0.05)
    async with running(app) as port:
        assert await say(port, said) == b""


async def test_nonsense_and_endless_heads(app) -> None:
    async with running(app) as port:
        assert (await say(port, b"\x16\x03\x01 nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert (await say(port, b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000)).startswith(b"HTTP/1.1 400 ")


async def test_a_target_that_is_no_url(app, caplog) -> None:
    async with running(app) as port:
        answer = await say(port, b"GET http://[/u/secret HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not caplog.records


async def test_a_client_that_takes_no_answer_is_cut_off(monkeypatch) -> None:
    monkeypatch.setattr(PatientH11, "answer_patience", 0.05)
    over = asyncio.Event()

    async def endless(_scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(10_000_000), "more_body": True})
        over.set()

    async with running(endless) as port:
        with socket.socket() as client:
            client.connect(("127.0.0.1", port))
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await over.wait()


LENGTH, CHUNKED = b"Content-Length: 4\r\n", b"Transfer-Encoding: chunked\r\n"
AMBIGUOUS = {
    # RFC 9112 section 6.1 and 6.3: where a body ends must be beyond doubt.
    "a length, then chunks": LENGTH + CHUNKED,
    "chunks, then a length": CHUNKED + LENGTH,
    "two lengths": LENGTH + b"Content-Length: 5\r\n",
    "a list of lengths": b"Content-Length: 4, 5\r\n",
    "a signed length": b"Content-Length: +4\r\n",
    "a hexadecimal length": b"Content-Length: 0x4\r\n",
    "another coding": b"Transfer-Encoding: gzip\r\n",
    "another coding before chunks": b"Transfer-Encoding: gzip, chunked\r\n",
    "nearly chunks": b"Transfer-Encoding: xchunked\r\n",
    "chunks twice": CHUNKED + CHUNKED,
    "chunks behind a control": b"Transfer-Encoding: \x0bchunked\r\n",
    # RFC 9112 section 5.1, 2.2 and 3.2.
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n",
    "a bare CR": b"X: a\rTransfer-Encoding: chunked\r\n",
    "a NUL": b"X: a\0b\r\n",
    "two hosts": b"Host: y\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_no_request_is_smuggled(app, book, make_link, name) -> None:
    hidden = f"POST {make_link()} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\n".encode() + ONE_CLICK
    async with running(app) as port:
        head = f"POST {make_link()} HTTP/1.1\r\nHost: x\r\n".encode()
        answer = await say(port, head + AMBIGUOUS[name] + b"\r\n0\r\n\r\n" + hidden)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer.lower()
    assert book.untouched


async def test_a_request_without_a_host(app) -> None:
    """RFC 9112 section 3.2."""
    async with running(app) as port:
        assert (await say(port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_an_offer_of_another_protocol_is_not_taken(app, book, make_link) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    head = f"POST {make_link()} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n".encode() + offer + b"\r\n"
    async with running(app) as port:
        answer = await say(port, head + ONE_CLICK + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert len(book.left) == 1


async def test_a_body_over_the_limit_is_not_waited_for(app, make_link) -> None:
    async with running(app) as port:
        head = f"POST {make_link()} HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n".encode()
        answer = await say(port, head + b"a" * 70_000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


class Hall:
    """An application that holds every request until it is let go."""

    def __init__(self) -> None:
        self.inside = asyncio.Semaphore(0)
        self.go = asyncio.Event()

    async def __call__(self, _scope, _receive, send) -> None:
        self.inside.release()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@contextlib.asynccontextmanager
async def connection(port: int, source: str = "127.0.0.1"):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_when_all_are_being_answered_the_next_hears_503() -> None:
    hall = Hall()
    async with running(hall, connections=1) as port, connection(port) as (reader, writer):
        writer.write(GET)
        await hall.inside.acquire()
        assert (await say(port, b"")).startswith(b"HTTP/1.1 503 ")
        hall.go.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize(
    "said", ["", "GET / HT", "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"]
)
async def test_who_keeps_us_waiting_gives_the_place_to_who_comes(app, make_link, said) -> None:
    async with running(app, connections=1) as port, connection(port) as (slow, writer):
        writer.write(said.format(make_link()).encode())
        async with connection(port) as (quick, asking):
            assert await slow.read() == b""
            asking.write(GET)
            assert (await quick.readline()).startswith(b"HTTP/1.1 200 ")


async def test_an_idle_connection_that_has_been_answered_gives_way(app) -> None:
    async with running(app, connections=1) as port, connection(port) as (first, writer):
        writer.write(GET)
        await first.readuntil(b"</html>")
        async with connection(port) as (second, asking):
            assert (await first.read()).strip() == b""
            asking.write(GET)
            assert (await second.readline()).startswith(b"HTTP/1.1 200 ")


async def test_one_source_has_its_share(app) -> None:
    meter = MemoryMeter()
    places = Places(lambda: WebSection(connections_per_source=2), meter)
    async with running(app, places=places) as port, contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(connection(port))
        assert (await say(port, b"")).startswith(b"HTTP/1.1 503 ")
        reader, writer = await stack.enter_async_context(connection(port, "127.0.0.2"))
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    assert meter.value("web_connections_denied_total", reason="source") == 1


async def test_a_place_is_given_back(app) -> None:
    places = Places(lambda: WebSection(connections_per_source=1), MemoryMeter())
    async with running(app, places=places) as port:
        for _ in range(3):
            asked = await say(port, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert asked.startswith(b"HTTP/1.1 200 ")


async def test_an_idle_connection_is_closed(app, monkeypatch) -> None:
    monkeypatch.setattr("gateway.web.serve._KEEP_ALIVE", 0.05)
    async with running(app) as port:
        assert (await say(port, GET)).startswith(b"HTTP/1.1 200 ")  # until the server closes


async def test_a_body_that_dribbles_is_not_waited_for(means, book, make_link) -> None:
    async with running(build_public(means, time_limit=0.05)) as port:
        head = f"POST {make_link()} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab".encode()
        answer = await say(port, head)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert book.untouched


async def test_a_request_in_flight_does_not_hold_up_the_end(app, make_link) -> None:
    async with running(app, grace=0.5) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST {make_link()} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode())
        await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
