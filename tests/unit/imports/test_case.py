"""The states of an import, as one table."""

import pytest

from gateway.imports.case import ENDED, MOVES, TO_DO, CaseEvent, CaseState, NoSuchMove, move


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("event", CaseEvent)
def test_only_what_the_table_says_moves_it(state, event):
    if (state, event) in MOVES:
        assert move(state, event) is MOVES[state, event]
    else:
        with pytest.raises(NoSuchMove, match=str(state)):
            move(state, event)


def test_what_has_ended_moves_no_more():
    assert not {state for state, _ in MOVES} & ENDED


def test_nothing_counts_before_the_report_and_the_decision():
    """Every way to APPLYING leads through EXAMINED, and through a decision."""
    before = {CaseState.APPLYING}
    while True:
        more = {state for (state, _), to in MOVES.items() if to in before} - before - {CaseState.EXAMINED}
        if not more:
            break
        before |= more
    assert before == {CaseState.APPLYING, CaseState.ACCEPTED, CaseState.PENDING, CaseState.HELD}


def test_what_goes_on_by_itself_can_go_on():
    assert {state for state, _ in MOVES} >= TO_DO
