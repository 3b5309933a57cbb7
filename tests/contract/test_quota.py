"""What every Quota promises."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.facts import QuotaFact
from gateway.model.rate import Rate
from gateway.ports import Quota
from gateway.store.quota import SharedQuota
from gateway.store.quota_memory import MemoryQuota

NOW = 1_700_000_000.0
SECOND, MINUTE, HOUR = Rate(10, 1), Rate(60, 60), Rate(100, 3600)
GRANTED = QuotaFact()


class SystemEntropy:
    def octets(self, count: int) -> bytes:
        return os.urandom(count)

    def fraction(self) -> float:
        return random.random()


@pytest.fixture(params=["memory", "shared"])
def quota(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Quota]:
    if request.param == "memory":
        yield MemoryQuota()
        return
    shared = SharedQuota(tmp_path / "quota.shm", SystemEntropy())
    yield shared
    shared.close()


def taken(quota: Quota, rates: tuple[Rate, ...], burst: int, now: float, attempts: int = 200) -> int:
    return sum(quota.reserve(b"k", rates, burst, now) == GRANTED for _ in range(attempts))


def test_the_burst_comes_at_once_and_then_the_rate(quota):
    assert taken(quota, (SECOND,), 5, NOW) == 5
    assert taken(quota, (SECOND,), 5, NOW + 0.1) == 1
    assert taken(quota, (SECOND,), 5, NOW + 0.4) == 3
    assert taken(quota, (SECOND,), 5, NOW + 1000) == 5


def test_a_refusal_says_how_long_and_by_which_rate(quota):
    taken(quota, (HOUR, SECOND), 5, NOW)
    fact = quota.reserve(b"k", (HOUR, SECOND), 5, NOW)
    assert fact.wait == pytest.approx(36, abs=1e-6)
    assert fact.rate == "100/h"
    assert quota.reserve(b"k", (HOUR, SECOND), 5, NOW + fact.wait) == GRANTED


def test_all_rates_or_none(quota):
    assert taken(quota, (SECOND, HOUR), 5, NOW) == 5
    # A second later the one rate has room again and the other has none: nothing is taken of either.
    assert taken(quota, (SECOND, HOUR), 5, NOW + 1) == 0
    assert taken(quota, (SECOND,), 5, NOW + 1) == 5


def test_no_burst_said_is_the_amount_of_the_smallest_period(quota):
    assert taken(quota, (MINUTE, SECOND), 0, NOW) == 10


def test_several_at_once(quota):
    assert quota.reserve(b"k", (SECOND,), 10, NOW, 7) == GRANTED
    assert quota.reserve(b"k", (SECOND,), 10, NOW, 7).wait == pytest.approx(0.4, abs=1e-6)
    assert quota.reserve(b"k", (SECOND,), 10, NOW, 3) == GRANTED


def test_what_is_given_back_can_be_taken_again(quota):
    assert taken(quota, (SECOND, HOUR), 5, NOW) == 5
    quota.give_back(b"k", (SECOND, HOUR), 2)
    assert taken(quota, (SECOND, HOUR), 5, NOW) == 2


def test_giving_back_what_nobody_took_changes_nothing(quota):
    quota.give_back(b"k", (SECOND,))
    assert taken(quota, (SECOND,), 5, NOW) == 5


def test_check_takes_nothing(quota):
    assert all(quota.check(b"k", (SECOND,), 5, NOW) == GRANTED for _ in range(20))
    assert taken(quota, (SECOND,), 5, NOW) == 5
    assert quota.check(b"k", (SECOND,), 5, NOW) == quota.reserve(b"k", (SECOND,), 5, NOW)
    assert quota.check(b"k", (SECOND,), 5, NOW).wait == pytest.approx(0.1, abs=1e-6)


def test_keys_and_rates_are_apart(quota):
    assert taken(quota, (SECOND,), 5, NOW) == 5
    assert quota.reserve(b"other", (SECOND,), 5, NOW) == GRANTED
    assert quota.reserve(b"k", (Rate(11, 1),), 5, NOW) == GRANTED


def test_no_rates_are_no_limit(quota):
    assert taken(quota, (), 0, NOW) == 200
    assert quota.check(b"k", (), 0, NOW) == GRANTED
    quota.give_back(b"k", ())


def test_a_clock_that_was_ahead_does_not_lock_for_long(quota):
    assert taken(quota, (SECOND,), 5, NOW + 86400) == 5
    assert taken(quota, (SECOND,), 5, NOW) == 0
    assert quota.reserve(b"k", (SECOND,), 5, NOW).wait <= 0.1 + 1e-6
    assert taken(quota, (SECOND,), 5, NOW + 0.2) == 2


def test_many_rates_and_huge_ones(quota):
    rates = tuple(Rate(amount, period) for period in (1, 60, 3600, 86400) for amount in range(10, 20))
    assert taken(quota, rates, 5, NOW) == 5
    assert quota.check(b"k", rates, 5, NOW).wait > 0
    quota.give_back(b"k", rates, 2)
    assert taken(quota, rates, 5, NOW) == 2
    assert quota.reserve(b"huge", (Rate(2**80, 1),), 0, NOW) == GRANTED


def test_the_twins_agree_on_a_long_random_life(tmp_path):
    dice = random.Random(7)  # the same life every time
    twins = (MemoryQuota(), SharedQuota(tmp_path / "quota.shm", SystemEntropy()))
    now = NOW
    for _ in range(2000):
        now += dice.choice([0, 0, 0.01, 0.1, 3, -0.05])
        key, count = dice.choice([b"a", b"b", b"c"]), dice.choice([1, 1, 2, 5])
        rates = dice.choice([(SECOND,), (SECOND, MINUTE), (HOUR,)])
        if dice.random() < 0.1:
            for one in twins:
                one.give_back(key, rates, count)
        answers = [one.reserve(key, rates, 8, now, count) for one in twins]
        assert answers[0] == answers[1]
        assert twins[0].check(key, rates, 8, now) == twins[1].check(key, rates, 8, now)
    twins[1].close()


def test_memory_does_not_keep_what_has_passed(monkeypatch):
    monkeypatch.setattr("gateway.store.quota_memory._SWEEP_AT", 10)
    memory = MemoryQuota()
    for number in range(50):
        memory.reserve(b"%d" % number, (SECOND,), 5, NOW + number)
    assert len(memory._tats) <= 12
