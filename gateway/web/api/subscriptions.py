"""/api/v1/subscriptions: who is on the account's lists.

Addresses stand in bodies only: what is in a path or a query lands in the logs of whatever is on the way. So
looking one up is a POST that changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.model.address import Address, MalformedAddress, parse_address
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.instant import rfc3339
from gateway.model.subscriber import Added, Evidence, Mode, Statement, Subscriber
from gateway.web.api.bodies import grant_of
from gateway.web.api.holdings import Books, Cursors
from gateway.web.api.lists import list_of
from gateway.web.api.once import Answer, Counter
from gateway.web.api.paging import PageQuery, place_of, sealed
from gateway.web.api.problems import (
    ADDITIONS_HELD,
    BAD_ADDRESS,
    CONSENT_LEVEL,
    HAS_LEFT,
    NOT_SUBSCRIBED,
    SUSPENDED,
    UNKNOWN_LIST,
    ApiProblem,
    Problem,
)

_PLACE = 16  # octets of an address's hash
_REFUSED: Mapping[Added, Problem] = {
    Added.LEFT: HAS_LEFT,
    Added.NOT_ALLOWED: CONSENT_LEVEL,
    Added.NO_LIST: UNKNOWN_LIST,
    Added.SUSPENDED: SUSPENDED,
    Added.HELD: ADDITIONS_HELD,
}


def _words(text: str) -> str:
    """Take one line: it stands in letters, on pages and in proofs."""
    if not text.isprintable():
        raise ValueError("it holds control characters")
    return text


def _ip(text: str) -> str:
    return str(ip_address(text)) if text else ""


def _instant(text: str) -> str:
    if text and datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("it names no time zone")
    return text


_Address = Annotated[str, Field(min_length=3, max_length=320, examples=["ada@example.net"])]
_ListId = Annotated[str, Field(min_length=1, max_length=255, examples=["bread.bakery.example"])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EvidenceBody(_Strict):
    """How they asked. It is kept, sealed, in the consent ledger."""

    source: Annotated[
        str,
        AfterValidator(_words),
        Field(
            min_length=1,
            max_length=500,
            description="Where they asked: a form's URL, a shop's till. Asserted additions need it; the "
            "letter of a double opt-in names it.",
            examples=["https://bakery.example/newsletter"],
        ),
    ]
    ip: Annotated[
        str,
        AfterValidator(_ip),
        Field(max_length=45, description="The person's own, not your server's.", examples=["192.0.2.7"]),
    ] = ""
    user_agent: Annotated[str, AfterValidator(_words), Field(max_length=500)] = ""
    at: Annotated[
        str,
        AfterValidator(_instant),
        Field(max_length=40, description="When, RFC 3339.", examples=["2026-11-27T09:30:00Z"]),
    ] = ""
    text: Annotated[
        str, Field(max_length=4000, description="What was shown to them; it must name nobody.")
    ] = ""


class NewSubscription(_Strict):
    """Somebody who has asked."""

    list: _ListId
    address: _Address
    mode: Annotated[Mode, Field(description="'double-opt-in': they are asked by a letter first.")] = (
        Mode.DOUBLE_OPT_IN
    )
    language: Annotated[
        str,
        Field(
            pattern=r"^([a-z]{2})?$",
            description="Of the letter; the list's own where none is said.",
            examples=["en"],
        ),
    ] = ""
    evidence: EvidenceBody


class Lookup(_Strict):
    """Whom to look up."""

    address: _Address


class Leaving(_Strict):
    """Who is to be taken off a list."""

    list: _ListId
    address: _Address
    reason: Annotated[
        str, AfterValidator(_words), Field(max_length=200, description="Kept in the consent ledger.")
    ] = ""


class AskedBody(_Strict):
    """They are asked, unless that would be too much for them; nothing tells which."""

    list: str
    address: str
    state: Annotated[str, Field(examples=["asked"])]


class SubscriberBody(_Strict):
    """A subscription."""

    list: Annotated[str, Field(examples=["bread.bakery.example"])]
    address: Annotated[str, Field(examples=["ada@example.net"])]
    state: SubscriptionState
    basis: Annotated[Basis, Field(description="Why they may be written to.")]
    source: str
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    changed_at: Annotated[
        str, Field(description="When the state was entered.", json_schema_extra={"format": "date-time"})
    ]


class Subscriptions(_Strict):
    """All subscriptions of an address, by list."""

    data: list[SubscriberBody]


class SubscriptionPage(_Strict):
    """One page of a list, in no order that means anything."""

    data: list[SubscriberBody]
    next: Annotated[
        str | None,
        Field(
            description="Send it as 'after' to go on; null: that was all. A page may be empty before that."
        ),
    ]


class SubscriptionsQuery(PageQuery):
    """Which list, and where a page begins."""

    list: str = Field(min_length=1, max_length=255, description="A List-Id.")


@dataclass(frozen=True, slots=True)
class SubscriptionDesk:
    """Answers the requests."""

    counter: Counter
    cursors: Cursors

    async def page(
        self, request: Request, asked: Annotated[SubscriptionsQuery, Query()]
    ) -> dict[str, object]:
        """Return who is on a list, in whatever state: a look at all of them, page by page.

        Who joins or leaves meanwhile may be missed or told as before; 'events' tells it.
        """
        found = await list_of(self.counter, request, asked.list)
        listing = f"subscriptions {found.id}"
        after = place_of(self.cursors, found.account_id, listing, asked.after, _PLACE)

        def look(books: Books) -> tuple[Any, bytes]:
            return books.subscriptions.page(found.account_id, found.id, after, asked.limit)

        shown, place = await self.counter.ask(look)
        return {
            "data": [as_json(one) for one in shown],
            "next": sealed(self.cursors, found.account_id, listing, place),
        }

    async def lookup(self, request: Request, wanted: Lookup) -> dict[str, object]:
        """Return all subscriptions of an address at the account; none where there are none."""
        account_id = grant_of(request).account_id
        address = str(_address(wanted.address))
        found = await self.counter.ask(lambda books: books.subscriptions.show(account_id, address))
        return {"data": [as_json(one) for one in found or ()]}

    async def add(self, request: Request, wanted: NewSubscription) -> Response:
        """Put somebody on a list, or ask them first.

        'double-opt-in' sends them one letter and answers 202; they are on the list when they say yes. The
        answer is the same whatever becomes of it: it tells nothing that the account does not know.
        'asserted' is for accounts whose statement, with evidence, is enough.
        """
        found = await list_of(self.counter, request, wanted.list)
        grant = grant_of(request)
        statement = Statement(
            found.account_id,
            found.id,
            _address(wanted.address),
            wanted.mode,
            wanted.language,
            Evidence(**wanted.evidence.model_dump()),
            grant.key_id,
            request.client.host if request.client else "",
        )
        now = self.counter.clock.now()
        return await self.counter.serve(request, partial(self._add, statement, found.list_id, now))

    async def unsubscribe(self, request: Request, wanted: Leaving) -> Response:
        """Take somebody off a list; doing it twice changes nothing the second time."""
        found = await list_of(self.counter, request, wanted.list)
        address, key_id = str(_address(wanted.address)), grant_of(request).key_id
        now = self.counter.clock.now()

        def work(books: Books) -> Answer:
            left = books.subscriptions.unsubscribe(
                found.account_id, found.id, address, key_id, wanted.reason, now
            )
            if left is None:
                raise ApiProblem(NOT_SUBSCRIBED)
            return Answer(HTTPStatus.OK, as_json(left))

        return await self.counter.serve(request, work)

    def _add(self, statement: Statement, list_id: str, now: float, books: Books) -> Answer:
        added = books.subscriptions.add(statement, now)
        self.counter.meter.count("api_additions_total", result=added.value)
        if added in _REFUSED:
            raise ApiProblem(_REFUSED[added])
        address = str(statement.address)
        if added is Added.ASKED:
            return Answer(HTTPStatus.ACCEPTED, {"list": list_id, "address": address, "state": "asked"})
        shown = books.subscriptions.show(statement.account_id, address) or ()
        status = HTTPStatus.CREATED if added is Added.ADDED else HTTPStatus.OK
        return Answer(status, next(as_json(one) for one in shown if one.list_id == list_id))


def as_json(one: Subscriber) -> dict[str, Any]:
    """Return a subscription as the API tells it."""
    return {
        "list": one.list_id,
        "address": one.address,
        "state": str(one.state),
        "basis": str(one.basis),
        "source": one.source,
        "created_at": rfc3339(one.created_at),
        "changed_at": rfc3339(one.changed_at),
    }


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except MalformedAddress:
        raise ApiProblem(BAD_ADDRESS) from None
