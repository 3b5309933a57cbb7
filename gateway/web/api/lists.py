"""/api/v1/lists: the account's lists.

A list is named in the path by its List-Id, which names nobody. Its number stays ours: numbers of all accounts
are one row, and would tell how many others make.
"""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.model.facts import MailList
from gateway.model.list_trouble import ListRefused, ListTrouble
from gateway.web.api.bodies import grant_of
from gateway.web.api.holdings import Books, Cursors
from gateway.web.api.once import Answer, Counter
from gateway.web.api.paging import PageQuery, cut, place_of, sealed
from gateway.web.api.problems import (
    BAD_WORDS,
    FOREIGN_LIST,
    LIST_EXISTS,
    LIST_IN_USE,
    ROOT,
    TOO_MANY_LISTS,
    UNKNOWN_LIST,
    ApiProblem,
)

MOST = 500  # lists of one account: every message's look at the account reads their names
_LISTING = "lists"
_PLACE = 8  # octets of a number
_PROBLEMS = {
    ListTrouble.UNKNOWN: UNKNOWN_LIST,
    ListTrouble.THERE: LIST_EXISTS,
    ListTrouble.FULL: TOO_MANY_LISTS,
    ListTrouble.FOREIGN: FOREIGN_LIST,
    ListTrouble.WORDS: BAD_WORDS,
    ListTrouble.IN_USE: LIST_IN_USE,
}

ListPath = Annotated[
    str, Path(min_length=1, max_length=255, description="A List-Id.", examples=["bread.bakery.example"])
]
_Name = Annotated[str, Field(max_length=90, description="What readers see it called.", examples=["Bread"])]
_About = Annotated[str, Field(max_length=500, description="What one subscribes to.")]
_Often = Annotated[str, Field(max_length=60, description="How often, in words.", examples=["weekly"])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NewList(_Strict):
    """A list to be made."""

    list: Annotated[
        str,
        Field(
            min_length=3,
            max_length=255,
            description="Its List-Id (RFC 2919) without brackets, in a verified domain of the account.",
            examples=["bread.bakery.example"],
        ),
    ]
    name: _Name = ""
    description: _About = ""
    frequency: _Often = ""


class ListChange(_Strict):
    """What a list says of itself from now on; what is not named stays."""

    name: _Name | None = None
    description: _About | None = None
    frequency: _Often | None = None


class ListBody(_Strict):
    """A list."""

    list: Annotated[str, Field(examples=["bread.bakery.example"])]
    name: str
    description: str
    frequency: str


class Lists(_Strict):
    """One page of lists, in the order of their making."""

    data: list[ListBody]
    next: Annotated[str | None, Field(description="Send it as 'after' to go on; null: that was all.")]


@dataclass(frozen=True, slots=True)
class ListDesk:
    """Answers the requests."""

    counter: Counter
    cursors: Cursors

    async def page(self, request: Request, asked: Annotated[PageQuery, Query()]) -> dict[str, object]:
        """Return the account's lists in the order of their making."""
        account_id = grant_of(request).account_id
        place = place_of(self.cursors, account_id, _LISTING, asked.after, _PLACE)
        after = int.from_bytes(place, "big")
        found = await self.counter.ask(lambda books: books.lists.page(account_id, after, asked.limit + 1))
        shown, last = cut(found, asked.limit, lambda one: one.id, _PLACE)
        return {
            "data": [as_json(one) for one in shown],
            "next": sealed(self.cursors, account_id, _LISTING, last),
        }

    async def create(self, request: Request, wanted: NewList) -> Response:
        """Make a list. Its List-Id lies in a domain that is verified for the account."""
        words = wanted.model_dump(exclude={"list"})
        account_id = grant_of(request).account_id

        def work(books: Books) -> Answer:
            made = _taken(books.lists.create(account_id, wanted.list, words, MOST))
            return Answer(HTTPStatus.CREATED, as_json(made), path_of(made))

        return await self.counter.serve(request, work)

    async def show(self, request: Request, name: ListPath) -> dict[str, object]:
        """Return a list."""
        return as_json(await list_of(self.counter, request, name))

    async def change(self, request: Request, name: ListPath, wanted: ListChange) -> Response:
        """Change what a list says of itself on pages and in letters."""
        words = wanted.model_dump(exclude_none=True)
        account_id = grant_of(request).account_id

        def work(books: Books) -> Answer:
            return Answer(HTTPStatus.OK, as_json(_taken(books.lists.change(account_id, name, words))))

        return await self.counter.serve(request, work)

    async def delete(self, request: Request, name: ListPath) -> Response:
        """Delete a list with which nothing has happened; any other stays, because links in mail name it."""
        return await self.counter.serve(request, partial(_delete, grant_of(request).account_id, name))


async def list_of(counter: Counter, request: Request, name: str) -> MailList:
    """Return the list of the request's account that a List-Id names; raise ApiProblem."""
    account_id = grant_of(request).account_id
    return _taken(await counter.ask(lambda books: books.lists.find(account_id, name)))


def as_json(one: MailList) -> dict[str, Any]:
    """Return a list as the API tells it."""
    return {
        "list": one.list_id,
        "name": one.name,
        "description": one.description,
        "frequency": one.frequency,
    }


def path_of(one: MailList) -> str:
    """Return where a list is."""
    return f"{ROOT}/lists/{quote(one.list_id, safe='')}"


def _delete(account_id: int, name: str, books: Books) -> Answer:
    refused = books.lists.delete(account_id, name)
    if refused is not None:
        raise _problem(refused)
    return Answer(HTTPStatus.NO_CONTENT)


def _taken(found: MailList | ListRefused) -> MailList:
    if isinstance(found, ListRefused):
        raise _problem(found)
    return found


def _problem(refused: ListRefused) -> ApiProblem:
    return ApiProblem(_PROBLEMS[refused.why], extra={"detail": refused.detail} if refused.detail else None)
