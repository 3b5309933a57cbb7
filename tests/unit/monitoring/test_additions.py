"""From a window to its signs, as tables."""

import pytest

from gateway.model.addition import Addition, AdditionRules, Sign, Size, Step, step_of
from gateway.monitoring.additions import WEEK, signs

RULES = AdditionRules(least=5, burst=10)
PAUSES = (1.0, 50.0, 4.0, 90.0, 13.0, 70.0, 2.0, 33.0, 8.0, 61.0, 20.0)
STEPS = (Step.ON, Step.BACK, Step.ON, Step.BACK)


def window(count: int, **same: object) -> list[Addition]:
    """Return additions of people; ``same``: what all of them have."""
    found, at = [], 0.0
    for number in range(count):
        at += float(same.get("pause", PAUSES[number % len(PAUSES)]))
        found.append(
            Addition(
                at,
                3,
                same.get("step", STEPS[number % 4]),
                bool(same.get("role")),
                bool(same.get("odd")),
                same.get("person", b"%d" % number),
                b"client",
            )
        )
    return found


@pytest.mark.parametrize(
    ("seen", "sizes", "found"),
    [
        ([], {}, ()),
        (window(1), {}, ()),
        (window(10), {}, ()),
        (window(11), {}, (Sign.BURST,)),
        (window(11), {3: Size(100, WEEK)}, ()),
        (window(15), {3: Size(100, WEEK)}, ()),
        (window(16), {3: Size(100, WEEK)}, (Sign.BURST,)),
        (window(11), {3: Size(1_000_000, WEEK - 1)}, (Sign.BURST,)),
        (window(5, step=Step.ON), {}, (Sign.ALPHABET,)),
        (window(4, step=Step.ON), {}, ()),
        (window(5, step=Step.COUNTED), {}, (Sign.NUMBERS,)),
        (window(5, step=Step.BACK), {}, ()),
        (window(5, pause=9.0), {}, (Sign.CLOCKWORK,)),
        (window(5, pause=0.0), {}, ()),
        (window(5, person=b"x"), {}, (Sign.ONE_NETWORK,)),
        (window(5, person=b"client"), {}, (Sign.OWN_NETWORK,)),
        (window(5, person=b""), {}, ()),
        (window(5, role=True), {}, (Sign.ROLES,)),
        (window(5, odd=True), {}, (Sign.ODD_DOMAINS,)),
        (
            window(11, role=True, person=b"x", step=Step.COUNTED, pause=2.0),
            {},
            (Sign.BURST, Sign.NUMBERS, Sign.CLOCKWORK, Sign.ONE_NETWORK, Sign.ROLES),
        ),
    ],
)
def test_signs(seen, sizes, found) -> None:
    assert signs(seen, sizes, RULES) == found


def test_a_window_of_one_has_no_order() -> None:
    assert signs(window(1), {}, AdditionRules(least=1)) == (Sign.ONE_NETWORK,)


@pytest.mark.parametrize(
    ("before", "local", "step"),
    [
        ("ann", "bob", Step.ON),
        ("bob", "Ann", Step.BACK),
        ("ann", "ANN", Step.SAME),
        ("user9", "user10", Step.COUNTED),
        ("user09", "User10", Step.COUNTED),
        ("user9", "user11", Step.BACK),
        ("user1", "name2", Step.BACK),
        ("9", "10", Step.COUNTED),
        ("ann", "ann1", Step.ON),
    ],
)
def test_steps(before: str, local: str, step: Step) -> None:
    assert step_of(before, local) is step
