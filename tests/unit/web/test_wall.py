"""The wall: who passes, who takes the step, and that a step is good once."""

from itertools import count

import pytest

from gateway.settings.schema import SignupSection
from gateway.store.quota_memory import MemoryQuota
from gateway.web.stamp import StampKind, is_worked
from gateway.web.wall import Knock, NotNow, Pass, Step, Wall

from .conftest import KEYS, NOW, Counting, FixedClock

PLACE = "acme/news.acme.example"
SETTINGS = SignupSection(
    calm_network="2/h", calm_list="4/h", network="3/h", list="6/h", waited="1/h", wait=20, quickest=2, work=4
)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def wall(clock: FixedClock) -> Wall:
    return Wall(MemoryQuota(), clock, Counting(), lambda: KEYS, lambda: (2, KEYS[2]), lambda: SETTINGS)


def knock(network: str = "192.0.2.0/24", stamp: str = "", work: str = "", *, trapped: bool = False) -> Knock:
    return Knock(PLACE, network, stamp, work, trapped)


def worked(stamp: str) -> str:
    return next(str(one) for one in count() if is_worked(stamp, str(one), SETTINGS.work))


def step(wall: Wall, network: str = "192.0.2.0/24") -> str:
    found = wall.judge(knock(network, trapped=True))
    assert isinstance(found, Step)
    return found.stamp


def ours(
    wall: Wall, clock: FixedClock, network: str = "192.0.2.0/24", place: str = PLACE
) -> Pass | Step | NotNow:
    """Return what becomes of our form, filled in by a person."""
    stamp = wall.stamp(place)
    clock.at += 5
    return wall.judge(Knock(place, network, stamp, "", trapped=False))


def test_our_form_passes_while_its_network_is_calm(wall: Wall, clock: FixedClock) -> None:
    assert [ours(wall, clock) for _ in range(2)] == [Pass("calm")] * 2
    assert isinstance(ours(wall, clock), Step)
    assert ours(wall, clock, "198.51.100.0/24") == Pass("calm")


def test_what_only_posts_passes_never_and_uses_up_no_calm(wall: Wall, clock: FixedClock) -> None:
    assert all(isinstance(wall.judge(knock(f"10.0.{one}.0/24")), Step) for one in range(20))
    assert all(isinstance(wall.judge(knock(stamp="A" * 46)), Step) for _ in range(20))
    assert ours(wall, clock) == Pass("calm")


def test_a_list_that_is_not_calm_wants_the_step_of_everybody(wall: Wall, clock: FixedClock) -> None:
    judged = [ours(wall, clock, f"10.0.{one}.0/24") for one in range(5)]
    assert [isinstance(one, Pass) for one in judged] == [True] * 4 + [False]


def test_who_says_that_it_was_not_them_takes_the_list_s_calm_away(wall: Wall, clock: FixedClock) -> None:
    for _ in range(4):  # calm_list is 4/h, so one takes a quarter
        wall.complain(PLACE)
    assert isinstance(ours(wall, clock), Step)
    assert ours(wall, clock, place="acme/other.acme.example") == Pass("calm")


@pytest.mark.parametrize(
    ("age", "passes"),
    [(-1.0, False), (0.0, False), (1.9, False), (2.0, True), (86_399.0, True), (86_400.0, False)],
)
def test_our_form_passes_in_the_time_that_a_person_takes(wall: Wall, clock: FixedClock, age, passes) -> None:
    stamp = wall.stamp(PLACE)
    clock.at = NOW + age
    judged = wall.judge(knock(stamp=stamp))
    assert (judged == Pass("calm")) is passes
    assert passes or isinstance(judged, Step)


def test_a_field_that_nobody_sees_leads_to_the_step(wall: Wall) -> None:
    assert isinstance(wall.judge(knock(trapped=True)), Step)


def test_a_form_of_another_list_is_none_of_ours(wall: Wall, clock: FixedClock) -> None:
    stamp = wall.stamp("acme/other.acme.example", StampKind.STEP)
    clock.at += 30
    assert isinstance(wall.judge(knock(stamp=stamp, work=worked(stamp))), Step)


def test_work_passes_at_once_and_once(wall: Wall) -> None:
    stamp = step(wall)
    assert wall.judge(knock(stamp=stamp, work=worked(stamp))) == Pass("worked")
    again = wall.judge(knock(stamp=stamp, work=worked(stamp)))
    assert isinstance(again, Step)
    assert again.stamp != stamp
    assert not again.early


def test_without_scripts_it_is_a_wait(wall: Wall, clock: FixedClock) -> None:
    stamp = step(wall)
    clock.at += 19.9
    assert wall.judge(knock(stamp=stamp)) == Step(stamp, early=True)
    clock.at += 0.2
    assert wall.judge(knock(stamp=stamp)) == Pass("waited")


def test_who_waits_does_it_at_a_lower_rate(wall: Wall, clock: FixedClock) -> None:
    stamps = [step(wall) for _ in range(3)]
    clock.at += 30
    assert isinstance(wall.judge(knock(stamp=stamps[0])), Pass)
    refused = wall.judge(knock(stamp=stamps[1]))
    assert isinstance(refused, NotNow)
    assert 3500 < refused.wait <= 3600
    assert isinstance(wall.judge(knock(stamp=stamps[2], work=worked(stamps[2]))), Pass), (
        "work is another rate"
    )


def test_a_step_that_lies_about_is_too_old(wall: Wall, clock: FixedClock) -> None:
    stamp = step(wall)
    clock.at += 3600
    for _ in range(2):
        ours(wall, clock)
    assert isinstance(wall.judge(knock(stamp=stamp, work=worked(stamp))), Step)


def test_a_network_and_a_list_have_their_most(wall: Wall) -> None:
    def passes(network: str) -> bool:
        stamp = step(wall, network)
        return isinstance(wall.judge(knock(network, stamp, worked(stamp))), Pass)

    assert [passes("192.0.2.0/24") for _ in range(4)] == [True] * 3 + [False]
    assert [passes("198.51.100.0/24") for _ in range(3)] == [True] * 3
    assert not passes("203.0.113.0/24"), "the list has had its six"
