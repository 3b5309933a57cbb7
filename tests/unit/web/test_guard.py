"""The fence before every page."""

import pytest
from starlette.responses import PlainTextResponse

from gateway.observe.memory import MemoryMeter
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

    guard = Guard(
        app, meter=meter, problem=lambda status: PlainTextResponse("", status), headers={"X-Own": "1"}
    )
    await guard({"type": "http", "method": "GET", "path": "/u/x", "headers": list(headers)}, receive, send)
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

    guard = Guard(app, meter=MemoryMeter(), problem=lambda status: PlainTextResponse("", status), headers={})
    await guard({"type": "websocket", "path": "/"}, None, None)
