"""The fence before every page."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse

from gateway.observe.memory import MemoryMeter
from gateway.web import guard
from gateway.web.guard import Guard, page_of


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", "home"),
        ("/u/secret", "unsubscribe"),
        ("/r/secret/more", "report"),
        ("/health/live", "health"),
        ("/metrics", "metrics"),
        ("/api/v1/events", "api"),
        ("/u2/x", "other"),
        ("", "other"),
        ("*", "other"),
    ],
)
def test_a_label_is_a_fixed_word(path: str, wanted: str) -> None:
    assert page_of(path) == wanted


async def run(app, headers=()):
    sent, meter = [], MemoryMeter()

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    fence = Guard(
        app, meter=meter, problem=lambda status: PlainTextResponse("", status), headers={"X-Own": "1"}
    )
    await fence({"type": "http", "method": "GET", "path": "/u/x", "headers": list(headers)}, receive, send)
    return sent, meter


async def test_an_error_after_the_answer_began_adds_nothing() -> None:
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late")

    sent, meter = await run(app)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert meter.value("web_requests_total", page="unsubscribe", code="200") == 1


@pytest.mark.parametrize("headers", [[(b"content-length", b"9")], [(b"transfer-encoding", b"chunked")]])
async def test_a_body_that_nobody_read_closes_the_connection(headers) -> None:
    sent, _ = await run(PlainTextResponse("fine"), headers)
    assert (b"connection", b"close") in sent[0]["headers"]


async def test_an_answer_without_a_body_before_it_keeps_the_connection() -> None:
    sent, _ = await run(PlainTextResponse("fine"))
    assert b"connection" not in dict(sent[0]["headers"])
    assert dict(sent[0]["headers"])[b"x-own"] == b"1"


async def test_other_protocols_get_nothing() -> None:
    async def app(scope, receive, send):
        raise AssertionError("not reached")

    fence = Guard(app, meter=MemoryMeter(), problem=lambda status: PlainTextResponse("", status), headers={})
    await fence({"type": "websocket", "path": "/"}, None, None)


class Upload:
    """A request that brings a file, piece by piece, and what is answered."""

    def __init__(self, pieces, *, allowed=1_000_000, time_limit=60.0) -> None:
        self._pieces = list(pieces)
        self._guard = Guard(
            self._app,
            meter=MemoryMeter(),
            problem=lambda status, _scope: PlainTextResponse("", status),
            headers={},
            time_limit=time_limit,
            file=lambda _scope: allowed,
        )
        self.octets, self.status = 0, 0

    async def _app(self, scope, receive, send) -> None:
        more = True
        while more:
            message = await receive()
            self.octets += len(message["body"])
            more = message["more_body"]
        await PlainTextResponse("fine")(scope, receive, send)

    async def _receive(self):
        seconds, octets = self._pieces.pop(0)
        if seconds:
            await asyncio.sleep(seconds)
        return {"type": "http.request", "body": b"x" * octets, "more_body": bool(self._pieces)}

    async def _send(self, message) -> None:
        self.status = message.get("status", self.status)

    async def run(self) -> int:
        scope = {"type": "http", "method": "PUT", "path": "/api/v1/x", "headers": [(b"content-length", b"9")]}
        await self._guard(scope, self._receive, self._send)
        return self.status


async def test_a_file_has_as_much_more_time_as_its_octets_may_take(monkeypatch) -> None:
    assert await Upload([(0.0, 1), (3600.0, 1)], time_limit=0.01).run() == 408
    monkeypatch.setattr(guard, "_SLOWEST", 1)
    assert await Upload([(0.0, 1000), (0.02, 1000)], time_limit=0.01).run() == 200


async def test_a_file_may_be_longer_than_other_bodies_and_not_without_end() -> None:
    assert await Upload([(0.0, 60_000)] * 10).run() == 200
    assert await Upload([(0.0, 60_000)] * 20).run() == 413
    assert await Upload([(0.0, 60_000)] * 2, allowed=0).run() == 413
