"""Deliveries that are ready in memory: a lane for each account, served in turn. No I/O, no clock.

What it promises: an account with a million queued deliveries does not delay another's one, because ``take``
goes round the accounts, some places are kept for lanes that hold little, and one account never has all
senders. Memory is bounded by ``ready`` (copies), ``ready_size`` (octets of contents and splices) and
``ready_per_account``; what the splices of a fresh parcel take is known only when they are here, and may go
over. A lane that is paused stands still and takes hardly any room.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.model.delivery import Delivery
from gateway.settings.schema import RelaySection

_SMALL = 16  # copies that every account may have in memory, as long as there is any room
_SHARE = 0.75  # of ``ready``, for lanes that hold more than that


@dataclass(slots=True)
class Body:
    """Content in memory, shared by the copies of one submission."""

    content: bytes
    copies: int  # not done yet


@dataclass(slots=True)
class Item:
    """An ACTIVE delivery; its content where it came straight from the intake."""

    delivery: Delivery
    body: Body | None = None
    weight: int = 0  # octets of the splices, as they are counted


class _Lane:
    """One account's deliveries, in order."""

    __slots__ = ("account_id", "in_flight", "in_turn", "items", "more", "paused")

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.items: deque[Item] = deque()
        self.in_flight = 0
        self.in_turn = False
        self.more = False  # the spool has more that is due
        self.paused = False


