"""What was worked out for a message, kept for its next recipient; and for a text, kept for the next message.

Rewriting asks every policy once for each recipient of a message, in a row; most of what it answers is the
same for all. One plan is kept, and with it the message, until another one comes.

Many tenants hand a newsletter in once for each reader, and its text is often the same each time, because the
link that differs is put in here. What was read in the last few texts is kept too. They are compared and not
hashed: that is nothing for texts that differ, and for those that do not it is a pass at memory's speed.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from gateway.model.message import Message

Plan = TypeVar("Plan")
Reading = TypeVar("Reading")

_TEXTS = 8
_OCTETS = 1 << 20  # of all texts that are kept; a longer one is not


class LastPlan(Generic[Plan]):
    """A pure function of a message, called anew only for another message than the last."""

    __slots__ = ("_last", "_make")

    def __init__(self, make: Callable[[Message], Plan]) -> None:
        self._make = make
        self._last: tuple[Message, Plan] | None = None

    def __call__(self, message: Message) -> Plan:
        """Return the plan for a message. Which one it is, is a question of identity, not of equal bytes."""
        last = self._last
        if last is not None and last[0] is message:
            return last[1]
        plan = self._make(message)
        self._last = (message, plan)
        return plan


class LastReadings(Generic[Reading]):
    """What was read in the last few texts.

    ``kin``: what texts share that may be of use to each other; ``circumstances``: what else they depend on.
    """

    __slots__ = ("_last", "_left")

    def __init__(self) -> None:
        self._last: deque[tuple[bytes, object, object, Reading]] = deque()
        self._left = _OCTETS

    def of(self, text: bytes, kin: object, circumstances: object) -> Reading | None:
        """Return the reading of a text that is one of the last."""
        for known, its_kin, under, reading in self._last:
            if known == text and its_kin == kin and under == circumstances:
                return reading
        return None

    def akin(self, kin: object) -> Iterator[Reading]:
        """Yield the readings of the last texts of a kin, the last of all first."""
        return (reading for _, its_kin, _, reading in reversed(self._last) if its_kin == kin)

    def keep(self, text: bytes, kin: object, circumstances: object, reading: Reading) -> None:
        """Keep a reading, for as long as not too many others come after it."""
        if len(text) > _OCTETS:
            return
        self._last.append((text, kin, circumstances, reading))
        self._left -= len(text)
        while self._left < 0 or len(self._last) > _TEXTS:
            self._left += len(self._last.popleft()[0])
