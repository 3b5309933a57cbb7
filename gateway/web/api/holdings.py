"""What the API knows of the store: the books of accounts, each call for one account. The calls block."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from gateway.model.facts import MailList
from gateway.model.import_told import ImportRefused, ImportStatement, ImportTold
from gateway.model.list_trouble import ListRefused
from gateway.model.newsletter import Newsletter
from gateway.model.subscriber import Added, Statement, Subscriber


class ListBook(Protocol):
    """An account's lists."""

    def page(self, account_id: int, after: int, limit: int) -> Sequence[MailList]:
        """Return lists in the order of their making, behind a number."""
        ...

    def find(self, account_id: int, list_id: str) -> MailList | ListRefused:
        """Return the list of a List-Id."""
        ...

    def create(
        self, account_id: int, list_id: str, words: Mapping[str, str], most: int
    ) -> MailList | ListRefused:
        """Make one; ``most``: of an account."""
        ...

    def change(self, account_id: int, list_id: str, words: Mapping[str, str]) -> MailList | ListRefused:
        """Say other things of it; what is not named stays."""
        ...

    def delete(self, account_id: int, list_id: str) -> ListRefused | None:
        """Delete one with which nothing has happened."""
        ...


class SubscriptionBook(Protocol):
    """An account's subscriptions."""

    def add(self, statement: Statement, now: float) -> Added:
        """Put somebody on a list, or ask them first."""
        ...

    def show(self, account_id: int, address: str) -> Sequence[Subscriber] | None:
        """Return all subscriptions of an address, by list; None: it is no address."""
        ...

    def page(
        self, account_id: int, list_id: int, after: bytes, limit: int
    ) -> tuple[Sequence[Subscriber], bytes]:
        """Return some of a list behind a place, and the place where to go on; b"": that was all."""
        ...

    def unsubscribe(  # noqa: PLR0917 - what there is to say of one
        self, account_id: int, list_id: int, address: str, key_id: str, reason: str, now: float
    ) -> Subscriber | None:
        """Take somebody off a list, and return what they are then; None: they never were on it."""
        ...


class NewsletterBook(Protocol):
    """How an account's newsletters went."""

    def page(self, account_id: int, list_id: int, before: int, limit: int) -> Sequence[Newsletter]:
        """Return newsletters of a list, the latest first, of days before a day."""
        ...


class ImportBook(Protocol):
    """An account's imports."""

    def begin(self, said: ImportStatement, now: float) -> ImportTold | ImportRefused:
        """Open one that waits for its rows."""
        ...

    def find(self, account_id: int, import_id: str) -> ImportTold | ImportRefused:
        """Return one."""
        ...

    def page(self, account_id: int, before: int, limit: int) -> Sequence[ImportTold]:
        """Return imports, the latest first; ``before``: with smaller numbers, 0 for all."""
        ...

    def faults(
        self, account_id: int, import_id: str, after: int, limit: int
    ) -> Sequence[tuple[int, str]] | None:
        """Return (line, reason) of lines that were not taken, behind a line; None: no such import."""
        ...


class Receiver(Protocol):
    """Takes the files of imports."""

    async def receive(
        self, account_id: int, import_id: str, pieces: AsyncIterator[bytes]
    ) -> ImportTold | ImportRefused:
        """Take all rows of a file; raise what ``pieces`` raises, and keep what has come until then."""
        ...


class Books(Protocol):
    """All of them, in one state of the store."""

    @property
    def lists(self) -> ListBook:
        """Its lists."""
        ...

    @property
    def subscriptions(self) -> SubscriptionBook:
        """Its subscriptions."""
        ...

    @property
    def imports(self) -> ImportBook:
        """Its imports."""
        ...

    @property
    def newsletters(self) -> NewsletterBook:
        """Its newsletters."""
        ...


class Cursors(Protocol):
    """Places in listings, as programs keep them."""

    def seal(self, account_id: int, listing: str, place: bytes) -> str:
        """Return a place of a listing as text."""
        ...

    def open(self, account_id: int, listing: str, cursor: str) -> bytes:
        """Return the place of a cursor; raise BadCursor."""
        ...
