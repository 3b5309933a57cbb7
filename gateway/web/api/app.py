"""The API's application: routes, problems, openapi.json.

What it promises: every answer that is no success is a problem of RFC 9457, whoever found it (a route, the
framework, the guard); openapi.json says what can come. The same guard as before the pages keeps the limits.
It is an application of its own beside the pages: neither's errors and headers are the other's.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.model.reply import PublicError
from gateway.ports import Meter
from gateway.settings.schema import WebSection
from gateway.web.api.desks import Desks
from gateway.web.api.imports import is_file
from gateway.web.api.problems import (
    BAD_BODY,
    BAD_PARAMETER,
    ROOT,
    UNAVAILABLE,
    ApiProblem,
    Problems,
    page,
)
from gateway.web.api.routes import add_routes
from gateway.web.api.schema import EXAMPLE, ProblemBody
from gateway.web.guard import Guard

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
_MOST_ERRORS = 20  # that an answer names: a query may have thousands
_SECURITY = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "ck_ID_SECRET"}}
_DESCRIPTION = (
    "What programs of tenants can ask the gateway. A key (`Authorization: Bearer ck_...`) belongs to one "
    "account and has scopes. Every error is a problem of RFC 9457."
)


def build_api(
    desks: Desks, meter: Meter, settings: Callable[[], WebSection], file_size: Callable[[], int]
) -> FastAPI:
    """Return the application at /api/v1."""
    problems = Problems(settings)
    app = FastAPI(
        title="Consentry", version="1", description=_DESCRIPTION, redirect_slashes=False,
        openapi_url=f"{ROOT}/openapi.json", docs_url=None, redoc_url=None,
    )  # fmt: skip
    add_routes(app, desks)
    app.add_api_route(
        f"{ROOT}/problems/{{name}}", page, methods=["GET"], include_in_schema=False, response_model=None
    )
    _handle(app, problems)
    document = lru_cache(maxsize=1)(partial(_openapi, app))  # 30 ms to make, and anybody may ask for it
    app.openapi = lambda: document(settings().public_url)  # type: ignore[method-assign]
    app.add_middleware(
        Guard,
        meter=meter,
        problem=lambda status, _scope: problems.of_status(status),
        headers=_HEADERS,
        file=lambda scope: file_size() if is_file(scope) else 0,
    )
    app.add_middleware(_Counted, meter=meter)  # outside of it: the guard's own answers count too
    return app


def _handle(app: FastAPI, problems: Problems) -> None:
    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiProblem)
        return problems.answer(error.problem, error.headers, error.extra)

    async def parameters(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = error.errors()[:_MOST_ERRORS]
        wrong = [{"parameter": _place(one["loc"]), "detail": one["msg"]} for one in found]
        in_body = any(one["loc"][0] == "body" for one in found)
        return problems.answer(BAD_BODY if in_body else BAD_PARAMETER, extra={"errors": wrong})

    async def framework(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = problems.of_status(HTTPStatus(error.status_code))
        answer.headers.update(error.headers or {})
        return answer

    async def away(_request: Request, _error: Exception) -> Response:
        return problems.answer(UNAVAILABLE)

    app.add_exception_handler(ApiProblem, ours)
    app.add_exception_handler(RequestValidationError, parameters)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(PublicError, away)


def _place(where: Sequence[int | str]) -> str:
    """Return the name of a parameter, or the way to a member of the body."""
    steps = where[1:] if where[0] == "body" else where[1:2]
    return ".".join(str(step) for step in steps)[:100]


def _openapi(app: FastAPI, public_url: str) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": public_url}],
    )
    parts = document.setdefault("components", {})
    parts["securitySchemes"] = _SECURITY
    parts["schemas"]["Problem"] = ProblemBody.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):  # the framework's own, which nobody gets
        parts["schemas"].pop(name, None)
    parts["schemas"]["Events"]["examples"] = [EXAMPLE]  # here: the framework would leave out what is null
    return document


class _Counted:
    """ASGI middleware: counts the API's requests by route and code."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        code = "none"

        async def watched(message: Any) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # A route's own template: a fixed word, where a path may be anything.
            route = str(getattr(scope.get("route"), "path", "other")).removeprefix(ROOT)
            self._meter.count("api_requests_total", route=route, code=code)


class Doors:
    """ASGI: the API behind its path, the pages behind every other."""

    def __init__(self, pages: ASGIApp, api: ASGIApp) -> None:
        self._pages = pages
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the application that it is for."""
        is_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (self._api if is_api else self._pages)(scope, receive, send)
