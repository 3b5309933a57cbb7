"""The buffer of recorded events is bounded, and keeps the order."""

from gateway.spool.recorder import Recorder


def test_the_oldest_go() -> None:
    recorder = Recorder(limit=3)
    assert recorder.add([("a",), ("b",)]) == 0
    assert recorder.add([("c",), ("d",)]) == 1
    assert recorder.take() == [("b",), ("c",), ("d",)]
    assert recorder.take() == []


def test_what_could_not_be_written_comes_first_again() -> None:
    recorder = Recorder(limit=3)
    recorder.add([("a",), ("b",)])
    taken = recorder.take()
    recorder.add([("c",), ("d",)])
    assert recorder.give_back(taken) == 1
    assert recorder.take() == [("b",), ("c",), ("d",)]
