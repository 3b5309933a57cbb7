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
BAD_BODY = Problem(
    "bad-body",
    HTTPStatus.BAD_REQUEST,
    "The body is not as it must be",
    "Send one JSON object (RFC 8259) in UTF-8: no member twice, no NaN, no deep nesting. 'errors' names each "
    "member that is wrong; openapi.json describes them all.",
)
WRONG_TYPE = Problem(
    "wrong-media-type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "The body is of another type",
    "Send it with the Content-Type that openapi.json names for this request.",
)
BAD_REQUEST_KEY = Problem(
    "bad-idempotency-key",
    HTTPStatus.BAD_REQUEST,
    "The Idempotency-Key is not as it must be",
    "Send one string of 1 to 64 letters, digits, '-', '_', '.' and ':', made anew for each change: "
    'Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324".',
)
REUSED_REQUEST_KEY = Problem(
    "idempotency-key-reused",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The Idempotency-Key came with another request before",
    "A key is for one request and its repetitions, for a day. Make another one for another request.",
)
RUNNING = Problem(
    "still-running",
    HTTPStatus.CONFLICT,
    "The same request is being answered",
    "Wait a moment and send it again, with the same Idempotency-Key: you get the answer of the first one.",
)
ANSWER_ERASED = Problem(
    "answer-erased",
    HTTPStatus.GONE,
    "The request was done, and its answer is erased",
    "It named a person of whom everything was erased since. Nothing was done now. Do not send it again.",
)
UNKNOWN_LIST = Problem(
    "unknown-list",
    HTTPStatus.NOT_FOUND,
    "The account has no such list",
    "GET /api/v1/lists has all that there are. A list is named by its List-Id, without brackets.",
)
LIST_EXISTS = Problem(
    "list-exists",
    HTTPStatus.CONFLICT,
    "The account has a list of that List-Id already",
    "Capitals make no difference. PATCH changes what a list says of itself.",
)
TOO_MANY_LISTS = Problem(
    "too-many-lists",
    HTTPStatus.CONFLICT,
    "The account has as many lists as it may",
    "Delete one with which nothing has happened, or ask the provider.",
)
FOREIGN_LIST = Problem(
    "foreign-list-id",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The List-Id lies in no domain of the account",
    "RFC 2919 section 2: it ends in a domain of yours, one that the provider has verified for the account.",
)
BAD_WORDS = Problem(
    "bad-words",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "A text breaks its rules",
    "'detail' says which. What a list says of itself stands on pages and in letters, in one line each.",
)
LIST_IN_USE = Problem(
    "list-in-use",
    HTTPStatus.CONFLICT,
    "Something has happened with the list",
    "Links in mail lead out of it, for ever, and its consents are on record: it stays. Only a list that was "
    "never used can be deleted.",
)
BAD_ADDRESS = Problem(
    "bad-address",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "This is no mail address",
    "RFC 5321 section 4.1.2, without a name and without angle brackets.",
)
CONSENT_LEVEL = Problem(
    "double-opt-in-only",
    HTTPStatus.FORBIDDEN,
    "The account may add subscribers by double opt-in only",
    "Send the mode 'double-opt-in'; or ask the provider whether your own statement, with evidence, will do.",
)
HAS_LEFT = Problem(
    "has-left",
    HTTPStatus.CONFLICT,
    "The person has left, and only they can come back",
    "No statement brings back who unsubscribed, bounced or complained. The mode 'double-opt-in' asks them.",
)
NOT_SUBSCRIBED = Problem(
    "not-subscribed",
    HTTPStatus.NOT_FOUND,
    "The address is not on the list, and never was",
    "POST /api/v1/subscriptions/lookup says on which lists of the account an address stands.",
)
SUSPENDED = Problem(
    "suspended",
    HTTPStatus.FORBIDDEN,
    "The account may not write to anybody now",
    "The provider's people have stopped it, and can tell you why.",
)
ADDITIONS_HELD = Problem(
    "additions-held",
    HTTPStatus.TOO_MANY_REQUESTS,
    "The last additions look as if nobody had asked for them",
    "No more are taken until the provider's people have looked. Many at once belong into an import.",
)
UNKNOWN_IMPORT = Problem(
    "unknown-import",
    HTTPStatus.NOT_FOUND,
    "The account has no such import",
    "GET /api/v1/imports has all that there are.",
)
TOO_MANY_IMPORTS = Problem(
    "too-many-imports",
    HTTPStatus.CONFLICT,
    "The account has as many imports under way as it may",
    "Wait until one of them has ended. One whose file never comes is given up after a week.",
)
IMPORT_MOVED = Problem(
    "import-moved",
    HTTPStatus.CONFLICT,
    "The import takes no file now",
    "Its rows are all there already, or another request is bringing them. GET it to see how it stands.",
)
UNREADABLE_FILE = Problem(
    "unreadable-file",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "Nothing can be made of the file",
    "'detail' says why. An import that could not begin to be read has ended; begin another one.",
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
_BY_STATUS = {
    one.status: one
    for one in (
        BAD_PARAMETER,
        INVALID_KEY,
        MISSING_SCOPE,
        NOT_FOUND,
        BAD_METHOD,
        WRONG_TYPE,
        TOO_MANY,
        TOO_LONG,
        TOO_SLOW,
        INTERNAL,
        UNAVAILABLE,
    )
}


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
