"""The cache of bodies keeps to its limit."""

from gateway.spool.bodies import Bodies


def test_the_one_asked_for_longest_ago_goes_first() -> None:
    bodies = Bodies(100)
    for name in "abcd":
        bodies.keep(name, bytes(25))
    assert bodies.get("a")
    bodies.keep("e", bytes(25))
    assert [name for name in "abcde" if bodies.get(name) is not None] == ["a", "c", "d", "e"]


def test_what_is_dropped_makes_room() -> None:
    bodies = Bodies(100)
    for name in "abcd":
        bodies.keep(name, bytes(25))
    bodies.drop("c")
    bodies.drop("c")
    bodies.keep("e", bytes(25))
    bodies.keep("e", bytes(25))
    assert [name for name in "abcde" if bodies.get(name) is not None] == ["a", "b", "d", "e"]
    bodies.clear()
    assert bodies.get("a") is None


def test_a_large_one_is_not_kept() -> None:
    bodies = Bodies(100)
    bodies.keep("a", bytes(26))
    assert bodies.get("a") is None
