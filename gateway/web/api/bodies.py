"""JSON as requests bring it, read strictly; and the key before the body.

What it promises: who has no good key with the right scope is told so before a body is read. A body is one
object of RFC 8259 in UTF-8: a member that is there twice, NaN, a lone surrogate or nesting beyond what any
request needs is an error, because two readers of such a text may read two things.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from gateway.model.api_key import Grant, Scope
from gateway.web.api.doorman import Doorman
from gateway.web.api.problems import BAD_BODY, WRONG_TYPE, ApiProblem

DEEPEST = 8  # brackets within brackets; no request of ours needs more than three
JSON = "application/json"

Handler = Callable[[Request], Awaitable[Response]]


class BadJson(ValueError):
    """The text is no JSON that two readers read alike; the message says why."""


class StrictRequest(Request):
    """A request whose JSON was read already."""

    content: Any = None

    async def json(self) -> Any:
        """Return the body as it was read."""
        return self.content


def keyed(doorman: Doorman, scope: Scope) -> type[APIRoute]:
    """Return the class of routes that are for keys with this scope; ``grant_of`` has the key then."""

    class Keyed(APIRoute):
        def get_route_handler(self) -> Any:
            return _guarded(super().get_route_handler(), doorman, scope)

    return Keyed


def grant_of(request: Request) -> Grant:
    """Return what the key of a request grants."""
    grant = request.state.grant
    assert isinstance(grant, Grant)
    return grant


def _guarded(inner: Handler, doorman: Doorman, scope: Scope) -> Handler:
    async def handle(request: Request) -> Response:
        strict = StrictRequest(request.scope, request.receive)
        strict.state.grant = await doorman.admit(strict, scope)
        if request.method in {"POST", "PATCH"}:
            strict.content = read_body(await strict.body(), request.headers.get("content-type", ""))
        return await inner(strict)

    return handle


def read_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the object of a body; raise ApiProblem."""
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise ApiProblem(WRONG_TYPE)
    try:
        return read_json(body)
    except BadJson as error:
        raise ApiProblem(BAD_BODY, extra={"detail": str(error)}) from None


def read_json(body: bytes) -> dict[str, Any]:
    """Return the object of a text; raise BadJson."""
    try:
        text = body.decode("utf-8")  # RFC 8259 section 8.1
    except UnicodeDecodeError:
        raise BadJson("it is not in UTF-8") from None
    _check_depth(text)
    try:
        found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except BadJson:
        raise
    except ValueError:  # a number with thousands of digits too
        raise BadJson("it is no JSON") from None
    if not isinstance(found, dict):
        raise BadJson("it is no object")
    _check_text(found)
    return found


def _check_depth(text: str) -> None:
    """Look at the brackets before the parser does, which would recurse into them."""
    depth = deepest = 0
    within = escaped = False
    for letter in text:
        if within:
            within, escaped = escaped or letter != '"', letter == "\\" and not escaped
        elif letter == '"':
            within = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    if deepest > DEEPEST:
        raise BadJson("it is nested too deeply")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # RFC 8259 section 4: what two readers make of it differs
        raise BadJson("a member is there twice")
    return found


def _no_constant(name: str) -> Any:
    raise BadJson(f"{name} is no JSON")


def _check_text(found: dict[str, Any]) -> None:
    """Refuse lone surrogates (RFC 8259 section 8.2): no text in UTF-8 can hold them."""
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadJson("it holds half a character") from None
