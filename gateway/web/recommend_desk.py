"""The pages of recommending a list to a friend, and of the friend.

What it promises: GET and HEAD change nothing; only who is on the list can recommend it, by a link of their
own and by writing the address that they are on it with; the answer is the same whoever the friend is. What is
limited: recommendations of a person in a day, and tries at the address behind a link.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from math import ceil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.mime.headers import printable
from gateway.model.address import Address, MalformedAddress, parse_address
from gateway.model.rate import parse_rate
from gateway.model.recommendation import Recommendation, carries_no_message, tidy_name
from gateway.model.token import Purpose, Token
from gateway.ports import Clock, Meter, Quota
from gateway.settings.schema import RecommendationSection
from gateway.web.desk import evenly, in_thread
from gateway.web.door import Door, gone
from gateway.web.form import is_one_click
from gateway.web.joining import Offer
from gateway.web.leaving import Reader
from gateway.web.recommend_pages import RecommendPages, Written
from gateway.web.recommending import Recommending
from gateway.web.wall import Wall

_LONGEST = 200  # characters of a header or a field that are kept


@dataclass(frozen=True, slots=True)
class _Filled:
    """A form that says all that it must."""

    name: str
    own: Address
    friend: Address


@dataclass(frozen=True, slots=True)
class RecommendDesk:
    """Answers the requests; one for each web process."""

    recommending: Recommending
    door: Door
    wall: Wall
    quota: Quota
    clock: Clock
    meter: Meter
    settings: Callable[[], RecommendationSection]
    pages: RecommendPages
    even: float  # seconds that the answer to a form takes at least

    # Who recommends

    async def show_form(self, token: str, request: Request) -> Response:
        """GET and HEAD of the link on the page that says why mail came."""
        opened = self.door.open(token, Purpose.RECOMMEND, request)
        return self.pages.form(self.pages.visit(request.scope), await self._offer(opened), Written())

    async def take_form(self, opened: Token, request: Request, fields: Mapping[str, str]) -> Response:
        """POST of the form: one friend."""
        offer = await self._offer(opened)
        seen = self.pages.visit(request.scope)
        written = Written(*(fields.get(name, "").strip()[:_LONGEST] for name in ("name", "email", "friend")))
        filled, wrong = await self._read(opened, written)
        if filled is None:
            self.meter.count("recommendations_total", result="malformed")
            return self.pages.form(seen, offer, written, wrong)
        if wait := await self._too_many(filled):
            self.meter.count("recommendations_total", result="limited")
            busy = self.pages.busy(seen, offer)
            busy.headers["Retry-After"] = str(ceil(wait))
            return busy
        agent = printable(request.headers.get("user-agent", ""))[:_LONGEST]
        what = Recommendation(
            opened.account_id,
            opened.list_id,
            opened.address_hash,
            filled.name,
            filled.own,
            filled.friend,
            seen.language.tag,
            self.door.client(request),
            agent,
        )
        await evenly(partial(self.recommending.recommend, what, self.clock.now()), self.even)
        self.meter.count("recommendations_total", result="taken")
        return self.pages.done(seen, offer, filled.friend)

    async def _offer(self, opened: Token) -> Offer:
        offer = await in_thread(partial(self.recommending.offer_to_recommend, _reader(opened)))
        if offer is None or not self.settings().offered:
            raise gone()
        return offer

    async def _read(self, opened: Token, written: Written) -> tuple[_Filled | None, frozenset[str]]:
        """Return what the form says, or the names of the fields that are wrong."""
        name, own, friend = tidy_name(written.name), _address(written.email), _address(written.friend)
        if own is not None and not (carries_no_message(own) and await self._is_theirs(opened, own)):
            own = None
        if own is not None and friend is not None and own.identity == friend.identity:
            friend = None
        if name and own and friend:
            return _Filled(name, own, friend), frozenset()
        found = {"name": name, "email": own, "friend": friend}
        return None, frozenset(field for field, value in found.items() if not value)

    async def _is_theirs(self, opened: Token, own: Address) -> bool:
        """Whether the address is the link's; a few tries a day, so that nobody finds it out by trying."""
        key = b"recommend try:" + opened.address_hash
        if self._take(key, self.settings().tries):
            return False
        return await in_thread(partial(self.recommending.is_theirs, _reader(opened), own))

    async def _too_many(self, filled: _Filled) -> float:
        """Return how long there is no room for one more, or 0.

        What the friend has had is no reason to say so: it would tell of others.
        """
        person = await in_thread(partial(self.recommending.person, filled.own))
        return self._take(b"recommend:" + person, self.settings().person)

    def _take(self, key: bytes, rate: str) -> float:
        return self.quota.reserve(key, [parse_rate(rate)], 0, self.clock.now()).wait

    # Who is invited

    async def show_invitation(self, token: str, request: Request) -> Response:
        """GET and HEAD of an invitation's link: the list's form, and the way to be left alone."""
        opened = self.door.open(token, Purpose.INVITATION, request)
        offer = await self._invited_to(opened)
        return self.pages.invitation(self.pages.visit(request.scope), offer, self.wall.stamp(offer.place))

    async def answer(self, opened: Token, request: Request, fields: Mapping[str, str]) -> Response:
        """POST of an invitation's link: never again."""
        # RFC 8058 section 3.1: so says the mail program's button as well.
        if not is_one_click(fields) and fields.get("choice") != "never":
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        never = partial(self.recommending.never_again, _reader(opened), opened.submission, self.clock.now())
        if not await in_thread(never):
            raise gone()
        self.meter.count("recommendations_total", result="never-again")
        self.door.log("no invitations any more", opened, request)
        return self.pages.never(self.pages.visit(request.scope))

    async def _invited_to(self, opened: Token) -> Offer:
        offer = await in_thread(partial(self.recommending.invitation, _reader(opened), opened.submission))
        if offer is None:
            raise gone()
        return offer


def _reader(token: Token) -> Reader:
    return Reader(token.account_id, token.list_id, token.address_hash)


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except MalformedAddress:
        return None
