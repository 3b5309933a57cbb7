"""The one-click POST of RFC 8058 on the wire: every form that it may come in, and everything that is none.

Requests are octets, as they come to the socket. How mailbox providers form theirs is not published; these are
the forms that HTTP and RFC 8058 section 3.2 allow, and those that clients with mistakes have been seen to send.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from uvicorn.server import ServerState

from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import WebSection
from gateway.web.guard import BODY_LIMIT
from gateway.web.leaving import Via
from gateway.web.places import Places
from gateway.web.serve import PatientH11, configured

BODY = b"List-Unsubscribe=One-Click"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
NOBODY = b"Unsubscribed.\n"


@dataclass(frozen=True)
class Answer:
    """One answer, taken apart."""

    code: int
    headers: dict[bytes, bytes]
    body: bytes


@dataclass
class Wire:
    """A server, and connections to it."""

    port: int

    async def say(self, *pieces: bytes) -> bytes:
        """Send the pieces one after the other, and return all that comes until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
        return said

    async def ask(self, *pieces: bytes) -> Answer:
        """Send one request that wants the connection closed behind it."""
        answers = answers_in(await self.say(*pieces))
        assert len(answers) == 1, answers
        return answers[0]


def answers_in(said: bytes) -> list[Answer]:
    """Take apart what a server said; whatever does not add up is an error."""
    answers = []
    while said:
        head, end, said = said.partition(b"\r\n\r\n")
        assert end
        first, *lines = head.split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        length = int(headers.get(b"content-length", b"0"))
        answers.append(Answer(int(first.split(b" ")[1]), headers, said[:length]))
        said = said[length:]
    return answers


@pytest.fixture
async def wire(app) -> AsyncIterator[Wire]:
    places = Places(WebSection, MemoryMeter())
    config, state = configured(app, 1.0, places), ServerState()
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: PatientH11(config, state, {}, places=places), "127.0.0.1", 0)
    async with asyncio.timeout(20), server:
        yield Wire(server.sockets[0].getsockname()[1])
        for connection in list(state.connections):
            connection.shutdown()


def post(path: str, head: bytes, body: bytes, *, length: bool = True) -> bytes:
    """A POST that wants the connection closed; ``head`` has further header lines."""
    size = b"Content-Length: %d\r\n" % len(body) if length else b""
    return (
        b"POST %s HTTP/1.1\r\nHost: leave.example\r\nConnection: close\r\n" % path.encode() + size + head
        + b"\r\n" + body
    )  # fmt: skip


def multipart(boundary: bytes, *, part: bytes = b"", before: bytes = b"", after: bytes = b"\r\n") -> bytes:
    return (
        before + b"--" + boundary + b'\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n' + part
        + b"\r\nOne-Click\r\n--" + boundary + b"--" + after
    )  # fmt: skip


def typed(content_type: bytes) -> bytes:
    return b"Content-Type: " + content_type + b"\r\n"


def in_parts(boundary: bytes, **how: bytes) -> tuple[bytes, bytes]:
    return typed(b"multipart/form-data; boundary=" + boundary), multipart(boundary, **how)


