"""Subscribers as the account's own programs add and see them."""

from enum import StrEnum

from gateway.model.address import Address
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.values import dataclass


class Mode(StrEnum):
    """How somebody comes onto a list."""

    DOUBLE_OPT_IN = "double-opt-in"  # a letter asks whether it was them
    ASSERTED = "asserted"  # the account states that they have asked


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the account says of how they asked. ``ip``: theirs, not that of a server."""

    source: str = ""
    ip: str = ""
    user_agent: str = ""
    at: str = ""  # RFC 3339
    text: str = ""  # what was shown to them


@dataclass(frozen=True, slots=True)
class Statement:
    """An account wants somebody on a list. ``client``: the network of whoever asks us."""

    account_id: int
    list_id: int
    address: Address
    mode: Mode
    language: str
    evidence: Evidence
    key_id: str
    client: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscription. Times are seconds since the epoch; ``paused_until`` 0: not paused."""

    address: str
    list_id: str  # its List-Id
    state: SubscriptionState
    basis: Basis
    source: str
    created_at: float
    changed_at: float
    paused_until: float = 0.0


class Added(StrEnum):
    """What became of a statement."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ASKED = "asked"  # by a letter, if there may be one; the answer does not tell
    LEFT = "left"
    NOT_ALLOWED = "not-allowed"  # the account's consent level wants a double opt-in
    NO_LIST = "no-list"
    SUSPENDED = "suspended"
    HELD = "held"  # the watch over additions has stopped them
