"""What stands before every page: the limits of a request, the headers of an answer, the count.

What it promises: a body never grows beyond its limit in memory; a request ends within its time; an answer
has the security headers, whoever made it; an error of our own is a polite 500 and a log line, and never a
traceback on the wire; a request whose body was not read to its end closes the connection. The body of a file
may be longer: it comes in pieces, and has as much more time as its octets may take.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.model.reply import PublicError
from gateway.ports import KeyGone, Meter

BODY_LIMIT = 65_536  # octets
TIME_LIMIT = 20.0  # seconds, for the whole request
_SLOWEST = 32_768  # octets a second of a file

log = structlog.get_logger(__name__)

Field = tuple[bytes, bytes]
_CLOSE: Field = (b"connection", b"close")

_PAGES = {"": "home", "u": "unsubscribe", "r": "report", "robots.txt": "robots", "favicon.ico": "favicon"}
_PAGES |= {"w": "why", "c": "confirm", "z": "undo", "b": "logo"}
_PAGES |= {"subscribe": "subscribe", "s": "signup", "f": "recommend", "i": "invitation"}
_PAGES |= {"metrics": "metrics", "health": "health", "api": "api"}


class BodyTooLong(Exception):
    """The body is beyond the limit."""


def page_of(path: str) -> str:
    """Return the label of a path: a fixed word, because paths hold tokens and anything else."""
    return _PAGES.get(path.split("/", 2)[1], "other") if path.startswith("/") else "other"


class Guard:
    """ASGI middleware. ``problem`` makes an answer for a status; ``headers`` go on every answer.

    ``file``: the octets that a request may have because it brings a file; 0 for all others.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        meter: Meter,
        problem: Callable[[HTTPStatus, Scope], Response],
        headers: Mapping[str, str],
        time_limit: float = TIME_LIMIT,
        file: Callable[[Scope], int] = lambda _scope: 0,
    ) -> None:
        self._app = app
        self._meter = meter
        self._problem = problem
        self._headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]
        self._time_limit = time_limit
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        file = self._file(scope)
        exchange = _Exchange(scope, receive, send, self._headers, file or BODY_LIMIT)
        try:
            async with asyncio.timeout(self._time_limit) as end:
                if file:
                    exchange.puts_off = end
                await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the last fence: every error becomes an answer
            await self._answer(exchange, scope, error)
        self._meter.count("web_requests_total", page=page_of(scope["path"]), code=str(exchange.status))

    async def _answer(self, exchange: "_Exchange", scope: Scope, error: Exception) -> None:
        """Turn an accident into a page; when the answer has begun already, there is nothing to be said."""
        status = _status_of(error, exchange)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed", page=page_of(scope["path"]), code=int(status), exc_info=error)
        if exchange.status == 0:
            async with asyncio.timeout(self._time_limit):
                await self._problem(status, scope)(scope, exchange.receive, exchange.send)


def _status_of(error: Exception, exchange: "_Exchange") -> HTTPStatus:
    match error:
        case BodyTooLong():
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        case KeyGone():  # the account is being erased, and its pages are as unknown as they will be
            return HTTPStatus.NOT_FOUND
        case TimeoutError() if not exchange.body_read:
            return HTTPStatus.REQUEST_TIMEOUT
        case TimeoutError() | PublicError():
            return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


class _Exchange:
    """One request and its answer, watched."""

    puts_off: asyncio.Timeout | None = None  # the end of the request, which each octet of a file puts off

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, headers: Sequence[Field], limit: int
    ) -> None:
        self._limit = limit
        self._receive = receive
        self._send = send
        self._headers = headers
        self._octets = 0
        self.status = 0  # of the answer; 0: not begun
        asked = dict(scope["headers"])
        self.body_read = asked.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in asked

    async def receive(self) -> Message:
        """Receive the next piece of the body; raise BodyTooLong."""
        message = await self._receive()
        if message["type"] == "http.request":
            octets = len(message.get("body", b""))
            self._octets += octets
            self._put_off(octets)
            self.body_read = not message.get("more_body", False)
            if self._octets > self._limit:
                self.body_read = False
                raise BodyTooLong
        return message

    def _put_off(self, octets: int) -> None:
        if self.puts_off is not None and (end := self.puts_off.when()) and not self.puts_off.expired():
            self.puts_off.reschedule(end + octets / _SLOWEST)

    async def send(self, message: Message) -> None:
        """Send the next piece of the answer."""
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            message = {**message, "headers": self._with_ours(message.get("headers", ()))}
        await self._send(message)

    def _with_ours(self, headers: Iterable[Field]) -> list[Field]:
        """Return an answer's headers with those that it lacks."""
        there = {name.lower() for name, _ in headers}
        answered = [*headers, *(field for field in self._headers if field[0] not in there)]
        if self.body_read:
            return answered
        # Else the rest of the body could trickle in for ever.
        return [field for field in answered if field[0].lower() != b"connection"] + [_CLOSE]
