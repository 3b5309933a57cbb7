"""Newsletters, and how each of them went: counts and the rates that follow from them. Pure.

A newsletter is what went to one list on one day, UTC: that is how it is named, because it is what every
message tells of itself without the sender's help. Its copies, and all that came of them later, belong to
the day on which the messages were taken.
"""

from datetime import UTC, date, datetime

from gateway.model.identity import new_id
from gateway.model.values import dataclass

_DAY = 86_400
_NO_CHANCE = bytes(10)


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a newsletter. ``deferred``: copies that had to wait at least once."""

    accepted: int = 0  # copies that the gateway took
    delivered: int = 0
    deferred: int = 0
    bounced: int = 0  # the next hop refused them
    expired: int = 0
    stopped: int = 0  # by a policy or an operator, after they were taken
    unsubscribed: int = 0
    complained: int = 0

    @property
    def rates(self) -> dict[str, float | None]:
        """Return shares: of what was accepted, and of what was delivered for what readers did; or None."""
        return {
            "delivered": share(self.delivered, self.accepted),
            "deferred": share(self.deferred, self.accepted),
            "bounced": share(self.bounced, self.accepted),
            "unsubscribed": share(self.unsubscribed, self.delivered),
            "complained": share(self.complained, self.delivered),
        }


@dataclass(frozen=True, slots=True)
class Newsletter:
    """One of them. ``day``: days since 1970-01-01, UTC."""

    list_id: int
    day: int
    figures: Figures

    @property
    def date(self) -> date:
        """Its day as people write it."""
        return datetime.fromtimestamp(self.day * _DAY, UTC).date()


def share(part: int, whole: int) -> float | None:
    """Return a share between 0 and 1, of nothing None; a reader may leave a copy that is on its way yet."""
    return min(1.0, round(part / whole, 6)) if whole else None


def day_of(submission_id: str) -> int:
    """Return the day on which a submission was taken: its id begins with the time."""
    return _milliseconds(submission_id) // (_DAY * 1000)


def first_id(day: int) -> str:
    """Return what no id of that day is smaller than, and every id of the days before is."""
    return new_id(float(day * _DAY), _NO_CHANCE)


def _milliseconds(submission_id: str) -> int:
    number = 0
    for letter in submission_id[:10]:
        number = number * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(letter)
    return number
