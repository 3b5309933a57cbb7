"""Who holds the places of one HTTP socket: so many in all, so many for each source.

What it promises: one source (an IPv4 address, a /64 of IPv6) never holds more than its share of the
connections, nor of the requests that are being answered; a proxy that we believe has no share of its own, its
requests count for the client that it names. When every place is taken, the connection that has kept us
waiting longest gives its place to whoever comes: a few hundred that say little, from however many addresses,
keep nobody out.
How it fails: where every place is held by a request that is being answered, newcomers hear 503.
"""

import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.ports import Meter
from gateway.settings.schema import WebSection
from gateway.web.client import client_address, is_trusted, source_of

log = structlog.get_logger(__name__)

CONNECTIONS = 512
_COME_BACK = b"5"  # seconds
_LOG_EVERY = 10.0  # seconds, for each reason
_NOBODY = ""  # the source that is not counted


class Guest(Protocol):
    """A connection."""

    def give_way(self) -> None:
        """End at once."""
        ...


class Places:
    """Of one socket. ``settings``: asked each time, so a reload shows."""

    def __init__(
        self,
        settings: Callable[[], WebSection],
        meter: Meter,
        connections: int = CONNECTIONS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._meter = meter
        self._monotonic = monotonic
        self.connections = connections
        self._seated: dict[Guest, str] = {}
        self._of_source: Counter[str] = Counter()
        self._waited_for: dict[Guest, None] = {}  # the one first that has kept us waiting longest
        self._answering: Counter[str] = Counter()
        self._requests = 0  # being answered
        self._log_again: dict[str, float] = {}  # reason: when the log hears of it again

    def enter(self, guest: Guest, peer: str) -> bool:
        """Give a new connection its place, or say that there is none for it."""
        settings = self._settings()
        source = _NOBODY if is_trusted(peer, settings.forwarded_from) else source_of(peer)
        if source != _NOBODY and self._of_source[source] >= settings.connections_per_source:
            self._refuse("source", source)
            return False
        if len(self._seated) >= self.connections and not self._make_room():
            self._refuse("full", source)
            return False
        self._seated[guest] = source
        self._of_source[source] += 1
        self._waited_for[guest] = None
        return True

    def waiting_for(self, guest: Guest) -> None:
        """Note that it is the client's turn to say something; how long it has been so already counts."""
        if guest in self._seated:
            self._waited_for.setdefault(guest)

    def answering(self, guest: Guest) -> None:
        """Note that it is our turn."""
        self._waited_for.pop(guest, None)

    def leave(self, guest: Guest) -> None:
        """Take the place back, once."""
        self._waited_for.pop(guest, None)
        source = self._seated.pop(guest, None)
        if source is None:
            return
        self._of_source[source] -= 1
        if not self._of_source[source]:
            del self._of_source[source]

    def begin(self, source: str) -> HTTPStatus | None:
        """Count a request of a source, or return the status that refuses it."""
        if self._requests >= self.connections:
            # It may have more requests than connections: work goes on when its client has left.
            self._refuse("full", source)
            return HTTPStatus.SERVICE_UNAVAILABLE
        share = self._settings().connections_per_source
        if source != _NOBODY and self._answering[source] >= share:
            self._refuse("requests", source)
            return HTTPStatus.TOO_MANY_REQUESTS
        self._answering[source] += 1
        self._requests += 1
        return None

    def end(self, source: str) -> None:
        """Count it out."""
        self._requests -= 1
        self._answering[source] -= 1
        if not self._answering[source]:
            del self._answering[source]

    def source(self, scope: Scope) -> str:
        """Return whose a request is: the client that a proxy of ours names; "" where it names none."""
        peer = scope["client"][0] if scope["client"] else ""
        trusted = self._settings().forwarded_from
        if not is_trusted(peer, trusted):
            return source_of(peer)
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        client = client_address(peer, forwarded.decode("latin-1"), trusted)
        return _NOBODY if is_trusted(client, trusted) else source_of(client)

    def _make_room(self) -> bool:
        guest = next(iter(self._waited_for), None)
        if guest is None:
            return False
        self.leave(guest)
        self._meter.count("web_connections_denied_total", reason="idle")
        guest.give_way()
        return True

    def _refuse(self, reason: str, source: str) -> None:
        self._meter.count("web_connections_denied_total", reason=reason)
        now = self._monotonic()
        if now >= self._log_again.get(reason, now):  # a flood must not fill the disk with its log
            self._log_again[reason] = now + _LOG_EVERY
            log.warning("turned away from the web port", reason=reason, client=source)


class Shares:
    """ASGI middleware: a source has its share of the requests in progress, also behind a proxy of ours."""

    def __init__(self, app: ASGIApp, places: Places) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; it counts until its work has ended, whether or not its client still waits."""
        source = self._places.source(scope)
        refused = self._places.begin(source)
        if refused is not None:
            await turn_away(send, refused)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._places.end(source)


async def turn_away(send: Send, status: HTTPStatus) -> None:
    """Answer with nothing but a status, and close: what follows on the connection is not read."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    if status is not HTTPStatus.BAD_REQUEST:
        headers.append((b"retry-after", _COME_BACK))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": b""})
