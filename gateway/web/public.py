"""The pages behind the links: leaving a list, and reporting mail.

What it promises: GET and HEAD never change anything, whatever follows the path; a POST of RFC 8058 ends the
subscription at once, without a further step, a redirect or a cookie; the page's one button does the same.
A token that is malformed, forged, meant for another page or about something that is gone gets one answer.
How it fails: a store that is away is a 503 with Retry-After; nothing is said to be done that is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import anyio.to_thread
import structlog
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from gateway.model.token import BadToken, Purpose, Token, unseal
from gateway.ports import Clock, Meter
from gateway.settings.schema import WebSection
from gateway.web.client import client_address
from gateway.web.form import BadForm, asked, is_confirmed, read_fields, words
from gateway.web.guard import TIME_LIMIT, Guard
from gateway.web.leaving import Leaving, Names, Unknown, Unsubscribed, Via
from gateway.web.oneclick import Departing, OneClick
from gateway.web.pages import Pages

log = structlog.get_logger(__name__)

TokenKeys = Callable[[], Mapping[int, bytes]]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers the requests; one for each web process."""

    leaving: Leaving
    keys: TokenKeys
    clock: Clock
    meter: Meter
    settings: Callable[[], WebSection]
    pages: Pages

    async def show_leave(self, token: str) -> Response:
        """GET and HEAD of an unsubscribe link: the question. It changes nothing."""
        _, names = await self._open(token, Purpose.UNSUBSCRIBE)
        return self.pages.leave(names)

    async def leave(self, token: str, request: Request) -> Response:
        """POST of an unsubscribe link: one-click, or the page's button."""
        opened, names = await self._open(token, Purpose.UNSUBSCRIBE)
        via = asked(await _fields(request))
        if via is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        outcome = await _in_thread(
            partial(
                self.leaving.unsubscribe,
                opened.account_id,
                opened.list_id,
                opened.address_hash,
                self.clock.now(),
                via,
            )
        )
        if isinstance(outcome, Unknown):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if isinstance(outcome, Unsubscribed):
            self.meter.count("unsubscribes_total", via=via.value)
            self._log("unsubscribed", opened, request, via=via.value)
        if via is Via.ONE_CLICK:
            # RFC 8058 section 3.1: no redirect, no cookie; a machine reads this, if anyone does.
            return PlainTextResponse("Unsubscribed.\n")
        return self.pages.left(names, outcome)

    async def show_report(self, token: str) -> Response:
        """GET and HEAD of a report link: the question. It changes nothing."""
        _, names = await self._open(token, Purpose.REPORT)
        return self.pages.report(names)

    async def report(self, token: str, request: Request) -> Response:
        """POST of a report link: the page's button."""
        opened, names = await self._open(token, Purpose.REPORT)
        fields = await _fields(request)
        if not is_confirmed(fields):
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        outcome = await _in_thread(
            partial(
                self.leaving.report,
                opened.account_id,
                opened.list_id,
                opened.address_hash,
                opened.submission,
                now=self.clock.now(),
                words=words(fields),
            )
        )
        if isinstance(outcome, Unknown):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        self.meter.count("abuse_reports_total")
        self._log("mail reported", opened, request)
        return self.pages.reported(names)

    async def home(self) -> Response:
        """GET of the root: what this place is."""
        return self.pages.home()

    async def _open(self, text: str, purpose: Purpose) -> tuple[Token, Names]:
        """Return what a link names; anything wrong with it is one and the same 404."""
        try:
            token = unseal(text, self.keys(), purpose)
        except BadToken:
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
        names = await _in_thread(partial(self.leaving.names, token.account_id, token.list_id))
        if names is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return token, names

    def _log(self, event: str, token: Token, request: Request, **more: str) -> None:
        peer = request.client.host if request.client else ""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        client = client_address(peer, forwarded, self.settings().forwarded_from)
        log.info(event, account=token.account_id, list=token.list_id, client=client, **more)


async def _in_thread(call: Callable[[], _T]) -> _T:
    """Run a blocking call; when the guard's time is over it is left alone, and what it does still counts."""
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)


async def _fields(request: Request) -> dict[str, str]:
    try:
        return await read_fields(request.headers, await request.body())
    except BadForm:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None


async def _robots() -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


async def _no_icon() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)


def build_public(
    leaving: Leaving,
    keys: TokenKeys,
    clock: Clock,
    meter: Meter,
    settings: Callable[[], WebSection],
    *,
    departing: Departing,
    time_limit: float = TIME_LIMIT,
) -> FastAPI:
    """Return the public application. ``keys``, ``settings``: asked at each request, so a reload shows."""
    pages = Pages()
    desk = Desk(leaving, keys, clock, meter, settings, pages)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    reading = {"methods": ["GET", "HEAD"], "response_model": None}
    writing = {"methods": ["POST"], "response_model": None}
    app.add_api_route("/u/{token}", desk.show_leave, **reading)  # type: ignore[arg-type]
    app.add_api_route("/u/{token}", desk.leave, **writing)  # type: ignore[arg-type]
    app.add_api_route("/r/{token}", desk.show_report, **reading)  # type: ignore[arg-type]
    app.add_api_route("/r/{token}", desk.report, **writing)  # type: ignore[arg-type]
    app.add_api_route("/", desk.home, **reading)  # type: ignore[arg-type]
    app.add_api_route("/robots.txt", _robots, **reading)  # type: ignore[arg-type]
    app.add_api_route("/favicon.ico", _no_icon, **reading)  # type: ignore[arg-type]

    async def problem(_request: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
        return pages.problem(status)

    app.add_exception_handler(HTTPException, problem)
    app.add_middleware(OneClick, departing=departing, keys=keys, clock=clock, meter=meter, settings=settings)
    app.add_middleware(
        Guard, meter=meter, problem=pages.problem, headers=pages.headers, time_limit=time_limit
    )
    return app
