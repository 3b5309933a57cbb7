"""Queued mail that must go for good, while a worker has the shard and while nobody has."""

from gateway.model.address import parse_address
from gateway.model.delivery import DeliveryEvent, DeliveryState
from gateway.spool.operate import QueueDesk
from gateway.spool.removal import Removal, Removed
from gateway.spool.shard import connect, shard_path

ANYWHERE = 1 << 30


def open_rows(kit, number: int = 0) -> list[tuple[str, int, str, int]]:
    connection = connect(shard_path(kit.folder, number))
    rows = connection.execute("SELECT submission_id, number, state, account_id FROM delivery").fetchall()
    connection.close()
    return sorted(rows)


def bodies(kit, number: int = 0) -> int:
    connection = connect(shard_path(kit.folder, number))
    (count,) = connection.execute("SELECT count(*) FROM submission").fetchone()
    connection.close()
    return count


def removal(kit) -> Removal:
    return Removal(kit.folder, kit.keyring)


async def test_that_what_waits_goes_and_others_mail_stays(kit) -> None:
    spool = await kit.open()
    for account in (1, 2):
        for state in (DeliveryState.QUEUED, DeliveryState.HELD):
            await spool.put(kit.parcel(account=account, recipients=3, state=state))
    spool.record([kit.event("E1", 1), kit.event("E2", 2)])
    await spool.put(kit.parcel(account=2))  # and the events with it
    assert removal(kit).of_account(1) == Removed(copies=6, events=1)
    assert removal(kit).of_account(1).nothing
    assert {row[3] for row in open_rows(kit)} == {2}
    assert bodies(kit) == 3
    assert [event.id for _, event in await spool.outbox(10)] == ["E2"]


async def test_that_a_copy_on_the_wire_settles_and_is_not_tried_again(kit) -> None:
    spool = await kit.open()
    parcel = kit.parcel(account=1, recipients=2, state=DeliveryState.ACTIVE)
    await spool.put(parcel)
    assert removal(kit).of_account(1) == Removed(copies=2, waiting=2)
    assert {row[2] for row in open_rows(kit)} == {"doomed"}
    assert removal(kit).of_account(1) == Removed(waiting=2)
    first, second = parcel.deliveries
    await spool.settle([kit.outcome(first, DeliveryEvent.DELIVER), kit.outcome(second, DeliveryEvent.DEFER)])
    assert removal(kit).of_account(1).nothing
    assert open_rows(kit) == []
    assert bodies(kit) == 0


async def test_that_a_shard_without_an_owner_is_emptied_whole(kit) -> None:
    spool = await kit.open()
    states = (DeliveryState.ACTIVE, DeliveryState.QUEUED, DeliveryState.HELD)
    for state in states:
        await spool.put(kit.parcel(account=1, state=state))
    await spool.put(kit.parcel(account=1, recipients=2, state=DeliveryState.ACTIVE))
    assert removal(kit).of_account(1) == Removed(copies=5, waiting=3)
    await spool.put(kit.parcel(account=1, recipients=2, state=DeliveryState.ACTIVE))
    await spool.close()
    assert removal(kit).of_account(1) == Removed(copies=2)
    assert open_rows(kit) == []
    again = await kit.open()  # and the lock was given back
    await again.put(kit.parcel(account=1))


async def test_a_persons_copies_and_what_events_say_of_them(kit) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel(account=1, recipients=3))
    await spool.put(kit.parcel(account=2, recipients=1, state=DeliveryState.ACTIVE))
    spool.record([kit.event("E1", 1), kit.event("E2", 2)])
    await spool.put(kit.parcel(account=3, recipients=2))
    them = parse_address("R0@example.net")

    def is_them(address) -> bool:
        return address.identity == them.identity

    def is_named(values) -> bool:
        return values.get("recipient") == "r0@example.net"

    desk = QueueDesk(kit.folder, keyring=kit.keyring, clock=kit.clock, entropy=kit.entropy)
    assert sorted(one.account_id for one in desk.listing_of(is_them)) == [1, 2, 3]
    at_one = removal(kit).of_person(is_them, is_named, account_id=1)
    assert at_one == Removed(copies=1, events=1)
    everywhere = removal(kit).of_person(is_them, is_named)
    assert everywhere == Removed(copies=2, events=1, waiting=1)
    assert [row[:2] for row in open_rows(kit) if row[1] == 0] == [
        row[:2] for row in open_rows(kit) if row[2] == "doomed"
    ]
    assert len(open_rows(kit)) == 4
    assert [event.data for _, event in await spool.outbox(10)] == [b"", b""]
    assert bodies(kit) == 3  # others still wait for them


async def test_that_what_nobody_can_read_is_no_ones(kit) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel(account=1))
    spool.record([kit.event("E1", 1)])
    await spool.put(kit.parcel(account=2))
    kit.keyring.gone.add(1)
    found = removal(kit).of_person(lambda _: True, lambda _: True)
    assert found == Removed(copies=1)


async def test_that_files_keep_nothing(kit) -> None:
    spool = await kit.open()
    for _ in range(50):
        await spool.put(kit.parcel(account=1, content=b"Subject: x\r\n\r\n" + bytes(2000)))
    before = shard_path(kit.folder, 0).stat().st_size
    removal(kit).of_account(1)
    assert removal(kit).truncate(ANYWHERE)
    assert shard_path(kit.folder, 0).stat().st_size < max(before, 100_000)
    assert shard_path(kit.folder, 0).with_name("shard-0.sqlite-wal").stat().st_size == 0
    assert b"example.org" not in shard_path(kit.folder, 0).read_bytes()
    await spool.put(kit.parcel(account=2))  # the worker goes on
    assert len(open_rows(kit)) == 1


async def test_that_a_file_in_use_has_to_wait(kit) -> None:
    spool = await kit.open()
    await spool.put(kit.parcel(account=1))
    reader = connect(shard_path(kit.folder, 0))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM delivery").fetchone()
    removal(kit).of_account(1)
    assert not removal(kit).truncate(0)
    reader.execute("COMMIT")
    reader.close()
    assert removal(kit).truncate(0)
