"""What is kept of messages and texts, and when it is worked out anew."""

from gateway.mime.lastplan import LastPlan, LastReadings
from gateway.mime.scan import scan


class Reader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


def test_a_plan_is_made_once_for_a_message_and_anew_for_its_twin() -> None:
    made = []
    plan = LastPlan(lambda message: made.append(message) or len(made))
    first, twin = scan(b"A: b\r\n\r\nc"), scan(b"A: b\r\n\r\nc")
    assert [plan(first), plan(first), plan(twin), plan(first)] == [1, 1, 2, 3]


def test_equal_octets_are_read_once_under_the_same_circumstances() -> None:
    readings, read = LastReadings[int](), Reader()
    assert readings.get(b"text", "7bit", read) == 1
    assert readings.get(bytes(bytearray(b"text")), "7bit", read) == 1
    assert readings.get(b"text", "base64", read) == 2
    assert readings.get(b"TEXT", "7bit", read) == 3


def test_only_the_last_few_are_kept_and_none_that_is_large() -> None:
    readings, read = LastReadings[int](), Reader()
    for number in range(9):
        readings.get(b"%d" % number, "", read)
    assert readings.get(b"0", "", read) == 10
    assert readings.get(b"8", "", read) == 9
    large = b"x" * 300_000
    assert readings.get(large, "", read) < readings.get(large, "", read)
