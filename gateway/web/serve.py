"""HTTP on a socket that somebody else bound: uvicorn, held on a short leash.

What it promises: signals stay with the composition root; nothing is logged about requests (paths hold
tokens); ``stop`` ends it within ``grace`` seconds; a client that opens a connection and says little, or takes
no answer, is cut off, which uvicorn does not do by itself, and so is who takes more places than its share
(gateway.web.places); a request that can be read in two ways is refused.
The protocol is h11's, for its strictness (docs/decisions/0018-one-click.md).
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from functools import partial
from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.parse import urlsplit

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.web.places import Places, Shares, turn_away

_HEAD_PATIENCE = 10.0  # seconds for a request's head to arrive
_HEAD_LIMIT = 16_384  # octets of a request's head
_KEEP_ALIVE = 5  # seconds between requests
_ANSWER_PATIENCE = 30.0  # seconds between two looks at whether an answer is taken
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"
)


class PatientH11(H11Protocol):
    """Closes a connection that has no place, or whose request's head is late, or whose answer is not taken.

    An answer that nobody reads would keep its connection, its octets and its task for ever: neither the
    guard's time nor a close ends them, because both wait for the octets to go.
    """

    head_patience = _HEAD_PATIENCE
    answer_patience = _ANSWER_PATIENCE
    _timer: asyncio.TimerHandle | None = None
    _look: asyncio.TimerHandle | None = None
    _seated = False

    def __init__(self, *arguments: Any, places: Places, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._places = places

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head, where there is a place."""
        peer = transport.get_extra_info("peername")
        if not self._places.enter(self, peer[0] if peer else ""):
            transport.write(_BUSY)
            transport.close()
            return
        self._seated = True
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
        self._note_turn()

    def on_response_complete(self) -> None:
        """It is the client's turn, unless it has asked already."""
        super().on_response_complete()
        self._note_turn()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting, and give the place back."""
        if not self._seated:
            return
        self._places.leave(self)
        self._enough()
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def give_way(self) -> None:
        """End at once: somebody else wants the place."""
        self.transport.abort()

    def _note_turn(self) -> None:
        """Whose head, or body, is not whole is waited for."""
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._places.waiting_for(self)
        else:
            self._places.answering(self)

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
            # RFC 9112 section 6.1: this is how a request is smuggled past a server in front; nobody can say
            # where the next one begins.
            await turn_away(send, HTTPStatus.BAD_REQUEST)
            return
        if not scope["path"].startswith("/"):
            # RFC 9112 section 3.2.2: a server takes the absolute form too.
            path = _path_of(scope["path"])
            if path is None:
                await turn_away(send, HTTPStatus.BAD_REQUEST)
                return
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)


def _path_of(target: str) -> str | None:
    """Return the path of an absolute form; None where it is no URL."""
    try:
        return urlsplit(target).path or "/"
    except ValueError:
        return None


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
    places: Places,
    grace: float = 5.0,
    listening: Callable[[], None] = _nothing,
) -> None:
    """Serve ``app`` on a bound socket until ``stop`` is set; the socket is closed at the end."""
    server = _Leashed(configured(app, grace, places), listening)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_stop_when(stop, server))
        await server.serve([sock])
        waiting.cancel()


def configured(app: ASGIApp, grace: float, places: Places) -> Config:
    """Return what uvicorn is to do, and what it is to leave."""
    return Config(
        Strict(Shares(app, places)),
        http=partial(PatientH11, places=places),  # type: ignore[arg-type]  # it is called, never looked into
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # gateway.web.client decides whom to believe
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=ceil(grace),
        h11_max_incomplete_event_size=_HEAD_LIMIT,
    )


async def _stop_when(stop: asyncio.Event, server: Server) -> None:
    await stop.wait()
    server.should_exit = True
