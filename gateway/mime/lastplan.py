"""What was worked out for a message, kept for its next recipient.

Rewriting asks every policy once for each recipient of a message, in a row; most of what it answers is the
same for all. One plan is kept, and with it the message, until another one comes.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.model.message import Message

Plan = TypeVar("Plan")


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
