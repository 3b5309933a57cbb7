"""The one-click POST of RFC 8058, by the shortest way: it stands before the pages and answers nothing else.

A mailbox provider posts on behalf of its user, and a large mailing brings thousands of such POSTs at once.
So this is a bare ASGI application between the guard and the pages. A genuine link and the right body are
answered here; everything else (a GET, the page's own button, a link that is not genuine, somebody unknown)
goes on to the pages with its body as it came, and they give the one answer that everyone hears who is wrong.

What it promises: 200 means that the subscription has ended, durably and from now on; no redirect, no cookie,
no login; any number of POSTs is as good as one. How it fails: StoreAway, which the guard turns into a 503
with Retry-After; a body that is too long or does not come is the guard's matter too.
"""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.model.ledger import SUBSCRIBER, Origin
from gateway.model.token import BadToken, Purpose, Token, unseal
from gateway.ports import Clock, Meter
from gateway.settings.schema import WebSection
from gateway.web.client import client_address
from gateway.web.form import BadForm, is_one_click, read_fields
from gateway.web.leaving import AlreadyUnsubscribed, Unknown, Unsubscribed, Via

log = structlog.get_logger(__name__)

_PLACE = "/u/"
_URLENCODED = re.compile(rb"List-Unsubscribe=One-Click(?:\r?\n)?")
# Nobody may read it; who does, sees what happened.
_BODY = b"Unsubscribed.\n"
_START: Message = {
    "type": "http.response.start",
    "status": int(HTTPStatus.OK),
    "headers": [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(_BODY)).encode("ascii")),
    ],
}


class Departing(Protocol):
    """The consent book, as a one-click POST sees it."""

    async def leave(
        self,
        account_id: int,
        list_id: int,
        address_hash: bytes,
        submission: bytes,
        *,
        now: float,
        origin: Origin,
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        """End the subscription, by a link of a submission (16 octets); durable when it returns.

        Raise StoreAway.
        """
        ...


class OneClick:
    """ASGI middleware before the pages. ``keys`` and ``settings`` are asked at each request."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        departing: Departing,
        keys: Callable[[], Mapping[int, bytes]],
        clock: Clock,
        meter: Meter,
        settings: Callable[[], WebSection],
    ) -> None:
        self._app = app
        self._departing = departing
        self._keys = keys
        self._clock = clock
        self._meter = meter
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a one-click POST, or pass the request on."""
        token = self._token(scope)
        if token is None:
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is not None and await _is_one_click(scope, body) and await self._leave(token, scope):
            await send(_START)
            await send({"type": "http.response.body", "body": _BODY})
            return
        await self._app(scope, _again(body, receive), send)

    def _token(self, scope: Scope) -> Token | None:
        """Return what the link names, if this is a POST of a genuine one."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(_PLACE):
            return None
        try:
            return unseal(scope["path"][len(_PLACE) :], self._keys(), Purpose.UNSUBSCRIBE)
        except BadToken:
            return None

    async def _leave(self, token: Token, scope: Scope) -> bool:
        """End the subscription; False where there is none."""
        origin = self._origin(scope)
        outcome = await self._departing.leave(
            token.account_id,
            token.list_id,
            token.address_hash,
            token.submission,
            now=self._clock.now(),
            origin=origin,
        )
        if isinstance(outcome, Unsubscribed):
            self._meter.count("unsubscribes_total", via=Via.ONE_CLICK.value)
            log.info(
                "unsubscribed",
                account=token.account_id,
                list=token.list_id,
                client=origin.ip,
                via=Via.ONE_CLICK.value,
            )
        return not isinstance(outcome, Unknown)

    def _origin(self, scope: Scope) -> Origin:
        """Return who asks, for the consent ledger: most often a mailbox provider, for its user."""
        program = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
        return Origin(SUBSCRIBER, Via.ONE_CLICK.value, self._client(scope), program.decode("latin-1"))

    def _client(self, scope: Scope) -> str:
        forwarded = b",".join([value for name, value in scope["headers"] if name == b"x-forwarded-for"])
        peer = scope["client"][0] if scope.get("client") else ""
        return client_address(peer, forwarded.decode("latin-1"), self._settings().forwarded_from)


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, which the guard keeps within its limit; None: the client has gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


async def _is_one_click(scope: Scope, body: bytes) -> bool:
    """Whether a body says that it is one, in either of the forms that RFC 8058 section 3.2 allows."""
    headers = Headers(scope=scope)
    if _URLENCODED.fullmatch(body) and "multipart" not in headers.get("content-type", ""):
        return True  # what nearly everyone sends
    try:
        return is_one_click(await read_fields(headers, body))
    except BadForm:
        return False


def _again(body: bytes | None, receive: Receive) -> Receive:
    """Give the body that was read once more, then what comes after it."""
    left = [] if body is None else [body]

    async def replay() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return replay
