"""What an operator's policy says of imports, and how it is decided. Pure.

A report has a score; the score decides, from the mildest answer to the hardest. An account that may write on
a double opt-in only gets no statement accepted as it stands: its rows are asked.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from gateway.model.facts import Basis, ConsentLevel
from gateway.model.values import dataclass


class Decision(StrEnum):
    """What becomes of an import."""

    ACCEPT = "accept"
    ASK = "ask"  # each address by its own double opt-in
    HOLD = "hold"  # an operator decides
    REFUSE = "refuse"


POINTS: Mapping[str, int] = {
    "role": 15,
    "disposable": 30,
    "typo": 15,
    "dead": 20,
    "no-mail": 40,
    "sorted": 5,
    "numbered": 40,
    "one-name": 30,
    "same-time": 15,
    "impossible-time": 30,
    "same-ip": 15,
    "no-evidence": 20,
    "doubled": 10,
    "gone": 40,
    "traps": 60,
    "velocity": 20,
    "moved": 40,
    "bought": 60,
}
"""The most that each finding adds to the score."""


@dataclass(frozen=True, slots=True)
class ImportRules:
    """``[imports]`` of policy.toml. A score from ``ask`` on is asked, and so on."""

    ask: int = 25
    hold: int = 50
    refuse: int = 100
    rows: int = 2_000_000  # of one import, at most
    per_day: int = 1000  # rows that each day of an account's age makes likely
    points: Mapping[str, int] = field(default_factory=lambda: POINTS)
    look_up: bool = True  # whether domains are looked up in the DNS
    domains: int = 2000  # of an import, the largest first
    seconds: float = 60.0  # for all of them
    asks: int = 1000  # an hour, of one import

    def decide(self, score: float, basis: Basis, consent: ConsentLevel) -> Decision:
        """Return what becomes of an import with this score."""
        if score >= self.refuse:
            return Decision.REFUSE
        if score >= self.hold:
            return Decision.HOLD
        too_weak = basis is Basis.ASSERTED and consent is ConsentLevel.CONFIRMED
        return Decision.ASK if score >= self.ask or too_weak else Decision.ACCEPT
