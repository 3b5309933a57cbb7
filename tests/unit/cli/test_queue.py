"""The queue and what became of a message, at the command line: over a real shard and a real store."""

import asyncio
import json
import os
import sqlite3

import pytest

from gateway.cli.opened import CLOCK, opened_at
from gateway.model.address import Address
from gateway.model.delivery import Delivery, DeliveryEvent, DeliveryState, Recipient, Sender, Submission
from gateway.model.events import Event, EventType, seal_event
from gateway.model.identity import new_id
from gateway.observe.memory import MemoryMeter
from gateway.ports import Parcel, Settlement
from gateway.settings.schema import SpoolSection
from gateway.spool.opening import open_shard
from gateway.store.events import StoreEvents

ADDRESSES = ("ada@example.net", "grace@example.org")


def fill(typed) -> str:
    """Put a message to two into the queue: one was tried in vain, one is untried. Return its id."""
    return asyncio.run(_fill(typed))


async def _fill(typed) -> str:
    now = CLOCK.now()
    submission = Submission(
        new_id(now, os.urandom(10)),
        1,
        now - 90,
        Sender(Address("news", "bakery.example")),
        20,
        1,
        "bakery.example",
    )
    copies = tuple(
        Delivery(
            submission, number, Recipient(Address(*address.split("@"))), (), DeliveryState.ACTIVE, due_at=now
        )
        for number, address in enumerate(ADDRESSES)
    )
    received = Event(
        new_id(now - 90, os.urandom(10)),
        EventType.RECEPTION,
        now - 90,
        1,
        submission.id,
        list_id=1,
        facts={"octets": 20, "recipients": 2, "refused": 1, "protocol": "ESMTPA", "footer": "added"},
        data={"sender": "news@bakery.example", "client": "192.0.2.7"},
    )
    tried = Event(
        new_id(now, os.urandom(10)),
        EventType.TRANSIENT_FAILURE,
        now,
        1,
        submission.id,
        0,
        1,
        facts={
            "attempts": 1,
            "host": "smtp.example.net:25",
            "command": "RCPT",
            "code": 451,
            "bounce_class": "QuotaIssues",
        },
        data={"recipient": ADDRESSES[0], "response": "451 4.2.2 mailbox \x1b[2J full"},
    )
    with opened_at(typed.config) as house:
        spool = await open_shard(
            house.spool_folder,
            0,
            keyring=house.keyring,
            clock=CLOCK,
            meter=MemoryMeter(),
            settings=SpoolSection(min_free=0),
        )
        await spool.put(Parcel(submission, b"a: b\r\n\r\nhi\r\n", copies, (received,)))
        said = "451 4.2.2 mailbox \x1b[2J full"
        await spool.settle(
            [
                Settlement(copies[0], DeliveryEvent.DEFER, due_at=now + 7200, reply=said, events=(tried,)),
                Settlement(copies[1], DeliveryEvent.UNCLAIM, due_at=now),
            ]
        )
        await spool.close()
    return submission.id


def states(typed) -> dict[str, str]:
    return {one["recipient"]: one["state"] for one in typed.json("queue", "list")}


def test_listing(bakery) -> None:
    assert bakery.good("queue", "list") == "the queue is empty\n"
    identity = fill(bakery)
    said = bakery.good("queue", "list")
    header, first, second = said.splitlines()
    assert header.split()[:3] == ["ID", "ACCOUNT", "STATE"]
    assert first.startswith(f"{identity}.0  bakery   queued")
    assert "in 2 hours" in first or "in 1 hour 59 min" in first
    assert first.endswith("451 4.2.2 mailbox \\x1b[2J full")
    assert "now" in second
    one = bakery.json("queue", "list")[0]
    assert one["id"] == f"{identity}.0"
    assert (one["account"], one["recipient"], one["attempts"]) == ("bakery", ADDRESSES[0], 1)
    assert one["received_at"].endswith("Z")
    assert one["next_try_at"] > one["received_at"]


def test_that_a_listing_can_be_narrowed(bakery) -> None:
    identity = fill(bakery)
    bakery.good("queue", "hold", f"{identity}.1")
    assert [one["id"] for one in bakery.json("queue", "list", "--state", "held")] == [f"{identity}.1"]
    assert len(bakery.json("queue", "list", "--account", "bakery")) == 2
    limited = bakery("queue", "list", "--limit", "1")
    assert "--limit" in limited.stderr
    assert bakery("queue", "list", "--state", "lost").exit_code == 2
    assert "no account" in bakery.refused("queue", "list", "--account", "cafe")
    bakery.good("queue", "drop", identity)
    assert "no such delivery" in bakery.good("queue", "list", "--state", "held")


def test_show(bakery) -> None:
    identity = fill(bakery)
    said = bakery.good("queue", "show", identity.lower())
    assert said.count("delivery") == 2
    assert "sender     news@bakery.example" in said
    assert len(bakery.json("queue", "show", f"{identity}.1")) == 1


