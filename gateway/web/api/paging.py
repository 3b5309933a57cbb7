"""Listings page by page: a cursor is a place that only its own account and listing can use."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from gateway.ports import BadCursor
from gateway.web.api.holdings import Cursors
from gateway.web.api.problems import BAD_CURSOR, ApiProblem

T = TypeVar("T")


class PageQuery(BaseModel):
    """Where a page begins, and how long it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field("", max_length=200, description="'next' of an earlier answer; \"\": from the begin.")
    limit: int = Field(100, ge=1, le=500, description="Of one page, at most.")


def place_of(cursors: Cursors, account_id: int, listing: str, cursor: str, length: int) -> bytes:
    """Return the place of a cursor, b"" for the begin; raise ApiProblem."""
    if not cursor:
        return b""
    try:
        place = cursors.open(account_id, listing, cursor)
    except BadCursor:
        raise ApiProblem(BAD_CURSOR) from None
    if len(place) != length:
        raise ApiProblem(BAD_CURSOR)
    return place


def sealed(cursors: Cursors, account_id: int, listing: str, place: bytes) -> str | None:
    """Return the cursor of a place; None where nothing follows."""
    return cursors.seal(account_id, listing, place) if place else None


def cut(found: Sequence[T], limit: int, place: Callable[[T], int], length: int) -> tuple[Sequence[T], bytes]:
    """Return one page, and the place of its end where more was found; b"" where that was all.

    One more than ``limit`` was asked for. ``place``: the number by which a thing is found again.
    """
    shown = found[:limit]
    return shown, place(shown[-1]).to_bytes(length, "big") if len(found) > len(shown) else b""
