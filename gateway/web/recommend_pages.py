"""The pages of recommending, from their templates."""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import HTMLResponse
from starlette.types import Scope

from gateway.model.address import Address
from gateway.web.joining import Offer
from gateway.web.languages import Visit
from gateway.web.pages import Pages


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote into the form."""

    name: str = ""
    email: str = ""
    friend: str = ""


class RecommendPages:
    """Every page that somebody sees who recommends, or is invited."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def visit(self, scope: Scope) -> Visit:
        """Return how a request wants its page."""
        return self._pages.visit(scope)

    def form(self, seen: Visit, offer: Offer, written: Written, wrong: Collection[str] = ()) -> HTMLResponse:
        """The form; ``wrong``: the fields that cannot be taken as they are."""
        page = self._pages.page(
            seen, "recommend.html.j2", offer.brand, story=offer, written=written, wrong=wrong
        )
        if wrong:
            page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return page

    def done(self, seen: Visit, offer: Offer, friend: Address) -> HTMLResponse:
        """The answer: the same, whoever the friend is."""
        return self._pages.page(seen, "recommended.html.j2", offer.brand, story=offer, friend=str(friend))

    def busy(self, seen: Visit, offer: Offer) -> HTMLResponse:
        """The answer to who has recommended enough for today."""
        page = self._pages.page(seen, "recommend_busy.html.j2", offer.brand, story=offer)
        page.status_code = HTTPStatus.TOO_MANY_REQUESTS
        return page

    def invitation(self, seen: Visit, offer: Offer, stamp: str) -> HTMLResponse:
        """The list's form for who is invited, and the way to be left alone."""
        return self._pages.page(
            seen,
            "invitation.html.j2",
            offer.brand,
            story=offer,
            shown=offer.shown(seen.language),
            stamp=stamp,
        )

    def never(self, seen: Visit) -> HTMLResponse:
        """The answer to who wants no invitations."""
        return self._pages.page(seen, "invitation_never.html.j2")