def test_moves(bakery) -> None:
    identity = fill(bakery)
    assert bakery.good("queue", "hold", identity) == f"{identity}.0 is held\n{identity}.1 is held\n"
    assert set(states(bakery).values()) == {"held"}
    assert bakery.good("queue", "release", f"{identity}.1") == f"{identity}.1 goes on\n"
    assert states(bakery) == {ADDRESSES[0]: "held", ADDRESSES[1]: "queued"}
    assert bakery.good("queue", "retry", f"{identity}.0") == f"{identity}.0 is tried now\n"
    assert set(states(bakery).values()) == {"queued"}
    answers = bakery.json("queue", "drop", identity)
    assert [one["done"] for one in answers] == [True, True]
    assert states(bakery) == {}


def test_that_a_copy_that_is_being_sent_can_be_dropped(bakery) -> None:
    identity = fill(bakery)
    with sqlite3.connect(next(bakery.config.parent.rglob("shard-*.sqlite"))) as shard:
        shard.execute("UPDATE delivery SET state = 'active' WHERE number = 0")
    shard.close()
    assert "is being sent; nothing was changed" in bakery.refused("queue", "hold", f"{identity}.0")
    said = "is being sent: it is thrown away unless the next hop takes it in this try"
    assert bakery.good("queue", "drop", identity) == f"{identity}.0 {said}\n{identity}.1 is thrown away\n"
    assert bakery.good("queue", "drop", f"{identity}.0") == f"{identity}.0 {said}\n"
    assert [one["answer"] for one in bakery.json("queue", "drop", identity)] == [said]
    assert "being sent, then never" in bakery.good("queue", "list", "--state", "doomed")
    assert "nothing was changed" in bakery.refused("queue", "retry", f"{identity}.0")


def test_moves_that_are_none(bakery) -> None:
    identity = fill(bakery)
    assert "is not in a state for this" in bakery.refused("queue", "release", f"{identity}.0")
    assert "is not in the queue" in bakery.refused("queue", "retry", f"{identity}.9")
    assert "is not in the queue" in bakery.refused("queue", "show", f"{identity}.9")
    assert bakery("queue", "retry", "42").exit_code == 2
    assert bakery("queue", "retry", f"{identity}.x").exit_code == 2


def test_that_explain_tells_every_step_and_what_still_waits(bakery) -> None:
    identity = fill(bakery)
    said = bakery.good("explain", identity)
    wanted = [
        f"Message {identity} of bakery",
        "received from news@bakery.example for 2 recipients, 20 octets",
        "handed in by 192.0.2.7 with ESMTPA",
        "1 more recipient refused after the content",
        "not delivered to ada@example.net yet at try 1; it will be tried again",
        "smtp.example.net:25 said to RCPT: 451 4.2.2 mailbox \\x1b[2J full",
        "class: QuotaIssues",
        "tries       1",
        "next try    in ",
        f"delivery   {identity}.1",
    ]
    place = 0
    for text in wanted:
        place = said.find(text, place)
        assert place >= 0, (text, said)


def test_explain_of_one_delivery_as_json(bakery) -> None:
    identity = fill(bakery)
    told = bakery.json("explain", f"{identity}.1")
    assert (told["id"], told["account"]) == (identity, "bakery")
    assert [event["type"] for event in told["events"]] == ["Reception"]
    assert [one["id"] for one in told["queue"]] == [f"{identity}.1"]


def test_that_an_event_in_both_places_is_told_once(bakery) -> None:
    identity = fill(bakery)
    event = Event(
        "1" * 26, EventType.DELIVERY, CLOCK.now(), 1, identity, 1, 1, data={"recipient": ADDRESSES[1]}
    )
    with opened_at(bakery.config) as house:
        store = StoreEvents(house.store)
        asyncio.run(store.append([seal_event(event, house.keyring.seal)]))
        store.close()
    told = json.loads(bakery.good("explain", identity, "--json"))
    assert [one["type"] for one in told["events"]] == ["Reception", "TransientFailure", "Delivery"]


def test_explain_of_nothing(bakery) -> None:
    assert "nothing is known" in bakery.refused("explain", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert "kept for 90 days" in bakery.refused("explain", "01ARZ3NDEKTSV4RRFFQ69G5FAV")


@pytest.mark.parametrize("words", [["queue", "list"], ["account", "list"], ["account", "add", "cafe"]])
def test_that_another_master_key_is_told(bakery, words: list[str]) -> None:
    """The config is sound, the store is another gateway's."""
    (bakery.config.parent / "secrets/master.key").write_text("22" * 32 + "\n")
    assert "master key is not the one" in bakery.refused(*words)


@pytest.mark.parametrize("words", [["queue", "list"], ["explain", "01ARZ3NDEKTSV4RRFFQ69G5FAV"]])
def test_that_a_queue_that_cannot_be_read_is_told(bakery, words: list[str]) -> None:
    fill(bakery)
    (bakery.config.parent / "state/spool/shard-0.sqlite").write_bytes(b"no database at all" * 100)
    assert "the queue cannot be read" in bakery.refused(*words)


def test_that_a_store_that_cannot_be_read_is_told(bakery) -> None:
    (bakery.config.parent / "state/store.sqlite").write_bytes(b"no database at all" * 100)
    assert "the store is" in bakery.refused("account", "list")
