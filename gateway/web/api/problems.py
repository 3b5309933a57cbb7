"""What can be wrong with a request, as RFC 9457 wants it said: one table, one form.

``type`` leads to a page that says more. The same words go out whatever the cause: what would help to guess
at keys or at other accounts is not in them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse, PlainTextResponse, Response

from gateway.settings.schema import WebSection

ROOT = "/api/v1"
MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER = 30  # seconds


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of trouble."""

    name: str
    status: HTTPStatus
    title: str
    more: str  # what to do about it


INVALID_KEY = Problem(
    "invalid-key",
    HTTPStatus.UNAUTHORIZED,
    "The request has no API key that is good",
    "Send 'Authorization: Bearer ck_...' with a key that was made for this gateway and is not revoked.",
)
MISSING_SCOPE = Problem(
    "missing-scope",
    HTTPStatus.FORBIDDEN,
    "The API key is not for this",
    "The key is good, but was made without the scope that WWW-Authenticate names. Ask for one that has it.",
)
BAD_PARAMETER = Problem(
    "bad-parameter",
    HTTPStatus.BAD_REQUEST,
    "A parameter is not as it must be",
    "'errors' names each parameter and what it must be; openapi.json describes them all.",
)
BAD_CURSOR = Problem(
    "bad-cursor",
    HTTPStatus.BAD_REQUEST,
    "The cursor was not given out for this account",
    "Send what 'next' was in an earlier answer, unchanged, or leave 'after' out to begin with the oldest.",
)
NOT_FOUND = Problem(
    "not-found", HTTPStatus.NOT_FOUND, "There is nothing here", "openapi.json has every path that there is."
)
BAD_METHOD = Problem(
    "bad-method",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "The path does not know this method",
    "The header Allow names those that it knows.",
)
TOO_MANY = Problem(
    "too-many-requests",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many requests",
    "Wait the seconds that Retry-After names. With 'wait' fewer requests see new events sooner.",
)
TOO_LONG = Problem(
    "too-long",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The body is too long",
    "Send less at once.",
)
TOO_SLOW = Problem(
    "too-slow", HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time", "Send it without pauses."
)
INTERNAL = Problem(
    "internal",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong here",
    "It is our fault and in our log. The same request may work later.",
)
UNAVAILABLE = Problem(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "A service that is needed is away",
    "Try again after the seconds that Retry-After names.",
)

TABLE: Mapping[str, Problem] = {one.name: one for one in globals().values() if isinstance(one, Problem)}
# Where the guard or the framework knows the status only.
_BY_STATUS = {one.status: one for one in TABLE.values() if one is not BAD_CURSOR}


class ApiProblem(Exception):
    """Ends a request with a problem. ``extra``: members beside those of RFC 9457 section 3.1."""

    def __init__(
        self,
        problem: Problem,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.headers = headers or {}
        self.extra = extra or {}


class Problems:
    """Makes the answers."""

    def __init__(self, settings: Callable[[], WebSection]) -> None:
        self._settings = settings

    def answer(
        self,
        problem: Problem,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> Response:
        """Return the answer (RFC 9457 section 3)."""
        body = {
            "type": f"{self._settings().public_url}{ROOT}/problems/{problem.name}",
            "title": problem.title,
            "status": int(problem.status),
            **(extra or {}),
        }
        if problem is UNAVAILABLE:
            headers = {"Retry-After": str(_RETRY_AFTER), **(headers or {})}
        return JSONResponse(body, problem.status, dict(headers or {}), MEDIA_TYPE)

    def of_status(self, status: HTTPStatus) -> Response:
        """Return the answer for a status that the guard or the framework has found."""
        return self.answer(_BY_STATUS.get(status, INTERNAL))


def page(name: str) -> Response:
    """Return what a problem's type leads to."""
    found = TABLE.get(name)
    if found is None:
        raise ApiProblem(NOT_FOUND)
    return PlainTextResponse(f"{found.title} ({int(found.status)}).\n\n{found.more}\n")
