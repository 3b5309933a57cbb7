"""postmaster@ and abuse@ reach a person, whole."""

import email
import email.policy

import pytest
from inbound_world import World

from gateway.model import reply
from gateway.model.facts import QuotaFact

LETTER = b"From: Eve <eve@example.net>\r\nSubject: =?utf-8?q?sp=C3=A4m?=\r\n\r\nLook at this: caf\xc3\xa9\r\n"


@pytest.mark.parametrize("recipient", ["postmaster@mx.example.org", "ABUSE@out.example.org"])
async def test_the_operator_gets_the_whole_of_it(recipient: str) -> None:
    world = World.make()
    assert await world.bring(LETTER, "eve@example.net", recipient) is reply.LETTER_TAKEN
    (parcel,) = world.spool.parcels
    assert [str(one.recipient.address) for one in parcel.deliveries] == ["ops@example.com"]
    assert parcel.submission.sender.address is None
    assert parcel.submission.sender.body_8bit
    message = email.message_from_bytes(parcel.content, policy=email.policy.default)
    name = recipient.partition("@")[0].lower()
    assert message["Subject"] == f"[{name}] späm"
    assert message["Reply-To"] == "eve@example.net"
    assert message["Auto-Submitted"] == "auto-generated"
    note, enclosed = message.iter_parts()
    assert "192.0.2.1" in note.get_content()
    assert enclosed.get_content_type() == "message/rfc822"
    trace = b"Return-Path: <eve@example.net>\r\nReceived: from mail.example.net ([192.0.2.1])\r\n"
    assert b"Content-Transfer-Encoding: 8bit\r\n\r\n" + trace in parcel.content
    assert parcel.content.endswith(b" +0000\r\n" + LETTER + f"\r\n--=_{parcel.submission.id}--\r\n".encode())


async def test_a_null_sender_is_nobody_to_reply_to() -> None:
    world = World.make()
    assert await world.bring(b"Subject: x\r\n\r\n", "", "abuse@mx.example.org") is reply.LETTER_TAKEN
    assert b"Reply-To" not in world.spool.parcels[0].content
    assert b"Return-Path: <>\r\n" in world.spool.parcels[0].content


async def test_hostile_fields_add_none_of_theirs() -> None:
    world = World.make()
    evil = b"Subject: =?utf-8?q?a=0D=0ABcc=3A_victim=40example.com?=\r\n\r\nx\r\n"
    await world.bring(evil, "eve@example.net", "abuse@mx.example.org")
    head = world.spool.parcels[0].content.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc" not in head
    assert b"Subject: [abuse] a Bcc: victim@example.com" in head


async def test_without_an_operator_mail_waits_outside() -> None:
    world = World.make(operator="")
    answer = await world.bring(LETTER, recipient="postmaster@mx.example.org")
    assert (answer.code, answer.enhanced) == (450, "4.3.5")
    assert world.spool.parcels == []
    assert world.meter.value("inbound_messages_total", mailbox="postmaster", result="closed") == 1


async def test_beyond_the_rate_mail_waits_outside() -> None:
    world = World.make()
    world.quota.allowed = 1
    assert await world.bring(LETTER, recipient="postmaster@mx.example.org") is reply.LETTER_TAKEN
    answer = await world.bring(LETTER, recipient="abuse@mx.example.org")
    assert (answer.code, answer.enhanced) == (451, "4.7.1")
    assert len(world.spool.parcels) == 1


async def test_two_who_came_in_at_once_share_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make()
    monkeypatch.setattr(world.quota, "reserve", lambda *_: QuotaFact(5.0, "1/h"))
    answer = await world.bring(LETTER, recipient="postmaster@mx.example.org")
    assert (answer.code, answer.enhanced) == (451, "4.7.1")
    assert world.spool.parcels == []


async def test_a_full_spool_is_said() -> None:
    world = World.make()
    world.spool.fails = True
    with pytest.raises(reply.SpoolFull):
        await world.bring(LETTER, recipient="postmaster@mx.example.org")


async def test_what_goes_round_in_circles_is_ended() -> None:
    world = World.make()
    content = b"Received: from a by b\r\n" * 101 + b"\r\n"
    assert await world.bring(content, recipient="postmaster@mx.example.org") is reply.TOO_MANY_HOPS
    assert world.spool.parcels == []


async def test_names_in_other_letters_are_written_for_everybody() -> None:
    world = World.make(operator="leser@m\u00fcnchen.example")
    await world.bring(b"Subject: x\r\n\r\n", "eve@b\u00fccher.example", "abuse@mx.example.org")
    await world.bring(b"Subject: x\r\n\r\n", "\u00fc@example.net", "abuse@mx.example.org")
    first, second = (one.content for one in world.spool.parcels)
    assert b"\r\nTo: <leser@xn--mnchen-3ya.example>\r\n" in first
    assert b"\r\nReply-To: <eve@xn--bcher-kva.example>\r\n" in first
    assert b"Reply-To" not in second
    assert not world.spool.parcels[1].submission.sender.smtputf8