ONE_CLICKS = {
    "urlencoded": (FORM, BODY),
    "urlencoded with a charset": (typed(b"application/x-www-form-urlencoded; charset=UTF-8"), BODY),
    "urlencoded, the type in other letters": (typed(b"Application/X-WWW-Form-URLEncoded;charset=utf-8"), BODY),
    "no type": (b"", BODY),
    "an empty type": (typed(b""), BODY),
    "text/plain": (typed(b"text/plain"), BODY),
    "octets": (typed(b"application/octet-stream"), BODY),
    "a line end behind it": (FORM, BODY + b"\r\n"),
    "a bare line feed behind it": (FORM, BODY + b"\n"),
    "the hyphen in percents": (FORM, b"List%2DUnsubscribe=One%2DClick"),
    "other letters in the value": (FORM, b"List-Unsubscribe=one-click"),
    "an empty field behind it": (FORM, BODY + b"&"),
    "other fields around it": (FORM, b"a=1&" + BODY + b"&b=%26"),
    "as long as a body may be": (FORM, BODY + b"&pad=" + b"a" * (BODY_LIMIT - len(BODY) - 5)),
    "multipart": in_parts(b"b"),
    "multipart with a browser's boundary": in_parts(b"----WebKitFormBoundary7MA4YWxkTrZu0gW"),
    "multipart with a library's boundary": in_parts(b"8f2b6d4d1c7c4b8e9a3f5d6e7c8b9a0f"),
    "multipart, the boundary in quotes": (typed(b'multipart/form-data; boundary="a b"'), multipart(b"a b")),
    "multipart, a charset behind the boundary": (
        typed(b"multipart/form-data; boundary=b; charset=utf-8"), multipart(b"b"),
    ),
    "multipart, a type in the part": in_parts(b"b", part=b"Content-Type: text/plain; charset=utf-8\r\n"),
    "multipart, a length in the part": in_parts(b"b", part=b"Content-Length: 9\r\n"),
    "multipart, an encoding in the part": in_parts(b"b", part=b"Content-Transfer-Encoding: 8bit\r\n"),
    "multipart, a line before it": in_parts(b"b", before=b"\r\n"),
    "multipart, nothing behind it": in_parts(b"b", after=b""),
    "multipart, a text behind it": in_parts(b"b", after=b"\r\nthe end\r\n"),
    "multipart, the type in other letters": (typed(b"Multipart/Form-Data; boundary=b"), multipart(b"b")),
    "a cookie and a password, which nobody looks at": (
        FORM + b"Cookie: session=1\r\nAuthorization: Basic YTpi\r\n", BODY,
    ),
    "an origin, as browsers send": (FORM + b"Origin: null\r\nReferer: https://mail.example/\r\n", BODY),
}  # fmt: skip


def assert_one_click(answer: Answer) -> None:
    """200, and nothing that RFC 8058 section 3.1 forbids or that leads any further."""
    assert (answer.code, answer.body) == (200, NOBODY)
    assert answer.headers[b"content-type"].startswith(b"text/plain")
    assert answer.headers.keys().isdisjoint({b"location", b"set-cookie", b"refresh", b"www-authenticate"})
    assert answer.headers[b"cache-control"] == b"no-store"
    assert b"default-src 'none'" in answer.headers[b"content-security-policy"]


@pytest.mark.parametrize("name", ONE_CLICKS)
async def test_it_leaves_at_once(wire: Wire, book, meter, make_link, name: str) -> None:
    head, body = ONE_CLICKS[name]
    assert_one_click(await wire.ask(post(make_link(), head, body)))
    assert book.vias == [Via.ONE_CLICK]
    assert meter.value("unsubscribes_total", via="one-click") == 1
    assert meter.value("web_requests_total", page="unsubscribe", code="200") == 1


@pytest.mark.parametrize(
    "query", ["?utm_source=news", "?confirm=0", "?", "?a=%26&List-Unsubscribe=Two-Clicks"]
)
async def test_what_follows_the_link_is_of_no_interest(wire: Wire, book, make_link, query: str) -> None:
    assert_one_click(await wire.ask(post(make_link() + query, FORM, BODY)))
    assert book.vias == [Via.ONE_CLICK]


async def test_the_whole_url_in_the_request_line(wire: Wire, book, make_link) -> None:
    """RFC 9112 section 3.2.2: a server takes the absolute form too."""
    assert_one_click(await wire.ask(post("http://leave.example" + make_link(), FORM, BODY)))
    assert book.vias == [Via.ONE_CLICK]


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "chunks",
    [
        [b"1a\r\n" + BODY + b"\r\n0\r\n\r\n"],
        [b"1A;name=value\r\n" + BODY + b"\r\n0\r\n\r\n"],
        [b"5\r\nList-\r\n", b"15\r\nUnsubscribe=One-Click\r\n", b"0\r\n\r\n"],
        [b"1a\r\n" + BODY + b"\r\n0\r\nX-Trailer: 1\r\n\r\n"],
    ],
)
async def test_chunks(wire: Wire, book, make_link, chunks: list[bytes]) -> None:
    assert_one_click(await wire.ask(post(make_link(), FORM + CHUNKED, b"", length=False), *chunks))
    assert book.vias == [Via.ONE_CLICK]


async def test_octet_by_octet(wire: Wire, book, make_link) -> None:
    assert_one_click(await wire.ask(*(bytes([octet]) for octet in post(make_link(), FORM, BODY))))
    assert book.vias == [Via.ONE_CLICK]