class Lanes:
    """All lanes. ``hungry`` is called when it is time to look into the spool."""

    def __init__(self, limits: Callable[[], RelaySection], senders: int, hungry: Callable[[], None]) -> None:
        self._limits = limits
        self._hungry = hungry
        self._lanes: dict[int, _Lane] = {}
        self._turn: deque[_Lane] = deque()
        self._octets = 0
        self._starving = False
        self.total = 0  # waiting
        self.in_flight_limit = 1
        self.set_senders(senders)

    def set_senders(self, senders: int) -> None:
        """Leave a fifth of the senders, and at least one of several, to the other accounts."""
        self.in_flight_limit = max(1, senders - max(1, senders // 5))

    def size(self, account_id: int) -> int:
        """Return how many deliveries of an account wait here."""
        lane = self._lanes.get(account_id)
        return len(lane.items) if lane else 0

    def has_room(self, account_id: int, copies: int, octets: int) -> bool:
        """Whether a fresh parcel may wait here; where the spool has older mail, it keeps a part for that."""
        limits, lane = self._limits(), self._lanes.get(account_id)
        if self._octets + octets > limits.ready_size:
            return False
        size = len(lane.items) if lane else 0
        cap = limits.ready_per_account
        if lane is not None and (lane.paused or lane.more):
            cap = _SMALL if lane.paused else int(cap * _SHARE)
        return size + copies <= cap and self.total + copies <= self._total_limit(limits, size + copies)

    def room_for(self, account_id: int, sharers: int) -> int:
        """Return how many deliveries to claim for an account when ``sharers`` have some due."""
        limits, lane = self._limits(), self._lanes.get(account_id)
        size = len(lane.items) if lane else 0
        cap = min(limits.ready_per_account, max(_SMALL, limits.ready // max(1, sharers)))
        if lane is not None and lane.paused:
            cap = min(cap, _SMALL)
        wanted = cap - size
        room = min(wanted, self._total_limit(limits, size + 1) - self.total)
        if room < wanted:
            self._starving = True
        if self.octets_left <= 0:
            self._starving = True
            return 0
        # Not in dribbles: each claim is a transaction.
        return room if size == 0 or room >= cap // 4 else 0

    @property
    def octets_left(self) -> int:
        """How many octets of splices may be claimed."""
        return max(0, self._limits().ready_size - self._octets)

    @staticmethod
    def _total_limit(limits: RelaySection, size: int) -> int:
        return limits.ready if size <= _SMALL else max(1, int(limits.ready * _SHARE))

    def add(self, account_id: int, deliveries: Iterable[Delivery], content: bytes | None = None) -> int:
        """Put deliveries at the end of a lane; return how many.

        A content that finds no room is left to the spool, where it is read when its turn comes: many parcels
        may have asked for the same room before the first of them was kept.
        """
        lane = self._lane(account_id)
        new = [Item(delivery, weight=delivery.weight) for delivery in deliveries]
        self._octets += sum([item.weight for item in new])
        if content is not None and new and self._octets + len(content) <= self._limits().ready_size:
            body = Body(content, len(new))
            self._octets += len(content)
            for item in new:
                item.body = body
        lane.items.extend(new)
        self.total += len(new)
        self._line_up(lane)
        return len(new)

    def note_more(self, account_id: int) -> None:
        """Remember that the spool has more due for an account than fits in."""
        self._lane(account_id).more = True

    def note_none_but(self, due: Iterable[int]) -> None:
        """Remember which accounts have nothing more in the spool."""
        self._starving = False
        wanted = set(due)
        for lane in list(self._lanes.values()):
            if lane.account_id not in wanted:
                lane.more = False
                self._drop_if_idle(lane)

    def take(self) -> Item | None:
        """Return the next delivery, from the next account; None when nothing may be sent now."""
        while self._turn:
            lane = self._turn.popleft()
            lane.in_turn = False
            if not self._may_serve(lane):
                continue
            item = lane.items.popleft()
            lane.in_flight += 1
            self.total -= 1
            self._line_up(lane)
            self._ask_for_more(lane)
            return item
        return None

    def done(self, item: Item) -> None:
        """Say that a delivery that was taken needs its place no more."""
        lane = self._lanes[item.delivery.submission.account_id]
        lane.in_flight -= 1
        self._forget_octets(item)
        self._line_up(lane)
        self._drop_if_idle(lane)

    def put_back(self, item: Item) -> None:
        """Put a delivery that was taken and not tried at the head of its lane."""
        lane = self._lanes[item.delivery.submission.account_id]
        lane.in_flight -= 1
        lane.items.appendleft(item)
        self.total += 1
        self._line_up(lane)

    def pause(self, account_id: int) -> list[Item]:
        """Let a lane stand still; return the deliveries that should wait in the spool instead."""
        lane = self._lane(account_id)
        lane.paused = True
        surplus = []
        while len(lane.items) > _SMALL:
            surplus.append(lane.items.pop())
        self._remove(surplus)
        lane.more = lane.more or bool(surplus)
        return surplus

    def resume(self, account_id: int) -> None:
        """Let a lane go on."""
        lane = self._lane(account_id)
        lane.paused = False
        self._line_up(lane)
        self._drop_if_idle(lane)

    def take_out(self, wanted: Callable[[Delivery], bool]) -> list[Item]:
        """Remove and return the waiting deliveries that ``wanted`` names."""
        out: list[Item] = []
        for lane in list(self._lanes.values()):
            chosen = [item for item in lane.items if wanted(item.delivery)]
            if chosen:
                lane.items = deque(item for item in lane.items if not wanted(item.delivery))
                out.extend(chosen)
        self._remove(out)
        return out

    def _remove(self, items: list[Item]) -> None:
        self.total -= len(items)
        for item in items:
            self._forget_octets(item)

    def _forget_octets(self, item: Item) -> None:
        self._octets -= item.weight
        if item.body is not None:
            item.body.copies -= 1
            if item.body.copies == 0:
                self._octets -= len(item.body.content)

    def _lane(self, account_id: int) -> _Lane:
        lane = self._lanes.get(account_id)
        if lane is None:
            lane = self._lanes[account_id] = _Lane(account_id)
        return lane

    def _may_serve(self, lane: _Lane) -> bool:
        return bool(lane.items) and not lane.paused and lane.in_flight < self.in_flight_limit

    def _line_up(self, lane: _Lane) -> None:
        if not lane.in_turn and self._may_serve(lane):
            lane.in_turn = True
            self._turn.append(lane)

    def _ask_for_more(self, lane: _Lane) -> None:
        if lane.more and len(lane.items) in {self._limits().ready_per_account // 2, _SMALL // 2, 0}:
            self._hungry()
        elif self._starving and self.total <= self._limits().ready // 2:
            self._starving = False
            self._hungry()

    def _drop_if_idle(self, lane: _Lane) -> None:
        if not (lane.items or lane.in_flight or lane.paused or lane.more or lane.in_turn):
            self._lanes.pop(lane.account_id, None)
