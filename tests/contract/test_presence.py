"""What every Presence promises."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.store.presence import SharedPresence
from gateway.store.presence_memory import MemoryPresence

AnyPresence = MemoryPresence | SharedPresence
Start = Callable[[int], AnyPresence]


class SystemEntropy:
    def octets(self, count: int) -> bytes:
        return os.urandom(count)

    def fraction(self) -> float:
        return random.random()


@pytest.fixture(params=["memory", "shared"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start a worker of that number: what a restart of it does, too."""
    columns: dict[int, Counter[bytes]] = {}
    opened: list[SharedPresence] = []

    def begin(worker: int) -> AnyPresence:
        if request.param == "memory":
            return MemoryPresence(columns, worker)
        opened.append(SharedPresence(tmp_path / "presence.shm", SystemEntropy(), worker))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


def test_up_to_the_limit_and_again_after_one_left(start):
    presence = start(0)
    assert [presence.enter(b"k", 3) for _ in range(5)] == [True, True, True, False, False]
    presence.leave(b"k")
    assert presence.enter(b"k", 3)
    assert not presence.enter(b"k", 3)
    assert presence.count(b"k") == 3


def test_all_workers_count_together(start):
    one, two = start(0), start(255)
    assert one.enter(b"k", 2)
    assert two.enter(b"k", 2)
    assert not one.enter(b"k", 2)
    two.leave(b"k")
    assert one.enter(b"k", 2)
    assert one.count(b"k") == two.count(b"k") == 2


def test_keys_are_apart(start):
    presence = start(0)
    assert presence.enter(b"a", 1)
    assert presence.enter(b"b", 1)
    presence.leave(b"a")
    assert not presence.enter(b"b", 1)


def test_a_limit_of_none_lets_nobody_in(start):
    presence = start(0)
    assert not presence.enter(b"k", 0)
    presence.enter(b"k", 1)
    presence.leave(b"k")
    assert not presence.enter(b"k", 0)


def test_leaving_without_having_entered_changes_nothing(start):
    one, two = start(0), start(1)
    one.leave(b"k")
    one.enter(b"k", 9)
    two.leave(b"k")  # the other's session is not this worker's to take
    assert one.count(b"k") == 1
    one.leave(b"k")
    one.leave(b"k")
    assert one.count(b"k") == 0


def test_a_worker_that_starts_anew_has_no_sessions(start):
    dead, alive = start(3), start(4)
    for presence in (dead, dead, alive):
        assert presence.enter(b"k", 9)
    start(3)
    assert alive.count(b"k") == 1


def test_the_count_is_right_after_a_long_random_life(start):
    dice = random.Random(11)  # the same life every time
    workers = [start(number) for number in range(3)]
    inside: list[tuple[AnyPresence, bytes]] = []
    for _ in range(1500):
        key = b"k%d" % dice.randrange(20)
        if dice.random() < 0.6:
            worker = dice.choice(workers)
            if worker.enter(key, 7):
                inside.append((worker, key))
        elif inside:
            worker, key = inside.pop(dice.randrange(len(inside)))
            worker.leave(key)
    for number in range(20):
        expected = sum(key == b"k%d" % number for _, key in inside)
        assert workers[0].count(b"k%d" % number) == expected <= 7
