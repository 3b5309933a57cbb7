"""Leaving by mail: the token is the right to leave, and at most one answer goes to the reader."""

import email
import email.policy
import re

import pytest
import structlog
from inbound_world import ACCOUNT, READER, World

from gateway.model import reply
from gateway.model.token import Purpose


def letter(subject: str, header: str = "", body: str = "") -> bytes:
    return f"Message-ID: <q1@example.net>\r\nSubject: {subject}\r\n{header}\r\n{body}".encode()


@pytest.fixture
def world() -> World:
    return World.make()


def answers(world: World) -> list[email.message.EmailMessage]:
    return [email.message_from_bytes(one.content, policy=email.policy.default) for one in world.spool.parcels]


async def test_a_reader_leaves_and_is_answered_once(world: World) -> None:
    said = await world.bring(letter(world.token))
    assert said is reply.LETTER_TAKEN
    assert world.has_left
    assert world.meter.value("unsubscribes_total", via="mail") == 1
    (parcel,) = world.spool.parcels
    (delivery,) = parcel.deliveries
    assert delivery.recipient.address == READER
    assert parcel.submission.sender.address is None
    assert (parcel.submission.account_id, parcel.submission.list_id) == (0, None)
    assert world.dispatch.nudges == 1
    assert await world.bring(letter(world.token)) is reply.LETTER_TAKEN
    assert len(world.spool.parcels) == 1
    assert world.meter.value("inbound_messages_total", mailbox="unsubscribe", result="left-before") == 1


async def test_the_log_says_which_list_was_left_and_not_by_whom(world: World) -> None:
    with structlog.testing.capture_logs() as lines:
        await world.bring(letter(world.token))
    assert [{"account", "list", "client", "via", "event", "log_level"}] == [
        set(line) for line in lines if line["event"] == "unsubscribed"
    ]
    assert "@" not in str([line for line in lines if line["event"] == "unsubscribed"])


async def test_the_answer(world: World) -> None:
    await world.bring(letter(world.token, "References: <a@b.example> <c@d.example>\r\n"))
    (answer,) = answers(world)
    assert answer["From"].addresses[0].addr_spec == "unsubscribe@out.example.org"
    assert answer["To"].addresses[0].addr_spec == "ann@example.net"
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == "<q1@example.net>"
    assert answer["References"].split() == ["<a@b.example>", "<c@d.example>", "<q1@example.net>"]
    assert answer["Subject"] == "Auto: you have left Acme News"
    assert 'left the list "Acme News" of acme' in answer.get_content()
    assert not answer.defects
    raw = world.spool.parcels[0].content
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert len(max(raw.split(b"\r\n"), key=len)) <= 78


async def test_a_letter_without_a_message_id_is_answered_without_threading(world: World) -> None:
    await world.bring(f"Subject: {world.token}\r\nMessage-ID: nonsense <>\r\n\r\n".encode())
    (answer,) = answers(world)
    assert "In-Reply-To" not in answer
    assert "References" not in answer


async def test_a_forged_sender_makes_us_write_to_nobody(world: World) -> None:
    assert await world.bring(letter(world.token), sender="victim@example.com") is reply.LETTER_TAKEN
    assert world.has_left
    assert world.spool.parcels == []
    assert world.meter.value("inbound_answers_total", result="other-address") == 1


@pytest.mark.parametrize(
    ("header", "sender", "why"),
    [("Auto-Submitted: auto-replied\r\n", str(READER), "auto-submitted"), ("", "", "null-sender")],
)
async def test_programs_leave_in_silence(world: World, header: str, sender: str, why: str) -> None:
    assert await world.bring(letter(world.token, header), sender=sender) is reply.LETTER_TAKEN
    assert world.has_left
    assert world.spool.parcels == []
    assert world.meter.value("inbound_answers_total", result=why) == 1


@pytest.mark.parametrize("allowed", [0, 1])
async def test_too_many_answers_are_left_out(world: World, allowed: int) -> None:
    world.quota.allowed = allowed
    world.quota.taken[b"inbound-answers"] = 1
    assert await world.bring(letter(world.token)) is reply.LETTER_TAKEN
    assert world.has_left
    assert world.spool.parcels == []
    assert world.meter.value("inbound_answers_total", result="rate") == 1


async def test_an_answer_that_finds_no_room_is_left_out(world: World) -> None:
    world.spool.fails = True
    assert await world.bring(letter(world.token)) is reply.LETTER_TAKEN
    assert world.has_left
    assert world.meter.value("inbound_answers_total", result="away") == 1


async def test_a_store_that_is_away_is_no_answer_at_all(world: World) -> None:
    world.book.away = True
    with pytest.raises(reply.StoreAway):
        await world.bring(letter(world.token))
    assert world.meter.value("inbound_messages_total", mailbox="unsubscribe", result="away") == 1
    world.book.away = False
    assert await world.bring(letter(world.token)) is reply.LETTER_TAKEN
    assert len(world.spool.parcels) == 1


async def test_bad_forged_and_unknown_tokens_are_told_the_same(world: World) -> None:
    forged = ("A" if world.token[-1] != "A" else "E").join((world.token[:-1], ""))
    for subject, result in (
        ("stop", "no-token"),
        (forged, "no-token"),
        (world.token_of(purpose=Purpose.REPORT), "no-token"),
        (world.token_of(account_id=99), "unknown"),
        (world.token_of(address_hash=b"x" * 16), "unknown"),
    ):
        before = world.meter.value("inbound_messages_total", result=result)
        assert await world.bring(letter(subject)) is reply.NO_TOKEN
        assert world.meter.value("inbound_messages_total", result=result) == before + 1
    assert not world.has_left
    assert world.spool.parcels == []


async def test_a_genuine_token_is_found_behind_others(world: World) -> None:
    body = f"https://x.example/r/{world.token_of(purpose=Purpose.REPORT)}\r\nhttps://x.example/u/{world.token}\r\n"
    assert await world.bring(letter("stop", body=body)) is reply.LETTER_TAKEN
    assert world.has_left


async def test_an_account_whose_key_is_gone_is_not_answered(world: World, monkeypatch) -> None:
    other = world.token_of(account_id=ACCOUNT + 1)
    world.book.bonds = {(ACCOUNT + 1, *next(iter(world.book.bonds))[1:]): True}
    assert await world.bring(letter(other)) is reply.LETTER_TAKEN
    assert world.spool.parcels == []
    assert world.meter.value("inbound_answers_total", result="other-address") == 1
