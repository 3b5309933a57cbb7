"""Single additions of subscribers, as the watch over them knows them: no address in it. Pure."""

import re
from enum import IntEnum, StrEnum

from gateway.model.values import dataclass

_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})\Z", re.DOTALL)


class Step(IntEnum):
    """How a local part follows the one before."""

    BACK = -1
    SAME = 0
    ON = 1  # later in the alphabet
    COUNTED = 2  # the same with the next number


@dataclass(frozen=True, slots=True)
class Addition:
    """One of them. Networks are the account's own keyed hashes; b"" where none was stated."""

    at: float
    list_id: int
    step: Step
    is_role: bool
    is_odd: bool  # in a domain that is thrown away, or one letter off a provider's
    person_network: bytes
    client_network: bytes


@dataclass(frozen=True, slots=True)
class Size:
    """How large a list is, about, and for how long there has been anybody on it, in seconds."""

    members: int
    age: float


class Sign(StrEnum):
    """What additions look like when nobody asked for them."""

    BURST = "burst"  # more than the list's size and age make likely
    ALPHABET = "alphabet"
    NUMBERS = "numbers"  # name1, name2, name3
    CLOCKWORK = "clockwork"  # at equal intervals
    ONE_NETWORK = "one-network"  # most people are said to sit in one
    OWN_NETWORK = "own-network"  # they are said to sit where the asking program does
    ROLES = "roles"  # mailboxes of houses
    ODD_DOMAINS = "odd-domains"  # thrown away, or misspelt


class Then(StrEnum):
    """What becomes of the next additions of an account with a sign."""

    REPORT = "report"  # nothing: it is an event
    ASK = "ask"  # each of them by double opt-in, and not too many
    HOLD = "hold"  # none


@dataclass(frozen=True, slots=True)
class AdditionRules:
    """``[additions]`` of policy.toml. Shares are between 0 and 1."""

    then: Then = Then.ASK
    least: int = 20  # additions before their order and sources say anything
    burst: int = 60  # to one list in an hour, whatever its size
    growth: float = 0.05  # of a list that is older than a week, beside that
    share: float = 0.8  # of all, that makes a sign of an order or a source
    roles: float = 0.2
    odd: float = 0.2
    asks: int = 30  # an hour, of an account whose additions are asked for


def step_of(before: str, local: str) -> Step:
    """Return how a local part follows another; capitals make no difference."""
    old, new = before.casefold(), local.casefold()
    counted, counts = _NUMBERED.match(old), _NUMBERED.match(new)
    if counted and counts and counted[1] == counts[1] and int(counts[2]) == int(counted[2]) + 1:
        return Step.COUNTED
    return Step((new > old) - (new < old))