async def test_a_client_that_waits_to_be_asked_for_the_body(wire: Wire, book, make_link) -> None:
    """RFC 9110 section 10.1.1: 100 (Continue) before the body, then the answer."""
    whole = post(make_link(), FORM + b"Expect: 100-continue\r\n", BODY)
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(whole.removesuffix(BODY))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    assert book.untouched
    writer.write(BODY)
    assert_one_click(answers_in(await reader.read())[0])
    writer.close()
    await writer.wait_closed()
    assert book.vias == [Via.ONE_CLICK]


@pytest.mark.parametrize("host", [b"", b"Host: leave.example\r\n"])
async def test_http_1_0(wire: Wire, book, make_link, host: bytes) -> None:
    request = b"POST %s HTTP/1.0\r\n%sContent-Length: %d\r\n\r\n" % (make_link().encode(), host, len(BODY))
    assert_one_click(await wire.ask(request + BODY))
    assert book.vias == [Via.ONE_CLICK]


async def test_two_in_one_go_on_one_connection(wire: Wire, book, make_link) -> None:
    first = post(make_link(), FORM, BODY).replace(b"Connection: close\r\n", b"")
    second = post(make_link(mail_list=0), FORM, BODY)
    said = answers_in(await wire.say(first + second))
    for answer in said:
        assert_one_click(answer)
    assert len(said) == 2
    assert {key[1] for key in book.left} == {3, 0}


async def test_any_number_is_as_good_as_one(wire: Wire, book, meter, make_link) -> None:
    request = post(make_link(), FORM, BODY)
    first = await wire.ask(request)
    again = [await wire.ask(request) for _ in range(3)]
    assert_one_click(first)
    assert {(answer.code, answer.body) for answer in again} == {(200, NOBODY)}
    assert book.vias == [Via.ONE_CLICK]
    assert meter.value("unsubscribes_total", via="one-click") == 1


async def test_a_hundred_at_once_for_one_link(wire: Wire, book, make_link) -> None:
    request = post(make_link(), FORM, BODY)
    for answer in await asyncio.gather(*(wire.ask(request) for _ in range(100))):
        assert_one_click(answer)
    assert book.vias == [Via.ONE_CLICK]


# RFC 8058 section 3.2: the receiver "sends the key/value pair as the request body". What does not say so may be
# anything (a scanner, a form of another page, a mistake) and changes nothing; 400 says that it was no good.
NO_ONE_CLICKS = {
    "nothing": (b"", b""),
    "an empty form": (FORM, b""),
    "another value": (FORM, b"List-Unsubscribe=Two-Clicks"),
    "no value": (FORM, b"List-Unsubscribe"),
    "the value alone": (FORM, b"One-Click"),
    "another case of the key": (FORM, b"list-unsubscribe=One-Click"),
    "the key within another": (FORM, b"X-List-Unsubscribe=One-Click"),
    "the pair in a header": (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + FORM, b"a=1"),
    "JSON": (typed(b"application/json"), b'{"List-Unsubscribe": "One-Click"}'),
    "multipart without a boundary": (typed(b"multipart/form-data"), multipart(b"b")),
    "multipart with another boundary": (typed(b"multipart/form-data; boundary=c"), multipart(b"b")),
    "multipart as a file": (
        typed(b"multipart/form-data; boundary=b"),
        multipart(b"b").replace(b'be"', b'be"; filename="a.txt"'),
    ),
    "a form that calls itself multipart": (typed(b"multipart/form-data; boundary=b"), BODY),
    "multipart that calls itself a form": (FORM, multipart(b"b")),
    "too many fields": (FORM, BODY + b"&a=1" * 30),
    "gzip": (FORM + b"Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\x00" + b"\x00" * 30),
}


@pytest.mark.parametrize("name", NO_ONE_CLICKS)
async def test_what_does_not_say_so_changes_nothing(wire: Wire, book, make_link, name: str) -> None:
    head, body = NO_ONE_CLICKS[name]
    answer = await wire.ask(post(make_link(), head, body))
    assert answer.code == 400
    assert b"set-cookie" not in answer.headers
    assert book.untouched


async def test_the_pair_after_the_question_mark_is_no_body(wire: Wire, book, make_link) -> None:
    answer = await wire.ask(post(make_link() + "?List-Unsubscribe=One-Click", FORM, b""))
    assert answer.code == 400
    assert book.untouched


