"""Look-ups are merged, and no session takes an answer from another."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.model.facts import Bonds, Suppression
from gateway.model.reply import LOCAL_ERROR, STORE_AWAY, PublicError, StoreAway
from gateway.pipeline.gather import Gatherer


class Book:
    """Answers when told to; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[int, bytes]]] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def bonds(self, keys: Sequence[tuple[int, bytes]]) -> Sequence[Bonds]:
        self.asked.append(list(keys))
        await self.go.wait()
        if self.error:
            raise self.error
        return [Bonds(suppression=Suppression(f"{account} {name.decode()}", 0.0)) for account, name in keys]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_arrives_during_a_query_is_one_query() -> None:
    book = Book()
    gatherer = Gatherer(book)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(gatherer.run())
        first = tasks.create_task(gatherer.bonds(1, b"a"))
        await settle()
        rest = [tasks.create_task(gatherer.bonds(1, name)) for name in (b"b", b"c", b"b")]
        await settle()
        book.go.set()
        answers = [await one for one in (first, *rest)]
        running.cancel()
    assert book.asked == [[(1, b"a")], [(1, b"b"), (1, b"c")]]
    assert [one.suppression.reason for one in answers if one.suppression] == ["1 a", "1 b", "1 c", "1 b"]


async def test_one_who_leaves_takes_nothing_from_another() -> None:
    book = Book()
    gatherer = Gatherer(book)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(gatherer.run())
        leaver, stayer = (tasks.create_task(gatherer.bonds(1, b"a")) for _ in range(2))
        await settle()
        leaver.cancel()
        await settle()
        book.go.set()
        assert (await stayer).suppression is not None
        running.cancel()


@pytest.mark.parametrize(
    ("error", "reply"),
    [(StoreAway("gone"), STORE_AWAY), (KeyError("bug"), STORE_AWAY), (PublicError(), LOCAL_ERROR)],
)
async def test_a_failed_query_fails_its_own_and_none_of_the_next(error: Exception, reply: object) -> None:
    book = Book()
    book.error = error
    book.go.set()
    gatherer = Gatherer(book)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(gatherer.run())
        with pytest.raises(PublicError) as failure:
            await gatherer.bonds(1, b"a")
        assert failure.value.reply is reply
        book.error = None
        assert (await gatherer.bonds(1, b"a")).suppression is not None
        running.cancel()


async def test_the_end_of_the_worker_fails_what_waits() -> None:
    book = Book()
    gatherer = Gatherer(book)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(gatherer.run())
        waiting = tasks.create_task(_public_error(gatherer))
        await settle()
        running.cancel()
        assert (await waiting).reply is STORE_AWAY


async def _public_error(gatherer: Gatherer) -> PublicError:
    with pytest.raises(PublicError) as failure:
        await gatherer.bonds(1, b"a")
    return failure.value
