"""What becomes of a wish to be on a list."""

import pytest

from gateway.model.facts import Basis, SubscriptionState
from gateway.model.signup import Fate, Known, Terms, fate

S, B = SubscriptionState, Basis
NOW = 1_800_000_000.0
TERMS = Terms(expires=7 * 86_400.0, reminder=0.0, person_hour=5, person_day=10)


def known(
    state: S | None = None, basis: B | None = None, *, suppressed=False, age: float | None = None, reminded=False, hour=0, day=0
) -> Known:  # fmt: skip
    return Known(state, basis, suppressed, None if age is None else NOW - age, reminded, hour, day)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (known(), Fate.LETTER),
        (known(S.PENDING, B.DOUBLE_OPT_IN), Fate.LETTER),  # one that has expired, and is not erased yet
        (known(S.UNSUBSCRIBED, B.DOUBLE_OPT_IN), Fate.LETTER),
        (known(S.COMPLAINED, B.ASSERTED), Fate.LETTER),
        (known(S.BOUNCED, B.ASSERTED), Fate.LETTER),
        (known(S.CONFIRMED, B.ASSERTED), Fate.LETTER),  # their own word is the better basis
        (known(S.CONFIRMED, B.DOUBLE_OPT_IN), Fate.SUBSCRIBED),
        (known(S.CONFIRMED, B.DOUBLE_OPT_IN, suppressed=True), Fate.SUPPRESSED),
        (known(suppressed=True), Fate.SUPPRESSED),
        (known(suppressed=True, age=4000), Fate.SUPPRESSED),
        (known(S.PENDING, B.DOUBLE_OPT_IN, age=0, hour=1, day=1), Fate.WAITING),
        (known(S.PENDING, B.DOUBLE_OPT_IN, age=3599.9, hour=1, day=1), Fate.WAITING),
        (known(S.PENDING, B.DOUBLE_OPT_IN, age=3600, day=1), Fate.REMINDER),
        (known(S.PENDING, B.DOUBLE_OPT_IN, age=9999, reminded=True, day=1), Fate.WAITING),
        (known(S.UNSUBSCRIBED, B.ASSERTED, age=3600), Fate.REMINDER),
        (known(hour=4, day=9), Fate.LETTER),
        (known(hour=5, day=5), Fate.BOMBING),
        (known(hour=0, day=10), Fate.BOMBING),
        (known(age=10, hour=5, day=5), Fate.WAITING),
    ],
)
def test_fate(what, wanted) -> None:
    assert fate(what, TERMS, NOW) is wanted
