"""The pages of joining a list: its form, the extra step, and the page that our letter's link leads to.

What it promises: GET and HEAD change nothing, however often a scanner follows a link; a form answers the
same, and in the same time, whether the address is unknown, waiting, subscribed or has left; what a page
says is done was committed before. A form may come from any site: it carries nobody's rights.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from math import ceil
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.mime.headers import printable
from gateway.model.address import MalformedAddress, parse_address
from gateway.model.ledger import SUBSCRIBER, Origin
from gateway.model.signup import Wish
from gateway.model.token import Purpose, Token, seal
from gateway.pipeline.links import Links as Signer
from gateway.ports import Clock, Meter
from gateway.settings.schema import SignupSection
from gateway.web.client import network_of
from gateway.web.desk import evenly, in_thread
from gateway.web.door import Door
from gateway.web.form import is_one_click
from gateway.web.join_pages import JoinPages, Typed
from gateway.web.joining import Joined, Joining, Offer, Over, Question, TurnedDown
from gateway.web.languages import Visit
from gateway.web.leaving import Reader
from gateway.web.wall import Knock, NotNow, Pass, Step, Wall

_LONGEST = 200  # characters of a header that are kept
_LONGEST_ADDRESS = 400  # characters that are looked at: no address is so long
_ANSWERS = {"yes": "confirmed", "no": "refused"}
_DONE = {Joined: "sign-up confirmed", TurnedDown: "sign-up refused", Over: "sign-up was over"}


@dataclass(frozen=True, slots=True)
class JoinDesk:
    """Answers the requests; one for each web process."""

    joining: Joining
    door: Door
    wall: Wall
    clock: Clock
    meter: Meter
    signer: Callable[[], Signer]
    settings: Callable[[], SignupSection]
    pages: JoinPages
    even: float  # seconds that the answer to a form takes at least

    # The form

    async def show_form(self, account: str, mail_list: str, request: Request) -> Response:
        """GET and HEAD of a list's form."""
        offer = await self._offer(account, mail_list, request)
        return self.pages.form(self.pages.visit(request.scope), offer, Typed(self.wall.stamp(offer.place)))

    async def take_form(
        self, account: str, mail_list: str, request: Request, fields: Mapping[str, str]
    ) -> Response:
        """POST of a list's form, ours or a copy of it anywhere, or of the extra step."""
        offer = await self._offer(account, mail_list, request)
        seen = self.pages.visit(request.scope)
        written = fields.get("email", "").strip()[:_LONGEST_ADDRESS]
        try:
            address = parse_address(written)
        except MalformedAddress:
            self.meter.count("signups_total", result="malformed")
            return self.pages.form(seen, offer, Typed(self.wall.stamp(offer.place), written, wrong=True))
        site = _site_of_form(request, fields)
        match self.wall.judge(self._knock(offer, request, fields)):
            case Pass() as way:
                origin = self._origin(request, self._source(offer, site), _shown(offer, seen))
                wish = Wish(offer.account_id, offer.number, address, seen.language.tag, origin)
                await self._ask(wish, way)
                return self.pages.asked(seen, offer, address)
            case Step() as step:
                self.meter.count("signups_total", result="early" if step.early else "step")
                return self.pages.step(
                    seen, offer, Typed(step.stamp, str(address), site=site), step, self.settings()
                )
            case NotNow(wait):
                self.meter.count("signups_total", result="limited")
                busy = self.pages.busy(seen, offer)
                busy.headers["Retry-After"] = str(ceil(wait))
                return busy

    def _knock(self, offer: Offer, request: Request, fields: Mapping[str, str]) -> Knock:
        return Knock(
            offer.place,
            network_of(self.door.client(request)),
            fields.get("stamp", ""),
            fields.get("work", ""),
            trapped=bool(fields.get("website")),
        )

    async def _ask(self, wish: Wish, way: Pass) -> None:
        await evenly(partial(self.joining.ask, wish, self.clock.now()), self.even)
        self.meter.count("signups_total", result=way.how)

    async def _offer(self, account: str, mail_list: str, request: Request) -> Offer:
        offer = await in_thread(partial(self.joining.offer, account, mail_list))
        if offer is None:
            raise self.door.turned_away(request)
        return offer

    def _source(self, offer: Offer, site: str) -> str:
        """Return where the form stood: a page of a domain that is proved to be the account's, else ours.

        What a stranger names there must not reach a letter: it would be a way to write to anybody.
        """
        scheme, host = _site(site)
        if any(host == domain or host.endswith(f".{domain}") for domain in offer.domains):
            return f"{scheme}://{host}"
        return f"{self.signer().public_url}/subscribe/{offer.place}"

    def _origin(self, request: Request, source: str, shown: str) -> Origin:
        agent = printable(request.headers.get("user-agent", ""))[:_LONGEST]
        return Origin(SUBSCRIBER, source, self.door.client(request), agent, shown)

    # The letter's link

    async def show_question(self, token: str, request: Request) -> Response:
        """GET and HEAD of the link in our letter. It changes nothing."""
        opened = self.door.open(token, Purpose.SIGNUP, request)
        question = partial(self.joining.question, _reader(opened), opened.submission, self.clock.now())
        return self._said(self.pages.visit(request.scope), await in_thread(question))

    async def answer(self, opened: Token, request: Request, fields: Mapping[str, str]) -> Response:
        """POST of the link in our letter: one of the page's buttons, or the mail program's own."""
        # RFC 8058 section 3.1: the mail program's button, on a letter that asks, says no.
        result = "cancelled" if is_one_click(fields) else _ANSWERS.get(fields.get("choice", ""))
        if result is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        seen = self.pages.visit(request.scope)
        names, now = (_reader(opened), opened.submission), self.clock.now()
        found = await in_thread(partial(self.joining.question, *names, now))
        if not isinstance(found, Question):
            return self._said(seen, found)
        shown = "" if result == "cancelled" else _shown(found.offer, seen)
        origin = self._origin(request, found.source, shown)
        act: Callable[[], Joined | TurnedDown | Over] = partial(self.joining.confirm, *names, origin, now)
        if result != "confirmed":
            act = partial(self.joining.refuse, *names, origin, result, now)
        outcome = await in_thread(act)
        if isinstance(outcome, TurnedDown) and result == "refused":
            self.wall.complain(outcome.offer.place)
        self.door.log(_DONE[type(outcome)], opened, request)
        return self._said(seen, outcome, self._way_out(opened))

    def _said(self, seen: Visit, what: Question | Joined | TurnedDown | Over, way_out: str = "") -> Response:
        match what:
            case Question():
                return self.pages.question(seen, what)
            case Joined():
                return self.pages.joined(seen, what, way_out)
            case TurnedDown():
                return self.pages.turned_down(seen, what)
            case Over():
                return self.pages.over(seen, what)

    def _way_out(self, opened: Token) -> str:
        """Return the token of the page where they leave again."""
        signer = self.signer()
        names = opened.account_id, opened.list_id, opened.address_hash, opened.submission
        return seal(Token(Purpose.UNSUBSCRIBE, *names), signer.key_id, signer.key)


def _shown(offer: Offer, seen: Visit) -> str:
    return "\n".join(offer.shown(seen.language))


def _site_of_form(request: Request, fields: Mapping[str, str]) -> str:
    """Return which site the form was on. The step hands it on, because its own site is ours."""
    return (fields.get("site") or request.headers.get("origin", ""))[:_LONGEST]


def _site(origin: str) -> tuple[str, str]:
    """Return scheme and host of an Origin field, "" and "" where it names no site."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # http://[
        return "", ""
    return (parts.scheme, parts.hostname or "") if parts.scheme in {"https", "http"} else ("", "")


def _reader(token: Token) -> Reader:
    return Reader(token.account_id, token.list_id, token.address_hash)
