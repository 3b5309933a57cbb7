"""What is kept of messages and texts, and when it is worked out anew."""

from gateway.mime.lastplan import LastPlan, LastReadings
from gateway.mime.scan import scan


def test_a_plan_is_made_once_for_a_message_and_anew_for_its_twin() -> None:
    made = []
    plan = LastPlan(lambda message: made.append(message) or len(made))
    first, twin = scan(b"A: b\r\n\r\nc"), scan(b"A: b\r\n\r\nc")
    assert [plan(first), plan(first), plan(twin), plan(first)] == [1, 1, 2, 3]


def test_equal_octets_have_a_reading_in_the_same_circumstances() -> None:
    readings = LastReadings[int]()
    readings.keep(b"text", "7bit", "x", 1)
    readings.keep(b"other", "7bit", "y", 2)
    assert readings.of(bytes(bytearray(b"text")), "7bit", "x") == 1
    assert readings.of(b"text", "base64", "x") is None
    assert readings.of(b"text", "7bit", "y") is None
    assert readings.of(b"TEXT", "7bit", "x") is None
    assert list(readings.akin("7bit")) == [2, 1]
    assert list(readings.akin("base64")) == []


def test_only_the_last_few_are_kept() -> None:
    readings = LastReadings[int]()
    for number in range(9):
        readings.keep(b"%d" % number, "", "", number)
    assert list(readings.akin("")) == [8, 7, 6, 5, 4, 3, 2, 1]


def test_only_so_many_octets_are_kept() -> None:
    readings = LastReadings[int]()
    for number in range(4):
        readings.keep(b"%d" % number * 400_000, "", "", number)
    readings.keep(b"x" * 1_100_000, "", "", 9)
    assert list(readings.akin("")) == [3, 2]
