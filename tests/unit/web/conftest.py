"""A consent book in memory, links into it, and a client that speaks ASGI."""

from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field, replace

import httpx
import pytest
import structlog

from gateway.model.address import Address, parse_address
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Origin
from gateway.model.recommendation import Recommendation
from gateway.model.reply import StoreAway
from gateway.model.signup import Wish
from gateway.model.token import Purpose, Token, seal
from gateway.model.undo import Step, Undo
from gateway.observe.memory import MemoryMeter
from gateway.pipeline.links import Links
from gateway.settings.schema import RecommendationSection, SignupSection, WebSection
from gateway.store.quota_memory import MemoryQuota
from gateway.web.joining import Joined, Offer, Over, Question, TurnedDown
from gateway.web.leaving import (
    AlreadyUnsubscribed,
    Asked,
    Brand,
    Logo,
    NothingToUndo,
    Paused,
    Reader,
    Reported,
    Story,
    Undone,
    Unknown,
    Unsubscribed,
    Via,
)
from gateway.web.public import Means, build_public

KEYS = {1: b"k" * 32, 2: b"n" * 32}
ADDRESS_HASH = bytes(range(16))
SUBMISSION = bytes(16)
NOW = 1_800_000_000.0
PATHS = {
    Purpose.UNSUBSCRIBE: "u",
    Purpose.REPORT: "r",
    Purpose.WHY: "w",
    Purpose.CONFIRM: "c",
    Purpose.UNDO: "z",
    Purpose.SIGNUP: "s",
    Purpose.RECOMMEND: "f",
    Purpose.INVITATION: "i",
}
STORY = Story(
    account="Acme",
    mail_list="Weekly <Tea> & Cake",
    list_id="weekly.acme.example",
    domains=("acme.example", "mail.acme.example"),
    address="a***@e***.net",
    state=SubscriptionState.CONFIRMED,
    changed_at=0.0,
    paused_until=0.0,
    basis=Basis.DOUBLE_OPT_IN,
    source="the form at <acme.example>",
    since=1_700_000_000.0,
)


@dataclass
class FixedClock:
    at: float = NOW

    def now(self) -> float:
        return self.at