@pytest.mark.parametrize(
    "method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"PATCH", b"DELETE", b"PROPFIND", b"post"]
)
async def test_no_other_method_leaves(wire: Wire, book, make_link, method: bytes) -> None:
    said = await wire.say(post(make_link(), FORM, BODY).replace(b"POST", method, 1))
    code = int(said.split(b" ")[1])
    assert code == (200 if method in {b"GET", b"HEAD"} else 405)
    assert book.untouched


@pytest.mark.parametrize("piece", [b"", BODY + b"&pad="])
async def test_a_body_over_the_limit(wire: Wire, book, make_link, piece: bytes) -> None:
    body = piece + b"a" * (BODY_LIMIT + 1 - len(piece))
    answer = await wire.ask(post(make_link(), FORM, body))
    assert answer.code == 413
    assert answer.headers[b"connection"] == b"close"
    assert book.untouched


async def test_a_client_that_goes_in_the_middle_has_said_nothing(wire: Wire, book, make_link) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(post(make_link(), FORM, BODY + b"&a=1").removesuffix(b"&a=1"))
    await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert (await wire.ask(post(make_link(mail_list=0), FORM, BODY))).code == 200
    assert {key[1] for key in book.left} == {0}


def forged(path: str) -> str:
    return path[:-2] + ("A" if path[-2] != "A" else "B") + path[-1]


@pytest.mark.parametrize(
    "spoil",
    [
        forged,
        lambda path: path.replace("/u/", "/r/"),
        lambda path: path + "/",
        lambda path: path + "=",
        lambda path: path[:-1],
        lambda path: path.replace("/u/", "//u/"),
        lambda path: path.replace("/u/", "/U/"),
        lambda _: "/u/",
        lambda _: "/u/" + "A" * 79,
    ],
)
async def test_every_wrong_link_hears_the_same(
    wire: Wire, book, make_link, spoil: Callable[[str], str]
) -> None:
    usual = await wire.ask(post("/nowhere", FORM, BODY))
    answer = await wire.ask(post(spoil(make_link()), FORM, BODY))
    assert (answer.code, answer.body) == (usual.code, usual.body) == (404, usual.body)
    assert book.untouched


async def test_somebody_unknown_hears_it_too(wire: Wire, book, make_link) -> None:
    usual = await wire.ask(post("/nowhere", FORM, BODY))
    book.forgotten = True
    answer = await wire.ask(post(make_link(), FORM, BODY))
    assert (answer.code, answer.body) == (404, usual.body)


async def test_a_link_in_percents_is_the_same_link(wire: Wire, book, make_link) -> None:
    assert_one_click(await wire.ask(post("/%75/" + make_link()[3:], FORM, BODY)))
    assert book.vias == [Via.ONE_CLICK]


async def test_the_page_gets_its_own_form_as_it_came(wire: Wire, book, make_link) -> None:
    whole = post(make_link(), FORM, b"confirm=1&a=%20")
    for pieces in ([whole], [whole[:-5], whole[-5:]]):
        answer = await wire.ask(*pieces)
        assert answer.code == 200
        assert answer.headers[b"content-type"].startswith(b"text/html")
    assert book.vias == [Via.PAGE]


async def test_a_store_that_is_away_and_comes_back(wire: Wire, book, meter, make_link, logged) -> None:
    book.away = True
    answer = await wire.ask(post(make_link(), FORM, BODY))
    assert answer.code == 503
    assert int(answer.headers[b"retry-after"]) > 0
    assert book.untouched
    book.away = False
    assert_one_click(await wire.ask(post(make_link(), FORM, BODY)))
    assert meter.value("web_requests_total", page="unsubscribe", code="503") == 1


async def test_the_log_names_the_account_and_no_link(wire: Wire, make_link, logged) -> None:
    forwarded = b"X-Forwarded-For: 192.0.2.9\r\n"  # nobody has said that 127.0.0.1 is to be believed
    await wire.ask(post(make_link(), FORM + forwarded, BODY))
    assert [line for line in logged if line["log_level"] == "info"] == [
        {
            "event": "unsubscribed", "log_level": "info", "account": 7, "list": 3, "client": "127.0.0.1",
            "via": "one-click",
        }
    ]  # fmt: skip
    token = make_link()[3:]
    assert not any(token in str(line) or re.search(r"\b000102", str(line)) for line in logged)
