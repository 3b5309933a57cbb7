"""The public application: which address leads to whom.

What it promises: GET and HEAD never change anything, whatever follows the path; a POST of RFC 8058 ends the
subscription at once, without a further step, a redirect or a cookie; every other POST is a button of a page.
A token that is malformed, forged, meant for another page or about something that is gone gets one answer.
How it fails: a store that is away is a 503 with Retry-After; nothing is said to be done that is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from gateway.model.token import Purpose
from gateway.pipeline.links import Links
from gateway.ports import Clock, Entropy, Meter, Quota
from gateway.settings.schema import RecommendationSection, SignupSection, WebSection
from gateway.web.desk import Desk
from gateway.web.door import Door, TokenKeys
from gateway.web.form import BadForm, read_fields
from gateway.web.guard import TIME_LIMIT, Guard
from gateway.web.join_pages import JoinPages
from gateway.web.joindesk import JoinDesk
from gateway.web.joining import Joining
from gateway.web.leaving import Leaving
from gateway.web.oneclick import Departing, OneClick
from gateway.web.pages import Pages
from gateway.web.recommend_desk import RecommendDesk
from gateway.web.recommend_pages import RecommendPages
from gateway.web.recommending import Recommending
from gateway.web.wall import Wall

_EVEN = 0.15  # longer than the store takes for any of them


@dataclass(frozen=True, slots=True)
class Means:
    """What the public application takes; what a reload swaps comes as a callable."""

    leaving: Leaving
    departing: Departing
    keys: TokenKeys  # all that check
    links: Callable[[], Links]  # the one that signs
    quota: Quota
    clock: Clock
    meter: Meter
    settings: Callable[[], WebSection]
    letters_from: Callable[[], str]
    joining: Joining
    recommending: Recommending
    recommendation: Callable[[], RecommendationSection]
    signup: Callable[[], SignupSection]
    entropy: Entropy
    even: float = _EVEN  # seconds that an answer takes at least which must not tell who is on a list


@dataclass(frozen=True, slots=True)
class Counter:
    """Takes the POSTs, opens the link, reads the form, and hands both on."""

    door: Door
    desk: Desk
    joining: JoinDesk
    recommending: RecommendDesk

    async def leave(self, token: str, request: Request) -> Response:
        """POST of an unsubscribe link: a button of the page, or what OneClick has left over."""
        opened = self.door.open(token, Purpose.UNSUBSCRIBE, request)
        return await self.desk.leave(opened, request, await _fields(request))

    async def confirm(self, token: str, request: Request) -> Response:
        """POST of the link in our letter."""
        opened = self.door.open(token, Purpose.CONFIRM, request)
        return await self.desk.confirm(opened, request, await _fields(request))

    async def undo(self, token: str, request: Request) -> Response:
        """POST of an undo."""
        opened = self.door.open(token, Purpose.UNDO, request)
        return await self.desk.undo(opened, request, await _fields(request))

    async def report(self, token: str, request: Request) -> Response:
        """POST of a report link."""
        opened = self.door.open(token, Purpose.REPORT, request)
        return await self.desk.report(opened, request, await _fields(request))

    async def subscribe(self, account: str, mail_list: str, request: Request) -> Response:
        """POST of a list's form."""
        return await self.joining.take_form(account, mail_list, request, await _fields(request))

    async def answer(self, token: str, request: Request) -> Response:
        """POST of the link in the letter that asks who has signed up."""
        opened = self.door.open(token, Purpose.SIGNUP, request)
        return await self.joining.answer(opened, request, await _fields(request))

    async def recommend(self, token: str, request: Request) -> Response:
        """POST of a reader's recommendation."""
        opened = self.door.open(token, Purpose.RECOMMEND, request)
        return await self.recommending.take_form(opened, request, await _fields(request))

    async def never_again(self, token: str, request: Request) -> Response:
        """POST of an invitation's link."""
        opened = self.door.open(token, Purpose.INVITATION, request)
        return await self.recommending.answer(opened, request, await _fields(request))


async def _fields(request: Request) -> Mapping[str, str]:
    try:
        return await read_fields(request.headers, await request.body())
    except BadForm:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None


async def _robots() -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


async def _no_icon() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _join_desk(means: Means, door: Door, pages: Pages) -> JoinDesk:
    def signer() -> tuple[int, bytes]:
        links = means.links()
        return links.key_id, links.key

    wall = Wall(means.quota, means.clock, means.entropy, means.keys, signer, means.signup)
    return JoinDesk(
        means.joining,
        door,
        wall,
        means.clock,
        means.meter,
        means.links,
        means.signup,
        JoinPages(pages),
        means.even,
    )


def build_public(means: Means, *, time_limit: float = TIME_LIMIT) -> FastAPI:
    """Return the public application."""
    pages = Pages()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    _add_routes(app, _counter(means, pages))

    async def problem(request: Request, error: Exception) -> Response:
        status, headers = HTTPStatus.BAD_REQUEST, None
        if isinstance(error, HTTPException):
            status, headers = HTTPStatus(error.status_code), error.headers
        page = pages.problem(status, request.scope)
        page.headers.update(headers or {})
        return page

    app.add_exception_handler(HTTPException, problem)
    app.add_middleware(
        OneClick,
        departing=means.departing,
        keys=means.keys,
        clock=means.clock,
        meter=means.meter,
        settings=means.settings,
    )
    app.add_middleware(
        Guard, meter=means.meter, problem=pages.problem, headers=pages.headers, time_limit=time_limit
    )
    return app


def _counter(means: Means, pages: Pages) -> Counter:
    door = Door(means.keys, means.quota, means.clock, means.meter, means.settings)
    desk = Desk(
        means.leaving,
        door,
        means.clock,
        means.meter,
        means.settings,
        means.links,
        means.letters_from,
        pages,
        lambda: means.recommendation().offered,
    )
    joining = _join_desk(means, door, pages)
    recommending = RecommendDesk(
        means.recommending,
        door,
        joining.wall,
        means.quota,
        means.clock,
        means.meter,
        means.recommendation,
        RecommendPages(pages),
        means.even,
    )
    return Counter(door, desk, joining, recommending)


def _add_routes(app: FastAPI, counter: Counter) -> None:
    desk, joining, recommending = counter.desk, counter.joining, counter.recommending
    for path, answer in (
        ("/u/{token}", desk.show_leave),
        ("/c/{token}", desk.show_confirm),
        ("/z/{token}", desk.show_undo),
        ("/r/{token}", desk.show_report),
        ("/w/{token}", desk.show_why),
        ("/subscribe/{account}/{mail_list:path}", joining.show_form),
        ("/s/{token}", joining.show_question),
        ("/f/{token}", recommending.show_form),
        ("/i/{token}", recommending.show_invitation),
        ("/b/{name}", desk.logo),
        ("/", desk.home),
        ("/robots.txt", _robots),
        ("/favicon.ico", _no_icon),
    ):
        app.add_api_route(path, answer, methods=["GET", "HEAD"], response_model=None)
    for path, take in (
        ("/u/{token}", counter.leave),
        ("/c/{token}", counter.confirm),
        ("/z/{token}", counter.undo),
        ("/r/{token}", counter.report),
        ("/subscribe/{account}/{mail_list:path}", counter.subscribe),
        ("/s/{token}", counter.answer),
        ("/f/{token}", counter.recommend),
        ("/i/{token}", counter.never_again),
    ):
        app.add_api_route(path, take, methods=["POST"], response_model=None)
