"""The pages of joining, from their templates. One of them, the extra step, has a script.

The script (config/templates/step.js) stands in the page like the style sheet, and the policy names it by its
hash: it needs no second request, and nothing else can be slipped in.
"""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import HTMLResponse
from starlette.types import Scope

from gateway.model.address import Address
from gateway.settings.schema import SignupSection
from gateway.web.joining import Joined, Offer, Over, Question, TurnedDown
from gateway.web.languages import Visit
from gateway.web.pages import Pages, load_text
from gateway.web.wall import Step

_DEEP = "../../"  # from /subscribe/ACCOUNT/LIST to the root


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form is filled in with; ``wrong``: there is no such address; ``site``: that a form was on."""

    stamp: str
    email: str = ""
    wrong: bool = False
    site: str = ""


class JoinPages:
    """Every page that somebody sees who joins a list."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._script = load_text("step.js")

    def visit(self, scope: Scope) -> Visit:
        """Return how a request wants its page."""
        return self._pages.visit(scope)

    def form(self, seen: Visit, offer: Offer, typed: Typed) -> HTMLResponse:
        """The form: what one subscribes to and how often, and a field for the address."""
        page = self._pages.page(
            seen,
            "subscribe.html.j2",
            offer.brand,
            up=_DEEP,
            story=offer,
            shown=offer.shown(seen.language),
            typed=typed,
        )
        if typed.wrong:
            page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return page

    def step(
        self, seen: Visit, offer: Offer, typed: Typed, step: Step, settings: SignupSection
    ) -> HTMLResponse:
        """The extra step: a moment's work for the browser, or a wait."""
        return self._pages.page(
            seen,
            "step.html.j2",
            offer.brand,
            up=_DEEP,
            script=self._script,
            story=offer,
            shown=offer.shown(seen.language),
            typed=typed,
            early=step.early,
            bits=settings.work,
            wait=int(settings.wait),
        )

    def asked(self, seen: Visit, offer: Offer, address: Address) -> HTMLResponse:
        """The answer to a form: the same for every address."""
        return self._pages.page(
            seen, "subscribe_asked.html.j2", offer.brand, up=_DEEP, story=offer, address=str(address)
        )

    def busy(self, seen: Visit, offer: Offer) -> HTMLResponse:
        """The answer when too many sign up."""
        page = self._pages.page(seen, "subscribe_busy.html.j2", offer.brand, up=_DEEP, story=offer)
        page.status_code = HTTPStatus.TOO_MANY_REQUESTS
        return page

    def question(self, seen: Visit, question: Question) -> HTMLResponse:
        """The page of the letter's link: yes, or it was not me."""
        offer = question.offer
        return self._pages.page(
            seen,
            "signup.html.j2",
            offer.brand,
            story=offer,
            shown=offer.shown(seen.language),
            question=question,
        )

    def joined(self, seen: Visit, joined: Joined, way_out: str) -> HTMLResponse:
        """The answer to a yes, now or before; ``way_out``: the token of the page where they leave, or ""."""
        offer = joined.offer
        return self._pages.page(
            seen, "signup_joined.html.j2", offer.brand, story=offer, since=joined.since, way_out=way_out
        )

    def turned_down(self, seen: Visit, answer: TurnedDown) -> HTMLResponse:
        """The answer to who never asked."""
        return self._pages.page(seen, "signup_not_me.html.j2", answer.offer.brand, story=answer.offer)

    def over(self, seen: Visit, over: Over) -> HTMLResponse:
        """The answer to a link whose sign-up is gone."""
        if over.offer is None:
            return self._pages.page(seen, "signup_over.html.j2", story=None)
        return self._pages.page(seen, "signup_over.html.j2", over.offer.brand, story=over.offer)
