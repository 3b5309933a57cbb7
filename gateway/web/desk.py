"""The pages behind the links: what each button does, and which page answers.

What it promises: GET and HEAD change nothing; whatever a page says is done was committed before; an undo is
offered by the answer to a POST only, for as long as ``[web] undo`` says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.model.facts import SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.token import BadToken, Purpose, Token, seal
from gateway.model.undo import Step, Undo, undo_of
from gateway.pipeline.links import Links as Signer
from gateway.ports import Clock, Meter
from gateway.settings.schema import WebSection
from gateway.web import letters
from gateway.web.door import Door, gone
from gateway.web.form import Choice, chosen, is_confirmed, is_one_click, words
from gateway.web.languages import Visit
from gateway.web.leaving import (
    AlreadyUnsubscribed,
    Leaving,
    Paused,
    Reader,
    Story,
    Undone,
    Unknown,
    Unsubscribed,
    Via,
)
from gateway.web.pages import Links, Pages, picture

_T = TypeVar("_T")
_DAY = 86_400.0  # seconds
_LEFT = frozenset({SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED})


@dataclass(frozen=True, slots=True)
class Caller:
    """One request of a page: its token, what there is to tell, and how it is shown."""

    request: Request
    token: Token
    story: Story
    seen: Visit
    via: Via
    origin: Origin

    @property
    def reader(self) -> Reader:
        """Whose subscription it is about."""
        return Reader(self.token.account_id, self.token.list_id, self.token.address_hash)


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers the requests; one for each web process."""

    leaving: Leaving
    door: Door
    clock: Clock
    meter: Meter
    settings: Callable[[], WebSection]
    signer: Callable[[], Signer]
    letters_from: Callable[[], str]
    pages: Pages
    recommends: Callable[[], bool]  # whether a list can be recommended

    # Leaving

    async def show_leave(self, token: str, request: Request) -> Response:
        """GET and HEAD of an unsubscribe link: the question. It changes nothing."""
        caller = await self._caller(self.door.open(token, Purpose.UNSUBSCRIBE, request), request, Via.PAGE)
        return self._question(caller, by_letter=self.settings().confirmation == "email")

    async def leave(self, opened: Token, request: Request, fields: Mapping[str, str]) -> Response:
        """POST of an unsubscribe link: one of the page's buttons."""
        if is_one_click(fields):
            raise gone()  # the short way knew nobody of that name
        choice = _choice(fields)
        caller = await self._caller(opened, request, Via.PAGE)
        # A complaint needs no confirmation: nobody complains by accident of a mail that was passed on to
        # them.
        if self.settings().confirmation == "email" and choice is not Choice.REPORT:
            return await self._ask(caller)
        return await self._do(caller, choice)

    async def show_confirm(self, token: str, request: Request) -> Response:
        """GET and HEAD of the link in our letter: the question again, now with effect."""
        caller = await self._caller(self.door.open(token, Purpose.CONFIRM, request), request, Via.LETTER)
        return self._question(caller, by_letter=False)

    async def confirm(self, opened: Token, request: Request, fields: Mapping[str, str]) -> Response:
        """POST of the link in our letter."""
        choice = _choice(fields)
        return await self._do(await self._caller(opened, request, Via.LETTER), choice)

    def _question(self, caller: Caller, *, by_letter: bool) -> Response:
        story = caller.story
        if story.state in _LEFT:
            before = AlreadyUnsubscribed(story.changed_at)
            return self.pages.left_before(caller.seen, story, self._links(caller), before)
        return self.pages.leave(caller.seen, story, self._links(caller), by_letter=by_letter)

    async def _do(self, caller: Caller, choice: Choice) -> Response:
        match choice:
            case Choice.LEAVE:
                return await self._leave_list(caller)
            case Choice.LEAVE_ALL:
                return await self._leave_all(caller)
            case Choice.PAUSE_30 | Choice.PAUSE_90:
                return await self._pause(caller, choice.days)
            case Choice.REPORT:
                return await self._report(caller, "")

    async def _leave_list(self, caller: Caller) -> Response:
        now = self.clock.now()
        token = caller.token
        names = token.account_id, token.list_id, token.address_hash
        outcome = await in_thread(
            partial(self.leaving.unsubscribe, caller.reader, token.submission, now, caller.origin)
        )
        return self._left(caller, outcome, Undo(Step.LEFT, *names, now, self._undo_until(now)))

    async def _leave_all(self, caller: Caller) -> Response:
        now = self.clock.now()
        outcome = await in_thread(partial(self.leaving.leave_all, caller.reader, now, caller.origin))
        names = caller.token.account_id, 0, caller.token.address_hash
        return self._left(caller, outcome, Undo(Step.LEFT, *names, now, self._undo_until(now)))

    def _left(
        self, caller: Caller, outcome: Unsubscribed | AlreadyUnsubscribed | Unknown, undo: Undo
    ) -> Response:
        match outcome:
            case Unsubscribed():
                self._count(caller)
                everything = undo.list_id == 0
                links = self._links(caller, undo)
                return self.pages.left(caller.seen, caller.story, links, everything=everything)
            case AlreadyUnsubscribed() as before:
                return self.pages.left_before(caller.seen, caller.story, self._links(caller), before)
            case Unknown():
                raise gone()

    async def _pause(self, caller: Caller, days: int) -> Response:
        now = self.clock.now()
        until = now + days * _DAY
        outcome = await in_thread(partial(self.leaving.pause, caller.reader, until, now, caller.origin))
        match outcome:
            case Paused():
                self.meter.count("pauses_total", days=str(days))
                self.door.log("paused", caller.token, caller.request, via=caller.via.value)
                reader = caller.reader
                names = reader.account_id, reader.list_id, reader.address_hash
                undo = Undo(Step.PAUSED, *names, until, self._undo_until(now))
                return self.pages.paused(caller.seen, caller.story, self._links(caller, undo), until)
            case AlreadyUnsubscribed() as before:
                return self.pages.left_before(caller.seen, caller.story, self._links(caller), before)
            case Unknown():
                raise gone()

    async def _ask(self, caller: Caller) -> Response:
        """Send the letter that asks whether it was them."""
        if caller.story.state in _LEFT:
            before = AlreadyUnsubscribed(caller.story.changed_at)
            return self.pages.left_before(caller.seen, caller.story, self._links(caller), before)
        letter = letters.Confirmation(
            caller.story, caller.seen.language, self._url(caller), self.letters_from(), self.clock.now()
        )
        outcome = await in_thread(
            partial(self.leaving.ask, caller.reader, partial(letters.compose, letter), self.clock.now())
        )
        if isinstance(outcome, Unknown):
            raise gone()
        self.door.log("asked by letter", caller.token, caller.request)
        return self.pages.asked(caller.seen, caller.story)

    # Taking back

    async def show_undo(self, token: str, request: Request) -> Response:
        """GET and HEAD of an undo: the question. It changes nothing."""
        seen = self.pages.visit(request.scope)
        undo = self._opened_undo(self.door.open(token, Purpose.UNDO, request))
        return self.pages.undo(seen) if undo else self.pages.too_late(seen)

    async def undo(self, opened: Token, request: Request, fields: Mapping[str, str]) -> Response:
        """POST of an undo: all is as it was, where nothing happened since."""
        if not is_confirmed(fields):
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        seen = self.pages.visit(request.scope)
        undo = self._opened_undo(opened)
        if undo is None:
            return self.pages.too_late(seen)
        origin = self.door.origin(request, "undo")
        outcome = await in_thread(partial(self.leaving.undo, undo, self.clock.now(), origin))
        if not isinstance(outcome, Undone):
            return self.pages.too_late(seen)
        self.meter.count("undone_total", step=undo.step.name.lower())
        self.door.log("undone", opened, request)
        return self.pages.undone(seen)

    def _opened_undo(self, token: Token) -> Undo | None:
        """Return what is taken back; None when the time for it is over."""
        try:
            undo = undo_of(token)
        except BadToken:
            raise gone() from None
        return undo if undo.expires > self.clock.now() else None

    # Reporting, and why

    async def show_report(self, token: str, request: Request) -> Response:
        """GET and HEAD of a report link: the question. It changes nothing."""
        caller = await self._caller(self.door.open(token, Purpose.REPORT, request), request, Via.PAGE)
        return self.pages.report(caller.seen, caller.story)

    async def report(self, opened: Token, request: Request, fields: Mapping[str, str]) -> Response:
        """POST of a report link: the page's button."""
        if not is_confirmed(fields):
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        return await self._report(await self._caller(opened, request, Via.PAGE), words(fields))

    async def _report(self, caller: Caller, said: str) -> Response:
        token = caller.token
        about = caller.reader, token.submission, self.clock.now(), caller.origin
        outcome = await in_thread(partial(self.leaving.report, *about, said))
        if isinstance(outcome, Unknown):
            raise gone()
        self.meter.count("abuse_reports_total")
        self.door.log("mail reported", token, caller.request)
        return self.pages.reported(caller.seen, caller.story)

    async def show_why(self, token: str, request: Request) -> Response:
        """GET and HEAD of the footer's question, why did I get this."""
        caller = await self._caller(self.door.open(token, Purpose.WHY, request), request, Via.PAGE)
        return self.pages.why(caller.seen, caller.story, self._links(caller))

    # Without a link of one's own

    async def home(self, request: Request) -> Response:
        """GET of the root: what this place is."""
        return self.pages.home(self.pages.visit(request.scope))

    async def logo(self, name: str) -> Response:
        """GET of an account's logo."""
        found = await in_thread(partial(self.leaving.logo, name))
        if found is None:
            raise gone()
        return picture(found)

    async def _caller(self, token: Token, request: Request, via: Via) -> Caller:
        """Return the request with what there is to tell; what is gone is as unknown as what never was."""
        reader = Reader(token.account_id, token.list_id, token.address_hash)
        story = await in_thread(partial(self.leaving.story, reader))
        if story is None:
            raise gone()
        if story.paused_until <= self.clock.now():
            story = replace(story, paused_until=0.0)
        return Caller(
            request, token, story, self.pages.visit(request.scope), via, self.door.origin(request, via)
        )

    def _links(self, caller: Caller, undo: Undo | None = None) -> Links:
        friends = self.recommends() and caller.story.state is SubscriptionState.CONFIRMED
        return Links(
            leave=self._sealed(replace(caller.token, purpose=Purpose.UNSUBSCRIBE)),
            report=self._sealed(replace(caller.token, purpose=Purpose.REPORT)),
            why=self._sealed(replace(caller.token, purpose=Purpose.WHY)),
            recommend=self._sealed(replace(caller.token, purpose=Purpose.RECOMMEND)) if friends else "",
            undo=self._sealed(undo.token) if undo and undo.expires > self.clock.now() else "",
            undo_until=float(undo.expires) if undo else 0.0,
        )

    def _url(self, caller: Caller) -> str:
        token = self._sealed(replace(caller.token, purpose=Purpose.CONFIRM))
        return f"{self.signer().public_url}/c/{token}{caller.seen.query}"

    def _sealed(self, token: Token) -> str:
        signer = self.signer()
        return seal(token, signer.key_id, signer.key)

    def _undo_until(self, now: float) -> int:
        return int(now + self.settings().undo)

    def _count(self, caller: Caller) -> None:
        self.meter.count("unsubscribes_total", via=caller.via.value)
        self.door.log("unsubscribed", caller.token, caller.request, via=caller.via.value)


async def evenly(call: Callable[[], _T], least: float) -> _T:
    """Run a blocking call, and answer no sooner than after so many seconds: the time tells nothing then."""
    until = anyio.current_time() + least
    outcome = await in_thread(call)
    await anyio.sleep(max(0.0, until - anyio.current_time()))
    return outcome


async def in_thread(call: Callable[[], _T]) -> _T:
    """Run a blocking call; when the guard's time is over it is left alone, and what it does still counts."""
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)


def _choice(fields: Mapping[str, str]) -> Choice:
    choice = chosen(fields)
    if choice is None:
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    return choice
