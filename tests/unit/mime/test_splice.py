import pytest

from gateway.mime.splice import SpliceConflict, apply, check
from gateway.model.splice import Splice


def test_edits_stand_where_they_should() -> None:
    splices = (
        Splice(0, 0, b"1"),
        Splice(0, 0, b"2"),
        Splice(0, 1, b""),
        Splice(2, 3, b"X"),
        Splice(4, 4, b"!"),
    )
    assert apply(b"abcd", splices) == b"12bXd!"
    assert apply(b"abcd", ()) == b"abcd"


def test_a_big_message_is_the_same() -> None:
    assert apply(b"a" * 100_000, [Splice(99_999, 100_000, b"b")]) == b"a" * 99_999 + b"b"


@pytest.mark.parametrize(
    "splices",
    [[Splice(0, 3, b""), Splice(2, 4, b"")], [Splice(3, 2, b"")], [Splice(4, 5, b"")], [Splice(9, 9, b"")]],
)
def test_what_does_not_fit_together_is_refused(splices: list[Splice]) -> None:
    with pytest.raises(SpliceConflict):
        apply(b"abcd", splices)


def test_what_does_not_fit_is_seen_before_it_is_applied() -> None:
    check([Splice(0, 1, b""), Splice(1, 1, b"x")], 1)
    for splices in ([Splice(0, 2, b"")], [Splice(1, 1, b""), Splice(0, 0, b"")], [Splice(1, 0, b"")]):
        with pytest.raises(SpliceConflict):
            check(splices, 1)