@dataclass
class Book:
    """Leaving, in memory: one reader. ``away`` makes it a store that cannot be asked."""

    told: Story = STORY
    acts: list[tuple[str, Via]] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    left: dict[tuple[int, int, bytes], float] = field(default_factory=dict)
    reports: list[tuple[bytes, str]] = field(default_factory=list)
    undone: list[Undo] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    away: bool = False
    broken: bool = False
    forgotten: bool = False

    def story(self, reader: Reader) -> Story | None:
        self._ask()
        known = reader.account_id == 7 and reader.list_id in {0, 3} and reader.address_hash == ADDRESS_HASH
        return self.told if known and not self.forgotten else None

    def unsubscribe(
        self,
        reader: Reader,
        submission: bytes,
        now: float,
        origin: Origin,
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        return self._leave(reader, "leave", now, origin)

    async def leave(
        self,
        account_id: int,
        list_id: int,
        address_hash: bytes,
        submission: bytes,
        *,
        now: float,
        origin: Origin,
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        return self.unsubscribe(Reader(account_id, list_id, address_hash), submission, now, origin)

    def leave_all(
        self, reader: Reader, now: float, origin: Origin
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        return self._leave(reader, "all", now, origin)

    def pause(
        self, reader: Reader, until: float, now: float, origin: Origin
    ) -> Paused | AlreadyUnsubscribed | Unknown:
        if self.story(reader) is None:
            return Unknown()
        if self.told.state is SubscriptionState.UNSUBSCRIBED:
            return AlreadyUnsubscribed(self.told.changed_at)
        self.told = replace(self.told, paused_until=until)
        self.acts.append(("pause", Via(origin.via)))
        self.origins.append(origin)
        return Paused(until)

    def undo(self, what: Undo, now: float, origin: Origin) -> Undone | NothingToUndo:
        self._ask()
        if what.step is Step.LEFT and what.moment != self.told.changed_at:
            return NothingToUndo()
        self.told = replace(
            self.told, state=SubscriptionState.CONFIRMED, changed_at=now + 1, paused_until=0.0
        )
        self.undone.append(what)
        self.origins.append(origin)
        self.left.clear()
        return Undone()

    def report(
        self, reader: Reader, submission: bytes, now: float, origin: Origin, words: str
    ) -> Reported | Unknown:
        if self.story(reader) is None:
            return Unknown()
        self.reports.append((submission, words))
        self.origins.append(origin)
        self.told = replace(self.told, state=SubscriptionState.COMPLAINED, changed_at=now)
        return Reported()

    def ask(self, reader: Reader, write: Callable[[Address], bytes], now: float) -> Asked | Unknown:
        if self.story(reader) is None:
            return Unknown()
        self.letters.append(write(parse_address("ann@example.net")))
        return Asked()

    def logo(self, name: str) -> Logo | None:
        self._ask()
        return Logo("image/png", b"octets") if name == "abc" else None

    @property
    def vias(self) -> list[Via]:
        return [via for _, via in self.acts]

    @property
    def untouched(self) -> bool:
        return self.told == STORY and not (self.acts or self.reports or self.undone or self.letters)

    def _leave(
        self, reader: Reader, what: str, now: float, origin: Origin
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        if self.story(reader) is None:
            return Unknown()
        key = (reader.account_id, reader.list_id, reader.address_hash)
        if key in self.left:
            return AlreadyUnsubscribed(self.left[key])
        self.left[key] = now
        self.told = replace(self.told, state=SubscriptionState.UNSUBSCRIBED, changed_at=now)
        self.acts.append((what, Via(origin.via)))
        self.origins.append(origin)
        return Unsubscribed()

    def _ask(self) -> None:
        if self.away:
            raise StoreAway
        if self.broken:
            raise RuntimeError("a secret cause, about someone@example.com")

    def take_a_brand(self, colour: str = "", logo: str = "") -> None:
        self.told = replace(STORY, brand=Brand(colour, logo, 120, 40))


OFFER = Offer(
    account_id=7,
    number=3,
    account="acme",
    mail_list="Weekly <Tea> & Cake",
    list_id="weekly.acme.example",
    description="Tea & what goes <with> it",
    frequency="weekly",
    domains=("acme.example",),
)


@dataclass
class Joiners:
    """Joining, in memory: one list, and one sign-up that waits."""

    book: Book
    wishes: list[Wish] = field(default_factory=list)
    answers: list[tuple[str, Origin]] = field(default_factory=list)
    offered: Offer | None = OFFER
    waiting: bool = True
    name: str = "weekly.acme.example"

    def offer(self, account: str, list_id: str) -> Offer | None:
        self._look()
        return self.offered if (account, list_id) == ("acme", self.name) else None

    def ask(self, wish: Wish, now: float) -> None:
        self._look()
        self.wishes.append(wish)

    def question(self, reader: Reader, signup_id: bytes, now: float) -> Question | Joined | Over:
        self._look()
        if self.offered is None:
            return Over(None)
        if not self.waiting:
            said_yes = [what for what, _ in self.answers] == ["confirmed"]
            return Joined(self.offered, NOW) if said_yes else Over(self.offered)
        return Question(self.offered, "a***@e***.net", NOW, "https://acme.example")

    def confirm(self, reader: Reader, signup_id: bytes, origin: Origin, now: float) -> Joined | Over:
        self.answers.append(("confirmed", origin))
        self.waiting = False
        assert self.offered
        return Joined(self.offered)

    def refuse(
        self, reader: Reader, signup_id: bytes, origin: Origin, result: str, now: float
    ) -> TurnedDown | Over:
        self.answers.append((result, origin))
        self.waiting = False
        assert self.offered
        return TurnedDown(self.offered)

    def _look(self) -> None:
        if self.book.away:
            raise StoreAway


@dataclass
class Friends:
    """Recommending, in memory: one reader, whose address is ann@example.net, and one invitation."""

    book: Book
    made: list[Recommendation] = field(default_factory=list)
    never: int = 0
    offered: Offer | None = OFFER

    def offer_to_recommend(self, reader: Reader) -> Offer | None:
        self._look()
        return self.offered

    def is_theirs(self, reader: Reader, address: Address) -> bool:
        return address.identity == "ann@example.net"

    def person(self, address: Address) -> bytes:
        return address.identity.encode()

    def recommend(self, what: Recommendation, now: float) -> None:
        self._look()
        self.made.append(what)

    def invitation(self, reader: Reader, invitation_id: bytes) -> Offer | None:
        self._look()
        return self.offered

    def never_again(self, reader: Reader, invitation_id: bytes, now: float) -> bool:
        self._look()
        self.never += self.offered is not None
        return self.offered is not None

    def _look(self) -> None:
        if self.book.away:
            raise StoreAway


class Counting:
    """Chance that can be foreseen, and is never the same."""

    count = 0

    def octets(self, count: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(count, "big")

    def fraction(self) -> float:
        return 0.5


def link(
    purpose: Purpose = Purpose.UNSUBSCRIBE, account: int = 7, mail_list: int = 3, key_id: int = 1
) -> str:
    if purpose is Purpose.UNDO:
        token = Undo(Step.LEFT, account, mail_list, ADDRESS_HASH, NOW, int(NOW) + 60).token
    else:
        token = Token(purpose, account, mail_list, ADDRESS_HASH, SUBMISSION)
    return f"/{PATHS[purpose]}/{seal(token, key_id, KEYS[key_id])}"


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def make_link():
    return link


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def joining(book: Book) -> Joiners:
    return Joiners(book)


@pytest.fixture
def recommending(book: Book) -> Friends:
    return Friends(book)


@pytest.fixture
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def means(
    book: Book, joining: Joiners, recommending: Friends, meter: MemoryMeter, clock: FixedClock
) -> Means:
    return Means(
        leaving=book,
        departing=book,
        keys=lambda: KEYS,
        links=lambda: Links("http://leave.example", "leave@gateway.example", 2, KEYS[2]),
        quota=MemoryQuota(),
        clock=clock,
        meter=meter,
        settings=WebSection,
        letters_from=lambda: "no-reply@provider.example",
        joining=joining,
        recommending=recommending,
        recommendation=RecommendationSection,
        signup=SignupSection,
        entropy=Counting(),
        even=0.0,
    )


@pytest.fixture
def app(means: Means):
    return build_public(means)


@pytest.fixture
async def web(app) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://leave.example") as client:
        yield client
