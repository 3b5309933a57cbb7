from gateway.store.bounded import Bounded


def test_the_oldest_makes_room() -> None:
    bounded: Bounded[str, int] = Bounded(2)
    bounded.put("a", 1)
    bounded.put("b", 2)
    bounded.put("a", 3)
    bounded.put("c", 4)
    assert (bounded.get("a"), bounded.get("b"), bounded.get("c"), len(bounded)) == (3, None, 4, 2)
    bounded.pop("a")
    bounded.pop("a")
    assert len(bounded) == 1
    bounded.clear()
    assert len(bounded) == 0
