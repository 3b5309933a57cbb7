"""/api/v1/newsletters: how the account's mailings went."""

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.model.newsletter import Newsletter
from gateway.web.api.holdings import Cursors
from gateway.web.api.lists import list_of
from gateway.web.api.once import Counter
from gateway.web.api.paging import cut, place_of, sealed

_PLACE = 4  # octets of a day
_LAST_DAY = 1 << 22  # days: no clock gets there

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float | None, Field(ge=0, le=1, description="Null: of nothing.")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewslettersQuery(_Strict):
    """Which list, and where a page begins."""

    list: str = Field(min_length=1, max_length=255, description="A List-Id.")
    after: str = Field("", max_length=200, description="'next' of an earlier answer; \"\": from the latest.")
    limit: int = Field(7, ge=1, le=31, description="Newsletters of one page, at most.")


class Rates(_Strict):
    """Shares. What readers did is a share of what was delivered, all else of what was accepted."""

    delivered: Share
    deferred: Share
    bounced: Share
    unsubscribed: Share
    complained: Share


class NewsletterBody(_Strict):
    """What went to one list on one day, and what came of it until now."""

    list: str
    date: Annotated[
        str,
        Field(
            description="The day on which it was taken, UTC.",
            examples=["2026-11-27"],
            json_schema_extra={"format": "date"},
        ),
    ]
    accepted: Count
    delivered: Count
    deferred: Annotated[int, Field(ge=0, description="Copies that had to wait at least once.")]
    bounced: Count
    expired: Count
    stopped: Annotated[int, Field(ge=0, description="After they were taken, by a policy or an operator.")]
    unsubscribed: Count
    complained: Count
    rates: Rates


class Newsletters(_Strict):
    """One page of newsletters, the latest first."""

    data: list[NewsletterBody]
    next: Annotated[str | None, Field(description="Send it as 'after' to go on; null: that was all.")]


@dataclass(frozen=True, slots=True)
class NewsletterDesk:
    """Answers the requests."""

    counter: Counter
    cursors: Cursors

    async def page(self, request: Request, asked: Annotated[NewslettersQuery, Query()]) -> dict[str, object]:
        """Return what went to a list, day by day, the latest first.

        Who leaves or complains counts for the newsletter whose link they used, whenever they do.
        """
        found = await list_of(self.counter, request, asked.list)
        listing = f"newsletters {found.id}"
        place = place_of(self.cursors, found.account_id, listing, asked.after, _PLACE)
        before = int.from_bytes(place, "big") if place else _LAST_DAY
        told = await self.counter.ask(
            lambda books: books.newsletters.page(found.account_id, found.id, before, asked.limit + 1)
        )
        shown, last = cut(told, asked.limit, lambda one: one.day, _PLACE)
        return {
            "data": [as_json(one, found.list_id) for one in shown],
            "next": sealed(self.cursors, found.account_id, listing, last),
        }


def as_json(one: Newsletter, list_id: str) -> dict[str, object]:
    """Return a newsletter as the API tells it."""
    return {
        "list": list_id,
        "date": one.date.isoformat(),
        **asdict(one.figures),
        "rates": one.figures.rates,
    }
