"""Gathering facts: the look-ups of all sessions that wait are merged into one round trip.

What it promises: a look-up that arrives while a query runs is part of the next one, so that a busy worker
asks the book seldom and for many, and a quiet one at once. A book that fails fails each look-up of that query
with the same error and none of the next.
"""

import asyncio
from itertools import chain

from gateway.model.facts import Bonds
from gateway.model.reply import PublicError, StoreAway
from gateway.ports import ConsentBook

Key = tuple[int, bytes]
"""(account id, keyed hash of the address)."""

_LARGEST_QUERY = 500


class Gatherer:
    """Merges look-ups; ``run`` is its loop, and belongs to the worker's task group."""

    def __init__(self, book: ConsentBook) -> None:
        self._book = book
        self._waiting: dict[Key, list[asyncio.Future[Bonds]]] = {}
        self._wanted = asyncio.Event()

    async def bonds(self, account_id: int, address_hash: bytes) -> Bonds:
        """Return what the book knows of the address; raise PublicError where it cannot say."""
        # One for each caller: who goes away takes no answer from another that waits for the same key.
        answer: asyncio.Future[Bonds] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((account_id, address_hash), []).append(answer)
        self._wanted.set()
        return await answer

    async def run(self) -> None:
        """Answer look-ups until cancelled."""
        while True:
            await self._wanted.wait()
            batch = dict(list(self._waiting.items())[:_LARGEST_QUERY])
            for key in batch:
                del self._waiting[key]
            if not self._waiting:
                self._wanted.clear()
            await self._answer(batch)

    async def _answer(self, batch: dict[Key, list[asyncio.Future[Bonds]]]) -> None:
        try:
            found = await self._book.bonds(list(batch))
        except PublicError as error:
            self._fail(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever the book did, the sessions must hear something
            away = StoreAway("the consent book failed")
            away.__cause__ = error
            self._fail(batch, away)
        except asyncio.CancelledError:
            self._fail(batch, StoreAway("the worker is ending"))
            raise
        else:
            for answers, bonds in zip(batch.values(), found, strict=True):
                for answer in answers:
                    if not answer.done():
                        answer.set_result(bonds)

    @staticmethod
    def _fail(batch: dict[Key, list[asyncio.Future[Bonds]]], error: Exception) -> None:
        for answer in chain.from_iterable(batch.values()):
            if not answer.done():
                answer.set_exception(error)
                # Marked as seen: the session that asked may be gone.
                answer.exception()
