"""From the spool into the lanes: what is due is claimed while there is room, and never more than that.

What it promises: memory stays flat whatever the spool holds; of several accounts the one with the least in
memory is served first. While no hop can be reached nothing is claimed, except to see what has waited for
longer than ``max_age``: that expires, and the rest goes back as it was. No wait is longer than
``longest_retry``, even when the clock is set back: a time further ahead than that is not believed.
"""

from collections.abc import Callable, Sequence

import structlog

from gateway.model.backoff import is_expired
from gateway.model.delivery import Delivery
from gateway.model.reply import PublicError
from gateway.ports import Clock, Spool
from gateway.relay.lanes import Item, Lanes
from gateway.relay.record import Record, unreachable
from gateway.relay.sending import Sending
from gateway.relay.settler import Settler
from gateway.settings.schema import RelaySection

_SWEEP = 200  # deliveries in one look
_SHORTEST_SWEEP, _LONGEST_SWEEP = 1.0, 600.0  # seconds between two looks through the whole spool
_CLOCK_CHECK = 600.0  # seconds between two looks for times too far ahead: a shard may have been adopted
_EPSILON = 1e-3  # seconds: what was looked at is due again just after the look began
_log = structlog.get_logger("relay")
TOO_LATE = unreachable("No next hop could be reached in the time allowed")


class Stock:
    """Keeps the lanes filled."""

    def __init__(
        self,
        spool: Spool,
        *,
        lanes: Lanes,
        settler: Settler,
        sending: Sending,
        record: Record,
        clock: Clock,
        relay: Callable[[], RelaySection],
    ) -> None:
        self._spool = spool
        self._lanes = lanes
        self._settler = settler
        self._sending = sending
        self._record = record
        self._clock = clock
        self._relay = relay
        self._swept_at = self._seen_at = clock.now()
        self._checked_at = float("-inf")

    async def mind_the_clock(self) -> None:
        """At the start, now and then, and when the clock has been set back: let no time lie too far ahead.

        What waits for less than ``longest_retry`` waits on. An age that has not begun yet begins now, so that
        a message expires ``max_age`` after the clock was set at the latest.
        """
        now, set_back = self._clock.now(), self._clock.now() < self._seen_at
        self._seen_at = now
        if not set_back and now - self._checked_at < _CLOCK_CHECK:
            return
        self._swept_at, self._checked_at = min(self._swept_at, now), now
        moved = await self._spool.bring_forward(now, self._relay().longest_retry)
        if moved:
            _log.warning("times too far ahead were not believed: was the clock set back?", deliveries=moved)

    def drop_doomed(self) -> None:
        """Let go of what waits here and was doomed by an operator: it is not even tried."""
        doomed = self._spool.doomed()
        if doomed:
            self._unclaim(
                [
                    item.delivery
                    for item in self._lanes.take_out(lambda one: (one.submission.id, one.number) in doomed)
                ]
            )

    async def refill(self, wanted: Callable[[], bool]) -> None:
        """Claim what is due and fits; stop as soon as nothing is ``wanted`` any more."""
        now = self._clock.now()
        due = await self._spool.accounts_due(now)
        self._lanes.note_none_but(due)
        for account_id in sorted(due, key=self._lanes.size):
            room = self._lanes.room_for(account_id, len(due))
            if room <= 0:
                self._lanes.note_more(account_id)
                continue
            octets = self._lanes.octets_left
            claimed = await self._spool.claim_due(account_id, now, room, octets)
            if not wanted():
                self._unclaim(claimed)
                return
            self._lanes.add(account_id, claimed)
            if len(claimed) == room or self._lanes.octets_left < octets // 2:  # the spool may have more
                self._lanes.note_more(account_id)

    async def sweep(self, wanted: Callable[[], bool]) -> None:
        """Let expire what has waited for ``max_age``, in memory and in the spool, now and then."""
        now, max_age = self._clock.now(), self._relay().max_age
        if now - self._swept_at < min(max(max_age / 10, _SHORTEST_SWEEP), _LONGEST_SWEEP):
            return
        self._swept_at = now
        for item in self._lanes.take_out(lambda delivery: self._is_too_old(delivery, now)):
            await self._expire(item)
        for account_id in await self._spool.accounts_due(now):
            while wanted():
                claimed = await self._spool.claim_due(account_id, now, _SWEEP, self._relay().ready_size)
                for delivery in claimed:
                    if self._is_too_old(delivery, now):
                        await self._expire(Item(delivery))
                    else:
                        await self._settler.give(self._record.unclaimed(delivery, now + _EPSILON))
                if not claimed:
                    break

    def _is_too_old(self, delivery: Delivery, now: float) -> bool:
        return is_expired(delivery.submission.received_at, now, self._relay().max_age)

    async def _expire(self, item: Item) -> None:
        try:
            settlement = await self._sending.expire(item, TOO_LATE)
        except KeyError:
            return  # no longer ours: see LetGo
        except PublicError:
            settlement = self._record.unclaimed(item.delivery, item.delivery.due_at)
        await self._settler.give(settlement)

    def _unclaim(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._settler.give_now(self._record.unclaimed(delivery, delivery.due_at))
