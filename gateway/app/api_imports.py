"""The files of imports, as programs bring them: taken as they come, in a thread, in bounded memory.

What it promises: a piece is read when the one before it was taken, so that a sender waits for the store and
nothing heaps up; an account brings one file at a time, and this process takes a few. What was taken is kept
when the sender is gone, and a file sent again goes on behind it. A file of which nothing can be made ends its
import, unless some of it had been taken before. How it fails: with what the pieces raise, and StoreAway.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

import anyio.from_thread
import anyio.to_thread
import structlog

from gateway.app.importing import ImportDesk
from gateway.imports.reading import UnreadableFile
from gateway.model.import_rules import Decision
from gateway.model.import_told import ImportRefused, ImportTold, ImportTrouble
from gateway.store.import_cases import Case, CaseMoved, NoSuchImport
from gateway.store.own_imports import StoreImports

log = structlog.get_logger("imports")

_AT_ONCE = 4  # files that this process takes


class Receiving:
    """web.api.holdings.Receiver. ``hand_over`` is told of what is there as a whole."""

    def __init__(self, desk: ImportDesk, books: StoreImports, hand_over: Callable[[str], None]) -> None:
        self._desk = desk
        self._books = books
        self._hand_over = hand_over
        self._busy: set[int] = set()  # accounts that bring one
        self.threads = anyio.CapacityLimiter(_AT_ONCE)

    async def receive(
        self, account_id: int, import_id: str, pieces: AsyncIterator[bytes]
    ) -> ImportTold | ImportRefused:
        """Take all rows of a file."""
        if account_id in self._busy:
            return ImportRefused(ImportTrouble.MOVED, "a file of the account is being taken")
        if self.threads.available_tokens < 1:
            return ImportRefused(ImportTrouble.BUSY)
        self._busy.add(account_id)
        try:
            take = partial(self._take, account_id, import_id, _one_by_one(pieces))
            taken = await anyio.to_thread.run_sync(take, limiter=self.threads, abandon_on_cancel=True)
        finally:
            self._busy.discard(account_id)
        if isinstance(taken, ImportTold):
            self._hand_over(import_id)
        return taken

    def _take(self, account_id: int, import_id: str, pieces: Iterator[bytes]) -> ImportTold | ImportRefused:
        try:
            case = self._desk.cases.show(import_id, account_id)
            return self._books.told(self._desk.receive(case, pieces))
        except NoSuchImport:
            return ImportRefused(ImportTrouble.UNKNOWN)
        except CaseMoved as error:
            return ImportRefused(ImportTrouble.MOVED, str(error))
        except UnreadableFile as error:
            log.info("an import's file cannot be read", case=import_id)  # why may hold words of the file
            if not case.line:
                self._end(case, str(error))
            return ImportRefused(ImportTrouble.UNREADABLE, str(error))

    def _end(self, begun: Case, why: str) -> None:
        """Refuse what cannot be sent again: another file would not be the one that was begun with."""
        case = self._desk.cases.show(begun.id)
        self._desk.cases.decide(case, Decision.REFUSE, "system", why, self._desk.now())


def _one_by_one(pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces, in the thread that wants them."""

    async def following() -> bytes:
        return await anext(pieces, b"")

    while piece := anyio.from_thread.run(following):
        yield piece
