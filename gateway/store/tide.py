"""The store's tide: who waits for an account's events is woken when there are new ones, from any process.

What it promises: one look for everybody, four times a second, at what has come since the look before; whoever
waits for an account sleeps through the events of all others. A store that is away wakes nobody, and is looked
at again. ``watch`` belongs to the app's task group; ``rise`` is for tasks of the same loop.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress

from sqlalchemy import Select, func, select

from gateway.model.reply import StoreAway
from gateway.store.bounded import Bounded
from gateway.store.database import Store
from gateway.store.schema import EVENT

_PAUSE = 0.25  # seconds between two looks
_REMEMBERED = 20_000  # accounts
_LAST = select(func.max(EVENT.c.place))
_MOST = 10_000  # events in one look; the next one sees those behind them


class StoreTide:
    """ports.Tide over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last = store.glance(_LAST)
        self._seen: int | None = None
        self._latest: Bounded[int, int] = Bounded(_REMEMBERED)  # place of an account's latest event
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            with suppress(StoreAway):
                await self.look()
            await asyncio.sleep(_PAUSE)

    async def look(self) -> None:
        """Wake those whose accounts have something new; raise StoreAway."""
        (last,) = await self._last.look()
        if self._seen is None:
            self._seen = last or 0
        if (last or 0) <= self._seen:
            return
        for account_id, place in (await self._store.in_thread(self._news)).items():
            self._latest.put(account_id, place)
            for waiting in self._waiting.get(account_id, ()):
                waiting.set()

    async def rise(self, account_id: int, beyond: int, patience: float) -> bool:
        """Return True when the account has an event beyond a place, False when the seconds are over.

        What was in the store when this process first looked is no news.
        """
        if (self._latest.get(account_id) or 0) > beyond:
            return True
        risen = asyncio.Event()
        self._waiting[account_id].add(risen)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    return await risen.wait()
        finally:
            self._waiting[account_id].discard(risen)
            if not self._waiting[account_id]:
                del self._waiting[account_id]
        return False

    def _news(self) -> dict[int, int]:
        assert self._seen is not None
        with self._store.read() as connection:
            news = {row[0]: row[1] for row in connection.execute(news_since(self._seen))}
        self._seen = max(news.values(), default=self._seen)
        return news


def news_since(place: int) -> Select[int, int]:
    """Return the query for each account's latest event among the first beyond a place.

    Those are a table of their own, with a limit: without it SQLite goes through a whole index by account for
    the sake of GROUP BY, four times a second, which with a million events is a fifth of a core.
    """
    beyond = select(EVENT.c.account_id, EVENT.c.place).where(EVENT.c.place > place)
    new = beyond.order_by(EVENT.c.place).limit(_MOST).subquery()
    return select(new.c.account_id, func.max(new.c.place)).group_by(new.c.account_id)
