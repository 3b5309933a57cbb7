"""GET /api/v1/events: what happened to the account, page by page.

What it promises: whoever goes on with ``next`` misses nothing and sees nothing twice; with ``wait`` an answer
without events waits for the first one. Those who wait are few: beyond that they are answered at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, TypeVar

import anyio.to_thread
from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.model.api_key import Scope
from gateway.model.instant import rfc3339
from gateway.model.notice import ALL, Notice, NoticeType
from gateway.ports import BadCursor, EventFeed, Page, Tide
from gateway.web.api.doorman import Doorman
from gateway.web.api.problems import BAD_CURSOR, ApiProblem

LONGEST_WAIT = 15.0  # seconds; the guard ends a request at 20
_WAITING = 100  # requests that wait at once, of all accounts together
_WAITING_OF_ACCOUNT = 5

_T = TypeVar("_T")


class EventsQuery(BaseModel):
    """What can be asked for; a parameter that is not here is an error, because it may be a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field(
        "", max_length=200, description="'next' of an earlier answer; \"\": from the oldest on."
    )
    limit: int = Field(100, ge=1, le=1000, description="Events of one page, at most.")
    type: tuple[NoticeType, ...] = Field(
        (), max_length=len(NoticeType), description="Only these types; may be given several times."
    )
    wait: float = Field(
        0.0,
        ge=0,
        le=LONGEST_WAIT,
        allow_inf_nan=False,
        description="Seconds to wait for the first event where there is none yet.",
    )


@dataclass(slots=True)
class WaitingRoom:
    """Counts who waits, so that they cannot take every connection."""

    _seats: dict[asyncio.Timeout, int] = field(default_factory=dict)  # by account
    _closed: bool = False

    @asynccontextmanager
    async def seat(self, account_id: int, patience: float) -> AsyncIterator[None]:
        """Sit for some seconds; then, and where no seat is free, and when the room closes: TimeoutError."""
        here = sum(one == account_id for one in self._seats.values())
        if self._closed or here >= _WAITING_OF_ACCOUNT or len(self._seats) >= _WAITING:
            raise TimeoutError
        async with asyncio.timeout(patience) as bound:
            self._seats[bound] = account_id
            try:
                yield
            finally:
                del self._seats[bound]

    def close(self) -> None:
        """Let nobody wait any more: the process ends."""
        self._closed = True
        for bound in self._seats:
            if not bound.expired():
                bound.reschedule(asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class EventDesk:
    """Answers the requests; one for each web process."""

    doorman: Doorman
    feed: EventFeed
    tide: Tide
    waiting: WaitingRoom = field(default_factory=WaitingRoom)

    async def events(self, request: Request, asked: Annotated[EventsQuery, Query()]) -> dict[str, object]:
        """Return what happened to the account: subscriptions, messages, the account itself.

        The order is that in which events came to the store; one that came late stands behind others that
        happened later. Go on with 'next' of the last answer.
        """
        account_id = (await self.doorman.admit(request, Scope.EVENTS_READ)).account_id
        try:
            place = self.feed.place(account_id, asked.after) if asked.after else 0
        except BadCursor:
            raise ApiProblem(BAD_CURSOR) from None
        read = partial(self.feed.page, account_id, wanted=frozenset(asked.type or ALL), limit=asked.limit)
        page = await _in_thread(partial(read, after=place))
        if asked.wait and not page.notices:
            page = await self._wait(account_id, page, read, asked.wait)
        return {
            "data": [as_json(notice) for notice in page.notices],
            "next": self.feed.cursor(account_id, page.place),
            "has_more": page.more,
        }

    async def _wait(self, account_id: int, page: Page, read: Callable[..., Page], patience: float) -> Page:
        """Return the first page that is not empty, or an empty one when the time is over."""
        with suppress(TimeoutError):
            async with self.waiting.seat(account_id, patience):
                while not page.notices and (
                    page.more or await self.tide.rise(account_id, page.place, patience)
                ):
                    page = await _in_thread(partial(read, after=page.place))
        return page


def as_json(notice: Notice) -> dict[str, object]:
    """Return a notice as the API tells it."""
    return {
        "id": notice.id,
        "type": notice.type,
        "timestamp": rfc3339(notice.at),
        "data": notice.data,
    }


async def _in_thread(call: Callable[[], _T]) -> _T:
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
