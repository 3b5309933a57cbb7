"""What an account's additions of the last hour look like. Pure.

People come when they like, from everywhere, in no order. A program that works off a list is seen by what it
cannot hide cheaply: how many there are for a list of that size and age, that they come in the order of the
alphabet or with counted names, as regularly as a clock, and that all of these people are said to sit in one
network, or where the program does. Whoever shuffles, waits at random and invents networks is not seen here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, pstdev

from gateway.model.addition import Addition, AdditionRules, Sign, Size, Step

HOUR, WEEK = 3600.0, 7 * 86_400.0
_REGULAR = 0.1  # of the mean: chance arrivals vary by the whole of it


def signs(window: Sequence[Addition], sizes: Mapping[int, Size], rules: AdditionRules) -> tuple[Sign, ...]:
    """Return what is seen in additions, oldest first; ``sizes`` of their lists."""
    found = [Sign.BURST] if _is_burst(window, sizes, rules) else []
    if len(window) >= rules.least:
        found.extend(_of_order(window, rules))
        found.extend(_of_sources(window, rules))
    return tuple(found)


def _is_burst(window: Sequence[Addition], sizes: Mapping[int, Size], rules: AdditionRules) -> bool:
    counts = Counter(one.list_id for one in window)
    return any(count > _likely(sizes.get(list_id), rules) for list_id, count in counts.items())


def _likely(size: Size | None, rules: AdditionRules) -> float:
    """Return how many may come in an hour. A young list is as large as it is because of them."""
    if size is None or size.age < WEEK:
        return rules.burst
    return rules.burst + size.members * rules.growth


def _of_order(window: Sequence[Addition], rules: AdditionRules) -> Iterator[Sign]:
    steps = [one.step for one in window[1:]]
    if _share(steps, Step.COUNTED) >= rules.share:
        yield Sign.NUMBERS
    elif _share([min(step, Step.ON) for step in steps], Step.ON) >= rules.share:
        yield Sign.ALPHABET
    pauses = [later.at - earlier.at for earlier, later in pairwise(window)]
    mean = fmean(pauses) if pauses else 0.0
    if mean > 0 and pstdev(pauses) < _REGULAR * mean:
        yield Sign.CLOCKWORK


def _of_sources(window: Sequence[Addition], rules: AdditionRules) -> Iterator[Sign]:
    stated = [one for one in window if one.person_network]
    if len(stated) >= rules.least:
        own = sum(one.person_network == one.client_network for one in stated)
        most = Counter(one.person_network for one in stated).most_common(1)[0][1]
        if own >= rules.share * len(stated):
            yield Sign.OWN_NETWORK
        elif most >= rules.share * len(stated):
            yield Sign.ONE_NETWORK
    if sum(one.is_role for one in window) >= rules.roles * len(window):
        yield Sign.ROLES
    if sum(one.is_odd for one in window) >= rules.odd * len(window):
        yield Sign.ODD_DOMAINS


def _share(steps: Sequence[int], which: Step) -> float:
    return sum(step == which for step in steps) / len(steps) if steps else 0.0
