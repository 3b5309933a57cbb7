"""An import as a case: its states as one table, which the store keeps by compare-and-set. Pure.

Rows are received into the case; nothing of them counts. When all are there the case is examined as a whole,
its report decides, or an operator does, and only then it is applied. What has ended moves no more.
"""

from enum import StrEnum


class CaseState(StrEnum):
    """Where an import stands."""

    RECEIVING = "receiving"  # rows come in
    RECEIVED = "received"  # all are there
    EXAMINED = "examined"  # the report is there, the decision is not
    ACCEPTED = "accepted"  # to be applied
    PENDING = "pending"  # to be applied, each by its own double opt-in
    HELD = "held"  # an operator decides
    REFUSED = "refused"
    APPLYING = "applying"
    APPLIED = "applied"


class CaseEvent(StrEnum):
    """What moves it."""

    COMPLETE = "complete"
    EXAMINE = "examine"
    ACCEPT = "accept"
    ASK = "ask"  # double opt-in
    HOLD = "hold"
    REFUSE = "refuse"
    BEGIN = "begin"
    FINISH = "finish"


class NoSuchMove(ValueError):
    """The table has no such move; the message says where the case stands."""


_S, _E = CaseState, CaseEvent

MOVES: dict[tuple[CaseState, CaseEvent], CaseState] = {
    (_S.RECEIVING, _E.COMPLETE): _S.RECEIVED,
    (_S.RECEIVING, _E.REFUSE): _S.REFUSED,  # given up
    (_S.RECEIVED, _E.EXAMINE): _S.EXAMINED,
    (_S.RECEIVED, _E.REFUSE): _S.REFUSED,
    (_S.EXAMINED, _E.ACCEPT): _S.ACCEPTED,
    (_S.EXAMINED, _E.ASK): _S.PENDING,
    (_S.EXAMINED, _E.HOLD): _S.HELD,
    (_S.EXAMINED, _E.REFUSE): _S.REFUSED,
    (_S.HELD, _E.ACCEPT): _S.ACCEPTED,
    (_S.HELD, _E.ASK): _S.PENDING,
    (_S.HELD, _E.REFUSE): _S.REFUSED,
    (_S.ACCEPTED, _E.REFUSE): _S.REFUSED,  # an operator is quicker than the application
    (_S.PENDING, _E.REFUSE): _S.REFUSED,
    (_S.ACCEPTED, _E.BEGIN): _S.APPLYING,
    (_S.PENDING, _E.BEGIN): _S.APPLYING,
    (_S.APPLYING, _E.FINISH): _S.APPLIED,
}

ENDED = frozenset({CaseState.REFUSED, CaseState.APPLIED})
TO_DO = frozenset(
    {CaseState.RECEIVED, CaseState.EXAMINED, CaseState.ACCEPTED, CaseState.PENDING, CaseState.APPLYING}
)
"""What goes on by itself."""


def move(state: CaseState, event: CaseEvent) -> CaseState:
    """Return the state that follows; raise NoSuchMove."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise NoSuchMove(f"the import is {state}: it cannot {event} any more") from None
