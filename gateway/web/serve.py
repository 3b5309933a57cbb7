"""HTTP on a socket that somebody else bound: uvicorn, held on a short leash.

What it promises: signals stay with the composition root; nothing is logged about requests (paths hold
tokens); ``stop`` ends it within ``grace`` seconds; a client that opens a connection and says little, or takes
no answer, is cut off, which uvicorn does not do by itself; a request that can be read in two ways is refused.
The protocol is h11's, for its strictness (docs/decisions/0018-one-click.md).
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from http import HTTPStatus
from math import ceil
from urllib.parse import urlsplit

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

_HEAD_PATIENCE = 10.0  # seconds for a request's head to arrive
_HEAD_LIMIT = 16_384  # octets of a request's head
_KEEP_ALIVE = 5  # seconds between requests
_ANSWER_PATIENCE = 30.0  # seconds between two looks at whether an answer is taken
_CONNECTIONS = 512


class PatientH11(H11Protocol):
    """Closes a connection on which a request's head does not arrive in time, or an answer is not taken.

    An answer that nobody reads would keep its connection, its octets and its task for ever: neither the
    guard's time nor a close ends them, because both wait for the octets to go.
    """

    head_patience = _HEAD_PATIENCE
    answer_patience = _ANSWER_PATIENCE
    _timer: asyncio.TimerHandle | None = None
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()
        self._look = self.loop.call_later(self.answer_patience, self._look_at_answer, 0)

    def data_received(self, data: bytes) -> None:
        """Wait on when the head is not whole yet; a byte now and then buys no time."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._wait()
        else:
            self._enough()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._enough()
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_patience, self._give_up)

    def _enough(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()

    def _look_at_answer(self, before: int) -> None:
        """Cut off a client that has taken nothing since the look before, when so many octets waited."""
        left = self.transport.get_write_buffer_size()
        if before and left >= before:
            self.transport.abort()
        else:
            self._look = self.loop.call_later(self.answer_patience, self._look_at_answer, left)


class Strict:
    """ASGI middleware: what two readers of one request could understand in two ways is not served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that has one meaning."""
        if scope["type"] != "http":
            return
        names = {name for name, _ in scope["headers"]}
        if b"transfer-encoding" in names and b"content-length" in names:
            # RFC 9112 section 6.1: this is how a request is smuggled past a server in front.
            await _refuse(send)
            return
        if not scope["path"].startswith("/"):
            # RFC 9112 section 3.2.2: a server takes the absolute form too.
            path = _path_of(scope["path"])
            if path is None:
                await _refuse(send)
                return
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)


def _path_of(target: str) -> str | None:
    """Return the path of an absolute form; None where it is no URL."""
    try:
        return urlsplit(target).path or "/"
    except ValueError:
        return None


async def _refuse(send: Send) -> None:
    """Answer 400 and close: nobody can say where the next request begins."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": int(HTTPStatus.BAD_REQUEST), "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class _Leashed(Server):
    """Leaves the signals alone, and says when it listens."""

    def __init__(self, config: Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none: they are the composition root's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        self._listening()


def _nothing() -> None:
    """Tell nobody."""


async def serve(
    app: ASGIApp,
    sock: socket.socket,
    stop: asyncio.Event,
    *,
    grace: float = 5.0,
    connections: int = _CONNECTIONS,
    listening: Callable[[], None] = _nothing,
) -> None:
    """Serve ``app`` on a bound socket until ``stop`` is set; the socket is closed at the end."""
    server = _Leashed(configured(app, grace, connections), listening)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_stop_when(stop, server))
        await server.serve([sock])
        waiting.cancel()


def configured(app: ASGIApp, grace: float, connections: int) -> Config:
    """Return what uvicorn is to do, and what it is to leave."""
    return Config(
        Strict(app),
        http=PatientH11,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # gateway.web.client decides whom to believe
        limit_concurrency=connections,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=ceil(grace),
        h11_max_incomplete_event_size=_HEAD_LIMIT,
    )


async def _stop_when(stop: asyncio.Event, server: Server) -> None:
    await stop.wait()
    server.should_exit = True
