"""A consent book in memory, links into it, and a client that speaks ASGI."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import dataclass, field

import httpx
import pytest
import structlog

from gateway.model.reply import StoreAway
from gateway.model.token import Purpose, Token, seal
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import WebSection
from gateway.web.leaving import AlreadyUnsubscribed, Names, Reported, Unknown, Unsubscribed, Via
from gateway.web.public import build_public

KEYS = {1: b"k" * 32, 2: b"n" * 32}
ADDRESS_HASH = bytes(range(16))
SUBMISSION = bytes(16)
NOW = 1_800_000_000.0


class FixedClock:
    def now(self) -> float:
        return NOW


@dataclass
class Book:
    """Leaving, in memory. ``away`` makes it a store that cannot be asked."""

    names_of: dict[tuple[int, int], Names] = field(
        default_factory=lambda: {(7, 3): Names("Acme", "Weekly <Tea> & Cake"), (7, 0): Names("Acme", "")}
    )
    left: dict[tuple[int, int, bytes], float] = field(default_factory=dict)
    vias: list[Via] = field(default_factory=list)
    reports: list[tuple[int, int, bytes, bytes, str]] = field(default_factory=list)
    away: bool = False
    broken: bool = False
    forgotten: bool = False

    def names(self, account_id: int, list_id: int) -> Names | None:
        self._ask()
        return self.names_of.get((account_id, list_id))

    def unsubscribe(
        self, account_id: int, list_id: int, address_hash: bytes, now: float, via: Via
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        self._ask()
        key = (account_id, list_id, address_hash)
        if self.forgotten:
            return Unknown()
        if key in self.left:
            return AlreadyUnsubscribed(self.left[key])
        self.left[key] = now
        self.vias.append(via)
        return Unsubscribed()

    async def leave(
        self, account_id: int, list_id: int, address_hash: bytes, now: float
    ) -> Unsubscribed | AlreadyUnsubscribed | Unknown:
        if (account_id, list_id) not in self.names_of:
            return Unknown()
        return self.unsubscribe(account_id, list_id, address_hash, now, Via.ONE_CLICK)

    def report(
        self, account_id: int, list_id: int, address_hash: bytes, submission: bytes, *, now: float, words: str
    ) -> Reported | Unknown:
        self._ask()
        if self.forgotten:
            return Unknown()
        self.reports.append((account_id, list_id, address_hash, submission, words))
        return Reported()

    @property
    def untouched(self) -> bool:
        return not self.left and not self.reports

    def _ask(self) -> None:
        if self.away:
            raise StoreAway
        if self.broken:
            raise RuntimeError("a secret cause, about someone@example.com")


def link(
    purpose: Purpose = Purpose.UNSUBSCRIBE, account: int = 7, mail_list: int = 3, key_id: int = 1
) -> str:
    token = seal(Token(purpose, account, mail_list, ADDRESS_HASH, SUBMISSION), key_id, KEYS[key_id])
    return f"/{'u' if purpose is Purpose.UNSUBSCRIBE else 'r'}/{token}"


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
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
def app(book: Book, meter: MemoryMeter):
    return build_public(book, lambda: KEYS, FixedClock(), meter, WebSection, departing=book)


@pytest.fixture
async def web(app) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://leave.example") as client:
        yield client
