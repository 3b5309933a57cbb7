import pytest

from gateway.model.delivery import Delivery
from gateway.model.splice import Splice
from gateway.relay.lanes import Lanes
from gateway.settings.schema import RelaySection


class World:
    def __init__(self, mail, *, senders: int = 100, **limits: int) -> None:
        self.mail = mail
        self.limits = RelaySection(**({"ready": 2000, "ready_per_account": 500} | limits))
        self.calls = 0
        self.lanes = Lanes(lambda: self.limits, senders, self.hungry)

    def hungry(self) -> None:
        self.calls += 1

    def deliveries(self, account_id: int, count: int) -> list[Delivery]:
        submission = self.mail.submission(account_id, account_id=account_id)
        return [self.mail.delivery(submission, number) for number in range(count)]

    def add(self, account_id: int, count: int, content: bytes | None = None) -> None:
        self.lanes.add(account_id, self.deliveries(account_id, count), content)

    def take(self) -> tuple[int, int] | None:
        item = self.lanes.take()
        if item is None:
            return None
        self.lanes.done(item)
        return item.delivery.submission.account_id, item.delivery.number


@pytest.fixture
def world(mail):
    return lambda **limits: World(mail, **limits)


def test_accounts_take_turns(world):
    lanes = world()
    lanes.add(1, 3)
    lanes.add(2, 1)
    lanes.add(3, 2)
    assert [lanes.take() for _ in range(7)] == [(1, 0), (2, 0), (3, 0), (1, 1), (3, 1), (1, 2), None]


def test_ten_thousand_do_not_delay_one(world):
    lanes = world(ready_per_account=10_000, ready=20_000)
    lanes.add(1, 10_000)
    for _ in range(10):
        lanes.take()
    lanes.add(2, 1)
    assert (2, 0) in {lanes.take() for _ in range(2)}


def test_one_account_never_has_all_senders(world):
    lanes = world(senders=10)
    lanes.add(1, 20)
    taken = [lanes.lanes.take() for _ in range(10)]
    assert sum(item is not None for item in taken) == 8
    lanes.add(2, 1)
    item = lanes.lanes.take()
    assert item is not None
    assert item.delivery.submission.account_id == 2
    lanes.lanes.done(taken[0])
    assert lanes.take() == (1, 8)
    single = world(senders=1)
    single.add(1, 1)
    assert single.take() == (1, 0)


def test_room_in_copies(world):
    lanes = world(ready=100, ready_per_account=60)
    assert lanes.lanes.has_room(1, 60, 10)
    assert not lanes.lanes.has_room(1, 61, 10)
    lanes.add(1, 60)
    lanes.add(2, 15)
    assert not lanes.lanes.has_room(3, 20, 10), "three quarters are full"
    assert lanes.lanes.has_room(3, 16, 10), "but a little is kept for those who have little"
    lanes.add(3, 16)
    lanes.add(4, 9)
    assert not lanes.lanes.has_room(5, 1, 10)


def test_a_content_without_room_is_left_to_the_spool(world):
    lanes = world(ready_size=100)
    for account_id in (1, 2, 3):  # all of them were told that there is room
        lanes.add(account_id, 1, b"x" * 60)
    bodies = [lanes.lanes.take().body for _ in range(3)]
    assert [body is not None for body in bodies] == [True, False, False]
    assert lanes.lanes._octets == 60


def test_room_in_octets_counts_a_content_once(world):
    lanes = world(ready_size=100)
    lanes.add(1, 2, b"x" * 60)
    assert not lanes.lanes.has_room(2, 1, 50)
    assert lanes.lanes.has_room(2, 1, 40)
    lanes.take()
    assert not lanes.lanes.has_room(2, 1, 50)
    lanes.take()
    assert lanes.lanes.has_room(2, 1, 50)


