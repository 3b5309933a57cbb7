"""The spool in memory: for tests and for trying things out. Nothing outlives the process.

What it promises: the same answers as ``SqliteSpool``, held to it by one contract suite. It seals nothing but
the events, whose sealed form is part of the port.
"""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from gateway.model.delivery import (
    SETTLED,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    IllegalMove,
    Submission,
    move,
)
from gateway.model.events import Event, SealedEvent
from gateway.model.reply import SpoolFull
from gateway.ports import Clock, Keyring, LostMove, Parcel, Settlement
from gateway.spool.codec import Codec, reason, terms
from gateway.spool.errors import AlreadyKept
from gateway.spool.stock import OPEN_STATES, counted_as

_QUEUED, _ACTIVE, _HELD = DeliveryState.QUEUED, DeliveryState.ACTIVE, DeliveryState.HELD


class MemorySpool:
    """ports.Spool and ports.Outbox over dictionaries."""

    def __init__(self, *, keyring: Keyring, clock: Clock, max_size: int = 1 << 62) -> None:
        self._codec = Codec(keyring)
        self._clock = clock
        self._max_size = max_size
        self._octets = 0
        self._bodies: dict[str, bytes] = {}
        self._deliveries: dict[tuple[str, int], Delivery] = {}
        self._events: dict[int, SealedEvent] = {}
        self._place = 0

    async def close(self) -> None:
        """Nothing to give back."""

    async def put(self, parcel: Parcel) -> None:
        """Keep a parcel."""
        self._codec.parcel_rows(parcel)  # fails where the real one fails
        self._check_new(parcel)
        self._enter(parcel)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Make moves; raise LostMove for those that lost, when the others are done."""
        for report in [report for one in settlements for report in one.reports]:
            self._check_new(report)
        lost = []
        for one in settlements:
            key = (one.delivery.submission.id, one.delivery.number)
            found = self._deliveries.get(key)
            try:
                if found is None:
                    raise IllegalMove("it is gone")  # noqa: TRY301 - the same end as an illegal move
                becomes = move(found.state, one.event)
            except IllegalMove:
                lost.append(one.delivery.id)
                continue
            self._apply(found, one, becomes)
        if lost:
            raise LostMove(lost)

    def record(self, events: Sequence[Event]) -> None:
        """Keep events."""
        for event in events:
            self._place += 1
            self._events[self._place] = self._codec.sealed_event(event)

    def check_room(self) -> None:
        """Raise SpoolFull at the limit."""
        if self._octets >= self._max_size:
            raise SpoolFull(f"the spool holds {self._octets} octets")

    async def accounts_due(self, now: float) -> Sequence[int]:
        """Return the accounts with a QUEUED delivery due."""
        return sorted({one.submission.account_id for one in self._in(_QUEUED) if one.due_at <= now})

    async def claim_due(
        self, account_id: int, now: float, limit: int, octets: int = sys.maxsize
    ) -> Sequence[Delivery]:
        """Move due deliveries of an account to ACTIVE, oldest due first, and return them."""
        due = [
            one for one in self._in(_QUEUED) if one.submission.account_id == account_id and one.due_at <= now
        ]
        due.sort(key=lambda one: (one.due_at, one.submission.id, one.number))
        fitting = due[:1]
        octets -= sum(one.weight for one in due[:1])
        for one in due[1:limit]:
            octets -= one.weight
            if octets < 0:
                break
            fitting.append(one)
        return [self._move(one, DeliveryEvent.CLAIM) for one in fitting]

    async def next_due(self, now: float) -> float | None:
        """Return when the next QUEUED delivery falls due after ``now``, or None."""
        return min((one.due_at for one in self._in(_QUEUED) if one.due_at > now), default=None)

    async def bring_forward(self, now: float, longest: float) -> int:
        """Make due now what is due later than ``longest`` ahead; let no age begin in the future."""
        far = [one for one in self._in(_QUEUED) if one.due_at > now + longest]
        for one in far:
            self._move(replace(one, due_at=now), DeliveryEvent.RETRY)
        for one in list(self._deliveries.values()):
            if one.submission.received_at > now:
                self._keep(replace(one, submission=replace(one.submission, received_at=now)))
        return len(far)

    async def release_held(self, account_id: int, hold_reason: str) -> int:
        """Move an account's HELD deliveries of that reason to QUEUED, due now; return how many."""
        held = [
            one
            for one in self._in(_HELD)
            if one.submission.account_id == account_id and one.hold_reason == hold_reason
        ]
        for one in held:
            self._move(replace(one, due_at=self._clock.now(), hold_reason=""), DeliveryEvent.RELEASE)
        return len(held)

    async def held_accounts(self, hold_reason: str) -> Sequence[int]:
        """Return the accounts with deliveries HELD for that reason."""
        return sorted(
            {one.submission.account_id for one in self._in(_HELD) if one.hold_reason == hold_reason}
        )

    def doomed(self) -> Collection[tuple[str, int]]:
        """Return submission and number of what is doomed."""
        return {(one.submission.id, one.number) for one in self._in(DeliveryState.DOOMED)}

    async def content(self, submission_id: str) -> bytes:
        """Return a content; raise KeyError when it is settled."""
        return self._bodies[submission_id]

    async def counts(self) -> Mapping[str, int]:
        """Return the number of deliveries by state."""
        counts = dict.fromkeys((state.value for state in OPEN_STATES), 0)
        for one in self._deliveries.values():
            counts[counted_as(one.state.value)] += 1
        return counts

    async def outbox(self, limit: int) -> Sequence[tuple[int, SealedEvent]]:
        """Return the oldest events with their places."""
        return list(self._events.items())[:limit]

    async def forget(self, places: Sequence[int]) -> None:
        """Drop events."""
        for place in places:
            self._events.pop(place, None)

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Return at once: no other process can see this spool."""

    def _in(self, state: DeliveryState) -> list[Delivery]:
        return [one for one in self._deliveries.values() if one.state is state]

    def _check_new(self, parcel: Parcel) -> None:
        if parcel.submission.id in self._bodies and parcel.deliveries:
            raise AlreadyKept(parcel.submission.id)

    def _enter(self, parcel: Parcel) -> None:
        if parcel.deliveries:
            self._bodies[parcel.submission.id] = parcel.content
            self._octets += len(parcel.content)
            submission = replace(parcel.submission, size=len(parcel.content))
            for one in parcel.deliveries:
                self._keep(replace(one, submission=submission))
        self.record(parcel.events)

    def _keep(self, delivery: Delivery) -> None:
        self._deliveries[delivery.submission.id, delivery.number] = delivery

    def _move(self, delivery: Delivery, event: DeliveryEvent) -> Delivery:
        moved = replace(delivery, state=move(delivery.state, event))
        self._keep(moved)
        return moved

    def _apply(self, found: Delivery, one: Settlement, becomes: DeliveryState) -> None:
        if becomes in SETTLED:
            del self._deliveries[found.submission.id, found.number]
            self._drop_body(found.submission)
        else:
            tried, due = terms(one)
            self._keep(
                replace(
                    found,
                    state=becomes,
                    attempts=found.attempts + tried,
                    due_at=found.due_at if due is None else due,
                    last_reply=one.reply or found.last_reply,
                    hold_reason=reason(one, becomes),
                )
            )
        self.record(one.events)
        for report in one.reports:
            self._enter(report)

    def _drop_body(self, submission: Submission) -> None:
        if not any(key[0] == submission.id for key in self._deliveries):
            self._octets -= len(self._bodies.pop(submission.id))
