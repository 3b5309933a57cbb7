from gateway.model.identity import octets
from gateway.store.event_ids import EventIds


def test_ids_ascend_within_a_millisecond_and_after() -> None:
    ids = EventIds(lambda count: b"\xff" * count)
    made = [ids.next(1.0), ids.next(1.0), ids.next(1.0001), ids.next(1.001), ids.next(2.0)]
    assert made == sorted(set(made))
    assert all(len(octets(one)) == 16 for one in made)


def test_two_processes_give_out_different_ids() -> None:
    one, other = EventIds(lambda count: b"\x01" * count), EventIds(lambda count: b"\x02" * count)
    assert {one.next(1.0) for _ in range(100)}.isdisjoint({other.next(1.0) for _ in range(100)})
