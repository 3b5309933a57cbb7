"""Our own letters, from the table where they are written into a worker's spool: at least once.

What it promises: a letter leaves the table only when a spool has it; a worker that dies in between has lent
it for a minute, and the copy that may go out then has the same Message-ID. From the spool on it is mail
like any other: signed with the provider's key, retried, settled. It goes out with the null sender, asks for
no report (RFC 3834 section 4), and is the provider's own, so that it goes out even for an account that is
suspended: leaving it must still be possible. How it fails: a store that is away or a spool that is full
delays letters and stops no mail.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from gateway.inbound.house_mail import Outgoing
from gateway.model.reply import PublicError
from gateway.ports import Meter
from gateway.store.letters import Taken

log = structlog.get_logger("posting")

_BATCH = 50
_PAUSE = 0.5  # seconds between two looks at a table that had little
_PAUSE_AWAY = 5.0


class Pile(Protocol):
    """The letters, as ``gateway.store.letters.Letters`` has them; all but ``next_due`` blocks."""

    async def next_due(self) -> float | None:
        """Return when the next letter is due, None where there is none."""
        ...

    def take(self, now: float, limit: int) -> Sequence[Taken]:
        """Borrow letters that are due."""
        ...

    def sent(self, taken: Taken) -> None:
        """Forget the content of a letter that a spool has."""
        ...

    def expire(self, now: float) -> int:
        """Delete what only kept count."""
        ...


class Postman:
    """Carries letters into one worker's spool."""

    def __init__(self, pile: Pile, outgoing: Outgoing, meter: Meter) -> None:
        self._pile = pile
        self._outgoing = outgoing
        self._meter = meter

    async def run(self) -> None:
        """Carry until cancelled."""
        while True:
            try:
                carried = await self.round()
            except PublicError as error:
                log.warning("letters wait", why=str(error))
                await asyncio.sleep(_PAUSE_AWAY)
            else:
                if carried < _BATCH:
                    await asyncio.sleep(_PAUSE)

    async def round(self) -> int:
        """Carry what is due, a batch at most; return how many. Raise StoreAway or SpoolFull."""
        due_at = await self._pile.next_due()
        if due_at is None or due_at > self._outgoing.clock.now():
            return 0  # most of the time; and nobody's write waits for this question
        self._outgoing.spool.check_room()  # before any is borrowed
        taken = await asyncio.to_thread(self._pile.take, self._outgoing.clock.now(), _BATCH)
        for one in taken:
            try:
                await self._carry(one)
            except PublicError:
                raise
            except Exception:  # whatever it is, the other letters go on; its lease brings this one back
                log.exception("a letter cannot be carried", kind=one.letter.kind.value)
                self._meter.count("letters_total", kind=one.letter.kind.value, result="failed")
        return len(taken)

    async def _carry(self, one: Taken) -> None:
        await self._outgoing.keep(self._outgoing.begin(), one.letter.to, one.letter.content)
        await asyncio.to_thread(self._pile.sent, one)
        self._meter.count("letters_total", kind=one.letter.kind.value, result="sent")

    async def tidy(self) -> None:
        """Let go of what only kept count; raise StoreAway."""
        await asyncio.to_thread(self._pile.expire, self._outgoing.clock.now())