def test_mail_in_the_spool_keeps_a_part_for_itself(world):
    lanes = world(ready_per_account=100)
    lanes.lanes.note_more(1)
    assert lanes.lanes.has_room(1, 75, 1)
    assert not lanes.lanes.has_room(1, 76, 1)
    lanes.lanes.note_none_but([2])
    assert lanes.lanes.has_room(1, 100, 1)


def test_claims_are_shared_and_not_dribbled(world):
    lanes = world(ready=1000, ready_per_account=500)
    assert lanes.lanes.room_for(1, 1) == 500
    assert lanes.lanes.room_for(1, 10) == 100
    assert lanes.lanes.room_for(1, 10_000) == 16
    lanes.add(1, 90)
    assert lanes.lanes.room_for(1, 10) == 0
    assert lanes.lanes.room_for(1, 1) == 410


def test_hunger_is_told_in_time(world):
    lanes = world(ready_per_account=100)
    lanes.add(1, 100)
    for _ in range(60):
        lanes.take()
    assert lanes.calls == 0, "the spool has no more"
    lanes.lanes.note_more(1)
    for _ in range(40):
        lanes.take()
    assert lanes.calls == 2


def test_a_paused_lane_stands_still_and_gives_up_its_surplus(world):
    lanes = world()
    lanes.add(1, 50, b"x" * 10)
    lanes.add(2, 1)
    surplus = lanes.lanes.pause(1)
    assert len(surplus) == 34
    assert surplus[0].delivery.number == 49
    assert [lanes.take(), lanes.take()] == [(2, 0), None]
    assert lanes.lanes._lanes[1].paused
    assert not lanes.lanes.has_room(1, 1, 1)
    lanes.lanes.resume(1)
    assert lanes.take() == (1, 0)
    assert lanes.lanes.total == 15


def test_what_was_not_tried_goes_first_again(world):
    lanes = world()
    lanes.add(1, 2)
    item = lanes.lanes.take()
    lanes.lanes.put_back(item)
    assert [lanes.take(), lanes.take(), lanes.take()] == [(1, 0), (1, 1), None]


def test_taking_out(world):
    lanes = world()
    lanes.add(1, 4, b"x")
    out = lanes.lanes.take_out(lambda delivery: delivery.number % 2 == 0)
    assert [item.delivery.number for item in out] == [0, 2]
    assert [lanes.take(), lanes.take(), lanes.take()] == [(1, 1), (1, 3), None]
    assert (lanes.lanes.total, lanes.lanes._octets) == (0, 0)


def test_lanes_that_are_empty_are_forgotten(world):
    lanes = world()
    for account in range(100):
        lanes.add(account, 1)
    while lanes.take():
        pass
    assert not lanes.lanes._lanes
    lanes.add(1, 1)
    lanes.lanes.take_out(lambda _: True)
    lanes.take()
    lanes.lanes.note_none_but([])
    assert not lanes.lanes._lanes


def test_splices_are_octets_too(world, mail):
    lanes = world(ready_size=1000)
    heavy = [
        mail.delivery(mail.submission(1, account_id=1), number, splices=(Splice(0, 0, b"x" * 100),) * 3)
        for number in range(3)
    ]
    lanes.lanes.add(1, heavy)
    assert lanes.lanes.octets_left == 100
    assert not lanes.lanes.has_room(2, 1, 101)
    assert lanes.lanes.room_for(2, 1) > 0
    lanes.lanes.add(1, [heavy[0]])  # a fresh parcel's may go over
    assert lanes.lanes.octets_left == 0
    assert lanes.lanes.room_for(2, 1) == 0
    items = [lanes.lanes.take() for _ in range(4)]
    lanes.lanes.put_back(items.pop())
    assert lanes.lanes.octets_left == 0
    for item in items:
        lanes.lanes.done(item)
    assert lanes.lanes.octets_left == 700
    lanes.lanes.take_out(lambda _: True)
    assert lanes.lanes.octets_left == 1000
