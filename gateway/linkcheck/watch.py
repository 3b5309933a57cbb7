"""The watch over the hosts that senders' own unsubscribe links ask.

What it promises: it reads what messages named, from when it was switched on; a host is asked once a day, and
``[link_check] rate`` at most are asked in all. Silence once is no proof: a host is dead when it is silent
again an hour later, and, where our own line could be the cause, when some other host has answered in
between. Then each account whose mail names it has a Tampering event of that day. Memory is bounded: what is
too much is forgotten, the oldest first, and counted. A restart begins anew. A store that is away is waited
for.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from gateway.linkcheck.ask import AT_ONCE, Answers, Sign, Silent
from gateway.linkcheck.book import LinkBook
from gateway.model.mention import Mention
from gateway.model.rate import parse_rate
from gateway.model.reply import PublicError
from gateway.ports import Clock, Meter, Quota
from gateway.settings.schema import LinkCheckSection

log = structlog.get_logger("linkcheck")

DAY, HOUR = 86_400.0, 3600.0
WAITING = 10_000  # mentions, and hosts that are known
_PAUSE = 5.0
_KEY = b"link-check"

K = TypeVar("K")
V = TypeVar("V")


class Asker(Protocol):
    """gateway.linkcheck.ask.Asking, as the watch sees it."""

    async def ask(self, host: str, party: int) -> Sign:
        """Look once whether anybody answers."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What the watch works with. ``settings``: asked each time, so a reload shows."""

    book: LinkBook
    asker: Asker
    quota: Quota
    clock: Clock
    meter: Meter
    settings: Callable[[], LinkCheckSection]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a host. ``silent_since``: 0.0 when it was not silent at the last look that told."""

    again_at: float
    silent_since: float = 0.0
    why: str = ""
    dead: bool = False


class Watch:
    """One for a machine."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._place: int | None = None
        self._waiting: dict[tuple[str, int], Mention] = {}
        self._hosts: dict[str, _Known] = {}
        self._told: dict[tuple[str, int], float] = {}  # until when it is known in the account's books
        self._answered_at = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self.round()
            except PublicError as error:
                log.warning("links wait for the store", why=str(error))
            except Exception:
                log.exception("the check of links failed by our own fault")
            await self._world.sleep(_PAUSE)

    async def round(self) -> None:
        """Read what is new, ask some hosts, and record what is certain; raise StoreAway."""
        if not self._world.settings().enabled:
            self._place = None
            return
        await self._read()
        due = self._due()
        if due:
            async with asyncio.TaskGroup() as tasks:
                for mention in due:
                    tasks.create_task(self._ask(mention))
        await self._conclude()

    async def _read(self) -> None:
        book = self._world.book
        if self._place is None:
            self._place = await asyncio.to_thread(book.end)
        page = await asyncio.to_thread(book.after, self._place)
        for mention in page.found:
            self._waiting.setdefault((mention.host, mention.account_id), mention)
        self._place = page.place
        self._forget(self._waiting)

    def _due(self) -> list[Mention]:
        """Return a few mentions of hosts that are to be asked now, one for each host."""
        now = self._world.clock.now()
        rate = parse_rate(self._world.settings().rate)
        due: dict[str, Mention] = {}
        for mention in self._waiting.values():
            known = self._hosts.get(mention.host)
            if mention.host in due or (known is not None and now < known.again_at):
                continue
            if len(due) == AT_ONCE or self._world.quota.reserve(_KEY, (rate,), rate.amount, now).wait:
                break
            due[mention.host] = mention
        return list(due.values())

    async def _ask(self, mention: Mention) -> None:
        sign = await self._world.asker.ask(mention.host, mention.account_id)
        now = self._world.clock.now()
        self._world.meter.count("link_hosts_total", result=type(sign).__name__.lower())
        before = self._hosts.pop(mention.host, _Known(0.0))
        self._hosts[mention.host] = self._judged(before, sign, now)
        self._forget(self._hosts)

    def _judged(self, before: _Known, sign: Sign, now: float) -> _Known:
        match sign:
            case Answers():
                self._answered_at = now
                return _Known(now + DAY)
            case Silent(why=why, known=known):
                since = before.silent_since or now
                dead = now - since >= HOUR and (known or self._answered_at >= since)
                return _Known(now + (DAY if dead else HOUR), since, why, dead)
            case _:
                return _Known(now + HOUR, before.silent_since, before.why)

    async def _conclude(self) -> None:
        """Let go of mentions whose host is known, and write down those of dead ones."""
        now = self._world.clock.now()
        for key, mention in list(self._waiting.items()):
            known = self._hosts.get(mention.host)
            if known is None or now >= known.again_at or (known.silent_since and not known.dead):
                continue
            if known.dead and now >= self._told.get(key, 0.0):
                await asyncio.to_thread(self._world.book.record, mention, known.why, now)
                self._world.meter.count("tampering_total", verdict="broken", rule="dead-host")
                account, host = mention.account_id, mention.host
                log.warning("a way out leads nowhere", account=account, host=host, why=known.why)
                self._told[key] = now + DAY
                self._forget(self._told)
            self._waiting.pop(key, None)

    def _forget(self, kept: MutableMapping[K, V]) -> None:
        """Let the oldest go where there is too much."""
        while len(kept) > WAITING:
            del kept[next(iter(kept))]
            self._world.meter.count("link_hosts_total", result="forgotten")
