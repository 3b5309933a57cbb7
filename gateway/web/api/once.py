"""What changes something: done once for each Idempotency-Key, and answered alike each time.

What it promises (draft-ietf-httpapi-idempotency-key-header-06): the same key with the same request gets the
stored answer; with another request 422; while the first is running, 409. Keys belong to an account and are
kept for a day. Only what succeeded is stored: a refusal has changed nothing, and is found anew; where the
answer was erased with the person whom it named, a repetition gets 410 and does nothing. The change
and its answer are one transaction (docs/decisions/0024-api-writes.md).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import anyio.to_thread
from fastapi import Request
from starlette.responses import Response

from gateway.model.api_key import Grant
from gateway.ports import Clock, Meter
from gateway.web.api.bodies import JSON, grant_of
from gateway.web.api.holdings import Books
from gateway.web.api.problems import (
    ANSWER_ERASED,
    BAD_REQUEST_KEY,
    REUSED_REQUEST_KEY,
    RUNNING,
    ApiProblem,
)

HEADER = "Idempotency-Key"
_KEY = re.compile(r'"?([A-Za-z0-9._:-]{1,64})"?\Z', re.ASCII)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a change is answered with."""

    status: int
    body: Mapping[str, Any] | None = None
    location: str = ""

    def to_octets(self) -> bytes:
        """Return the answer as it may rest."""
        return json.dumps([self.status, self.body, self.location]).encode()

    @classmethod
    def of_octets(cls, octets: bytes) -> "Answer":
        """Return the answer that rested."""
        return cls(*json.loads(octets))

    def response(self) -> Response:
        """Return it as it goes out."""
        headers = {"Location": self.location} if self.location else {}
        if self.body is None:
            return Response(status_code=self.status, headers=headers)
        return Response(json.dumps(self.body), self.status, headers, JSON)


Work = Callable[[Books], Answer]
"""Changes something in an account's books; raises ApiProblem where it changes nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be done once."""

    account_id: int
    key: str
    content: bytes  # everything that makes it another request


@dataclass(frozen=True, slots=True)
class Told:
    """The answer; ``again``: it is that of the first time."""

    answer: Answer
    again: bool


class Reused:
    """The key was another request's."""


class Erased:
    """It was done, and its answer was erased with the person whom it named."""


class Ledgers(Protocol):
    """Does work on the books of accounts. The calls block."""

    def do(self, work: Work) -> Answer:
        """Do it."""
        ...

    def do_once(self, asked: Asked, work: Work, now: float) -> Told | Reused | Erased:
        """Do it unless it was done, and keep the answer with it."""
        ...


@dataclass(frozen=True, slots=True)
class Counter:
    """Where changes are asked for; one for each web process."""

    ledgers: Ledgers
    clock: Clock
    meter: Meter
    running: set[tuple[int, str]] = field(default_factory=set)

    async def serve(self, request: Request, work: Work) -> Response:
        """Do what a request wants, once."""
        key = _key_of(request)
        if key is None:
            return (await in_thread(partial(self.ledgers.do, work))).response()
        return await self._once(grant_of(request), key, await _content(request), work)

    async def ask(self, work: Callable[[Books], _T]) -> _T:
        """Read something; it blocks in a thread."""
        found: list[_T] = []

        def look(books: Books) -> Answer:
            found.append(work(books))
            return Answer(HTTPStatus.OK)

        await in_thread(partial(self.ledgers.do, look))
        return found[0]

    async def _once(self, grant: Grant, key: str, content: bytes, work: Work) -> Response:
        place = grant.account_id, key
        if place in self.running:
            self.meter.count("api_repetitions_total", result="running")
            raise ApiProblem(RUNNING, headers={"Retry-After": "1"})
        self.running.add(place)
        try:
            asked = Asked(grant.account_id, key, content)
            told = await in_thread(partial(self.ledgers.do_once, asked, work, self.clock.now()))
        finally:
            self.running.discard(place)
        if isinstance(told, Reused):
            self.meter.count("api_repetitions_total", result="reused")
            raise ApiProblem(REUSED_REQUEST_KEY)
        if isinstance(told, Erased):
            self.meter.count("api_repetitions_total", result="erased")
            raise ApiProblem(ANSWER_ERASED)
        if told.again:
            self.meter.count("api_repetitions_total", result="again")
        return told.answer.response()


async def in_thread(call: Callable[[], _T]) -> _T:
    """Run what blocks in a thread."""
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)


def _key_of(request: Request) -> str | None:
    """Return the request's own key; raise ApiProblem.

    The draft's form is a string of RFC 8941; many programs leave its quotes out.
    """
    brought = request.headers.getlist(HEADER)
    if not brought:
        return None
    match = _KEY.match(brought[0]) if len(brought) == 1 else None
    if match is None or brought[0].count('"') == 1:
        raise ApiProblem(BAD_REQUEST_KEY)
    return match[1]


async def _content(request: Request) -> bytes:
    line = f"{request.method} {request.url.path}?{request.url.query}\n"
    return line.encode() + await request.body()
