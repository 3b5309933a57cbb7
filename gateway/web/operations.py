"""Metrics and health over HTTP, on an address that is not public.

``/metrics`` is what Prometheus scrapes; ``/health/live`` says that this process answers; ``/health/ready``
runs the named checks side by side, each within its time, and is 503 when one of them fails. What a failed
check raised goes to the log; the answer has the kind of error only.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus

import anyio.to_thread
import structlog
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from gateway.ports import Meter
from gateway.web.guard import Guard

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[str]]
"""Returns a word about what it found, "" for none; raises when it is not well."""
Expose = Callable[[str], tuple[bytes, str]]
"""Takes an Accept header, gives a body and its content type; blocks."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    ok: bool
    detail: str
    seconds: float


def in_thread(look: Callable[[], str]) -> Check:
    """Make a check of a function that blocks."""

    async def check() -> str:
        return await anyio.to_thread.run_sync(look, abandon_on_cancel=True)

    return check


async def examine(checks: Mapping[str, Check], patience: float) -> dict[str, Finding]:
    """Run the checks side by side, each within ``patience`` seconds."""
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(_examine(name, check, patience)) for name, check in checks.items()}
    return {name: task.result() for name, task in tasks.items()}


async def _examine(name: str, check: Check, patience: float) -> Finding:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(patience):
            detail, ok = await check(), True
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        log.warning("health check failed", check=name, error=repr(error))
        detail, ok = type(error).__name__, False
    return Finding(ok, detail, round(time.perf_counter() - began, 4))


def build_metrics(
    expose: Expose, checks: Mapping[str, Check], meter: Meter, *, patience: float = 2.0
) -> FastAPI:
    """Return the operators' application. ``patience``: seconds for each check."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)

    async def metrics(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        body, content_type = await anyio.to_thread.run_sync(partial(expose, accept), abandon_on_cancel=True)
        return Response(body, headers={"Content-Type": content_type})

    async def live() -> Response:
        return JSONResponse({"status": "live"})

    async def ready() -> Response:
        findings = await examine(checks, patience)
        well = all(finding.ok for finding in findings.values())
        return JSONResponse(
            {
                "status": "ready" if well else "not ready",
                "checks": {name: asdict(finding) for name, finding in findings.items()},
            },
            HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    for path, answer in (("/metrics", metrics), ("/health/live", live), ("/health/ready", ready)):
        app.add_api_route(path, answer, methods=["GET", "HEAD"], response_model=None)
    app.add_middleware(Guard, meter=meter, problem=_problem, headers=_HEADERS, time_limit=patience + 10.0)
    return app


def _problem(status: HTTPStatus, _scope: Scope) -> Response:
    return PlainTextResponse(f"{status.phrase}\n", status)
