import pytest

from gateway.model.facts import Basis, SubscriptionState
from gateway.store.bond import Change, Left, Standing, subscribe, why_left

S, B = SubscriptionState, Basis
NOW = 86400.0

ROWS = [
    # as it stands, what is wished, what becomes of it
    (None, (S.CONFIRMED, B.ASSERTED), Change.ADDED),
    (None, (S.PENDING, B.DOUBLE_OPT_IN), Change.ADDED),
    ((S.CONFIRMED, B.ASSERTED), (S.CONFIRMED, B.ASSERTED), Change.UNCHANGED),
    ((S.CONFIRMED, B.ASSERTED), (S.CONFIRMED, B.DOUBLE_OPT_IN), Change.CHANGED),
    ((S.CONFIRMED, B.RECOMMENDED), (S.CONFIRMED, B.ASSERTED), Change.CHANGED),
    ((S.CONFIRMED, B.DOUBLE_OPT_IN), (S.CONFIRMED, B.ASSERTED), Change.UNCHANGED),
    ((S.CONFIRMED, B.ASSERTED), (S.PENDING, B.DOUBLE_OPT_IN), Change.UNCHANGED),
    ((S.PENDING, B.DOUBLE_OPT_IN), (S.CONFIRMED, B.DOUBLE_OPT_IN), Change.CHANGED),
    ((S.PENDING, B.DOUBLE_OPT_IN), (S.PENDING, B.DOUBLE_OPT_IN), Change.UNCHANGED),
    ((S.UNSUBSCRIBED, B.ASSERTED), (S.CONFIRMED, B.DOUBLE_OPT_IN), Change.CHANGED),
    ((S.UNSUBSCRIBED, B.DOUBLE_OPT_IN), (S.PENDING, B.DOUBLE_OPT_IN), Change.CHANGED),
]


@pytest.mark.parametrize(("now", "wish", "becomes"), ROWS)
def test_what_a_wish_becomes(now: tuple[S, B] | None, wish: tuple[S, B], becomes: Change) -> None:
    assert subscribe(now and Standing(*now, NOW), *wish) is becomes


@pytest.mark.parametrize("state", [S.UNSUBSCRIBED, S.BOUNCED, S.COMPLAINED])
@pytest.mark.parametrize("basis", [B.ASSERTED, B.RECOMMENDED, B.ACCOUNT])
def test_who_left_is_not_brought_back_by_a_statement(state: S, basis: B) -> None:
    standing = Standing(state, B.DOUBLE_OPT_IN, NOW)
    refused = subscribe(standing, S.CONFIRMED, basis)
    assert refused == Left(standing)
    assert f"{state} since 1970-01-02" in why_left(Left(standing))
