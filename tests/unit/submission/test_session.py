"""Sessions where more than one thing happens at a time: limits, lost connections, slow readers."""

import asyncio
import contextlib
import socket

import pytest
from structlog.testing import capture_logs
from submission_world import World, serve, talk

from gateway.settings.schema import ListenerSection
from gateway.settings.units import Endpoint
from gateway.smtp import listener, wire
from gateway.submission.service import SubmissionServer

CONTENT = b"Subject: x\r\n\r\nhello\r\n"
WRONG = "AUTH PLAIN AHNob3AAd3Jvbmc="


async def test_connections_of_a_source_are_limited() -> None:
    world = World.make(limits={"connections_per_source": 2})
    async with serve(world) as service, talk(service.port) as first, talk(service.port) as second:
        assert (await first.line()).startswith("220 ")
        assert (await second.line()).startswith("220 ")
        async with talk(service.port) as third, talk(service.port, source="127.0.0.2") as other:
            assert (await third.line()).startswith("421 4.3.2")
            assert await third.ended()
            assert (await other.line()).startswith("220 ")
        assert (await first.ask("QUIT")).startswith("221 ")
        assert await first.ended()
        async with talk(service.port) as fourth:
            assert (await fourth.line()).startswith("220 ")
    assert world.meter.value("connections_denied_total", reason="source") == 1


async def test_connections_of_an_account_are_limited() -> None:
    world = World.make(limits={"connections_per_account": 1})
    async with serve(world) as service, talk(service.port) as first, talk(service.port) as second:
        await first.hello()
        await second.line()
        await second.ask("EHLO client.example")
        assert (await second.ask("AUTH PLAIN AHNob3AAb3BlbiBzZXNhbWU=")).startswith("421 4.7.0")
        assert await second.ended()
        assert world.presence.present[b"account:1"] == 1


async def test_a_login_in_a_trusted_network_changes_the_account() -> None:
    world = World.make(trusted=({"network": "127.0.0.0/8", "account": "trusted"},))
    async with serve(world) as service, talk(service.port) as client:
        await client.line()
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<news@example.com>")
        await client.ask("RSET")
        assert world.presence.present[b"account:2"] == 1
        assert (await client.ask("AUTH PLAIN AHNob3AAb3BlbiBzZXNhbWU=")).startswith("235 ")
        await client.ask("MAIL FROM:<news@example.com>")
        assert (world.presence.present[b"account:1"], world.presence.present[b"account:2"]) == (1, 0)
    first, second = world.intake.begun
    assert (first.account_id, first.client.protocol) == (2, "ESMTP")
    assert (second.account_id, second.client.protocol) == (1, "ESMTPA")


async def test_ten_thousand_failed_logins_are_cheap() -> None:
    """After the tenth no password is looked at any more; the source hears when it may come back."""
    world = World.make(limits={"errors": 1000, "connections_per_source": 10})
    async with serve(world) as service:
        async with talk(service.port) as client:
            await client.line()
            await client.ask("EHLO client.example")
            for _ in range(10):
                assert (await client.ask(WRONG)).startswith("535 5.7.8")
            blocked = await client.ask(WRONG)
            assert blocked == "421 4.7.0 Too many failed logins from here, try again in 30 seconds"
            assert await client.ended()
        for _ in range(200):
            async with talk(service.port) as client:
                client.send(b"EHLO client.example\r\nAUTH LOGIN\r\n")
                assert b"421 4.7.0" in await client.reader.read()
        assert world.accounts.asked == 10
        async with talk(service.port, source="127.0.0.2") as other:
            await other.hello()
    assert world.meter.value("auth_total", result="blocked") == 201
    assert world.quota.taken == {b"login:127.0.0.1": 10}


async def test_logs_hold_no_secret_and_no_address() -> None:
    world = World.make()
    with capture_logs() as logs:
        async with serve(world) as service, talk(service.port) as client:
            await client.hello()
            await client.ask("MAIL FROM:<news@example.com>")
            await client.ask("RCPT TO:<broken@example.net>")
            await client.ask("RCPT TO:<away@example.net>")
            await client.ask("QUIT")
            assert await client.ended()
    assert {entry["event"] for entry in logs} == {"login", "command failed", "refused", "session ended"}
    words = repr(logs)
    for secret in ("sesame", "example.net", "example.com", "AHNob3"):
        assert secret not in words


async def test_a_connection_lost_while_the_content_is_kept_loses_nothing() -> None:
    world = World.make()
    world.intake.may_finish.clear()
    async with serve(world) as service:
        async with talk(service.port) as client:
            await client.hello()
            for command in ("MAIL FROM:<news@example.com>", "RCPT TO:<friend@example.net>", "DATA"):
                await client.ask(command)
            client.send(CONTENT + b".\r\n")
            await world.intake.finishing.wait()
            client.writer.transport.abort()
        world.intake.may_finish.set()
        await world.intake.kept.wait()
    assert world.intake.finished[0][1] == CONTENT
    assert world.intake.abandoned == []


@pytest.mark.parametrize(
    "said", [b"", b"RCPT TO:<friend@example.net>\r\n", b"RCPT TO:<a@b.example>\r\nDATA\r\nabc"]
)
async def test_a_connection_lost_before_gives_the_transaction_back(said: bytes) -> None:
    world = World.make()
    async with serve(world) as service:
        async with talk(service.port) as client:
            await client.hello()
            await client.ask("MAIL FROM:<news@example.com>")
            client.send(said)
            client.writer.close()
        await world.intake.given_back.wait()
    assert len(world.intake.abandoned) == 1


async def test_a_large_content_in_small_pieces_and_one_in_a_burst() -> None:
    world = World.make()
    content = b"".join(
        b"%06d %s\r\n" % (n, b"x" * 60) for n in range(30_000)
    )  # above what may wait for its turn
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        assert (await client.deliver(content + b".\r\n")).startswith("250 2.6.0")
        for command in ("MAIL FROM:<news@example.com>", "RCPT TO:<friend@example.net>", "DATA"):
            await client.ask(command)
        for octet in b"a\r\n..b\r\n.\r\n":
            client.send(bytes([octet]))
            await asyncio.sleep(0)
        assert (await client.reply()).startswith("250 2.6.0")
    assert [len(kept) for _, kept in world.intake.finished] == [len(content), 7]


async def test_commands_byte_by_byte() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as client:
        await client.line()
        for octet in b"EHLO client.example\r\nNOOP\r\nQUIT\r\n":
            client.send(bytes([octet]))
            await asyncio.sleep(0)
        assert (await client.reply()).startswith("250-mx.example.org")
        assert await client.reply() == "250 2.0.0 OK"
        assert (await client.reply()).startswith("221 ")


async def test_a_client_that_does_not_read_is_cut_off_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies are not piled up for it without end, and what it sends waits in the network."""
    monkeypatch.setattr(wire, "_LINGER", 0.1)
    world = World.make(limits={"idle": 0.3, "commands": 10_000_000})
    async with serve(world) as service:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", service.port))
            sock.setblocking(False)
            loop = asyncio.get_running_loop()

            async def talk_on() -> None:
                while True:
                    await loop.sock_sendall(sock, b"HELP\r\n" * 10_000)

            with pytest.raises(ConnectionError):
                await talk_on()
    assert world.presence.left == 1


async def test_a_listener_out_of_descriptors_pauses_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_PAUSE", 0.01)
    world = World.make()
    failures = [
        OSError(24, "Too many open files"),
        BlockingIOError(11, "again"),
        ConnectionAbortedError(103, "left"),
    ]
    accepts = 0

    class Stubborn(socket.socket):
        def accept(self):
            nonlocal accepts
            accepts += 1
            if failures:
                raise failures.pop(0)
            return super().accept()

    async with asyncio.TaskGroup() as tasks:
        with Stubborn(socket.AF_INET) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            section = ListenerSection(listen=Endpoint("127.0.0.1", 0))
            server = SubmissionServer([(sock, section)], lambda: world.context, tasks)
            await server.start()
            async with talk(sock.getsockname()[1]) as client:
                assert (await client.line()).startswith("220 ")
            assert await server.drain(5) == 0
    assert accepts == 4


async def test_connections_are_counted() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as client:
        await client.line()
        assert world.meter.value("connection_count", service="submission") == 1
        await client.ask("QUIT")
        assert await client.ended()
    assert world.meter.value("connection_count", service="submission") == 0
    assert world.meter.value("connections_total", listener="127.0.0.1:0") == 1


async def test_a_reload_is_for_the_next_connection() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as first:
        await first.line()
        world.reload(hostname="new.example.org")
        async with talk(service.port) as second:
            assert (await second.line()).startswith("220 new.example.org ")
        assert (await first.ask("HELO client.example")) == "250 mx.example.org"


async def test_what_comes_ahead_of_its_turn_waits_in_the_network() -> None:
    """While a content is being kept, half a megabyte of commands comes in; every one is answered in the end."""
    world = World.make(limits={"commands": 1_000_000})
    world.intake.may_finish.clear()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        for command in ("MAIL FROM:<news@example.com>", "RCPT TO:<friend@example.net>", "DATA"):
            await client.ask(command)
        client.send(CONTENT + b".\r\n")
        await world.intake.finishing.wait()
        client.send(b"NOOP\r\n" * 100_000 + b"QUIT\r\n")
        for _ in range(50):
            await asyncio.sleep(0)
        world.intake.may_finish.set()
        assert (await client.line()).startswith("250 2.6.0")
        said = await client.reader.read()
        assert said == b"250 2.0.0 OK\r\n" * 100_000 + b"221 2.0.0 Bye\r\n"


async def test_no_login_within_a_transaction() -> None:
    world = World.make(trusted=({"network": "127.0.0.0/8", "account": "trusted"},))
    async with serve(world) as service, talk(service.port) as client:
        await client.line()
        await client.ask("EHLO client.example")
        await client.ask("MAIL FROM:<news@example.com>")
        assert (await client.ask("AUTH PLAIN AHNob3AAb3BlbiBzZXNhbWU=")).startswith("503 5.5.1")


async def test_time_does_not_run_while_a_content_is_kept() -> None:
    world = World.make(limits={"idle": 0.05})
    world.intake.may_finish.clear()
    loop = asyncio.get_running_loop()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        for command in ("MAIL FROM:<news@example.com>", "RCPT TO:<friend@example.net>", "DATA"):
            await client.ask(command)
        client.send(CONTENT + b".\r\n")
        await world.intake.finishing.wait()
        loop.call_later(0.1, world.intake.may_finish.set)  # the disk is slow
        assert (await client.line()).startswith("250 2.6.0")
        assert (await client.line()).startswith("421 4.4.2")


async def test_a_fault_of_our_own_ends_one_connection_only(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as first:
        await first.line()
        with monkeypatch.context() as broken, capture_logs() as logs:
            broken.setattr(SubmissionServer, "conversation", None)
            async with talk(service.port) as second:
                assert await second.ended()
        assert [entry["event"] for entry in logs] == ["connection failed"]
        assert (await first.ask("NOOP")).startswith("250 ")


# The memory for contents

HALF = b"x" * 50 + b"\r\n"
BEGUN = b"MAIL FROM:<news@example.com>\r\nRCPT TO:<friend@example.net>\r\n"


async def _half_a_content(client, world) -> None:
    """Send more than a half of what the worker has room for, and wait until it has come."""
    client.send(BEGUN + b"BDAT 52\r\n" + HALF)
    assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "250"]
    assert world.context.contents.octets == 52


async def _no_content_held(world) -> None:
    while world.context.contents.octets:
        world.intake.given_back.clear()
        await asyncio.wait_for(world.intake.given_back.wait(), 10)


async def test_no_room_in_memory_is_said_before_the_content_is_taken() -> None:
    world = World.make(limits={"message_size": 60, "contents": 60})
    async with serve(world) as service, talk(service.port) as first, talk(service.port) as second:
        await first.hello()
        await second.hello()
        await _half_a_content(first, world)
        full = "452 4.3.1 Too much is being received at once, try again later"
        assert await second.ask("MAIL FROM:<news@example.com> SIZE=9") == full
        assert (await second.ask("MAIL FROM:<news@example.com> SIZE=8")).startswith("250 ")
        assert (await second.ask("RSET")).startswith("250 ")
        second.send(BEGUN + b"BDAT 9 LAST\r\n1234567\r\n")
        assert [(await second.reply()) for _ in range(3)][-1] == full
        assert (await second.ask("RSET")).startswith("250 ")
        # Unannounced, it finds out in the middle: the end is waited for, and the session lives on.
        second.send(BEGUN + b"DATA\r\n")
        assert [(await second.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        second.send(HALF + b".\r\n")
        assert await second.reply() == full
        assert world.context.contents.octets == 52
        assert (await first.ask("RSET")).startswith("250 ")
        assert (await second.deliver(HALF + b".\r\n")).startswith("250 ")
    assert [content for _, content in world.intake.finished] == [HALF]
    for step in ("MAIL", "BDAT", "content"):
        assert world.meter.value("contents_denied_total", step=step) == 1


async def test_data_hears_that_there_is_no_room_at_all() -> None:
    world = World.make(limits={"message_size": 52, "contents": 52})
    async with serve(world) as service, talk(service.port) as first, talk(service.port) as second:
        await first.hello()
        await second.hello()
        await _half_a_content(first, world)
        second.send(BEGUN + b"DATA\r\n")
        assert [(await second.reply())[:9] for _ in range(3)][-1] == "452 4.3.1"
    assert world.meter.value("contents_denied_total", step="DATA") == 1


@pytest.mark.parametrize("ending", ["RSET", "EHLO x.example", "BDAT x", "BDAT 999", "QUIT", "", "idle"])
async def test_the_room_for_a_content_comes_back_however_it_ends(ending: str) -> None:
    limits = {"message_size": 60, "contents": 60, "idle": 0.1 if ending == "idle" else 30}
    world = World.make(limits=limits)
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        await _half_a_content(client, world)
        if not ending:
            client.writer.transport.abort()
        elif ending != "idle":
            client.send(ending.encode() + b"\r\n" + (b"x" * 999 if ending == "BDAT 999" else b""))
            await client.reply()
        await _no_content_held(world) if not ending or ending == "idle" else None
        assert world.context.contents.octets == 0


@pytest.mark.parametrize("content", [b"X-Break: 1\r\n\r\n", b"fine\r\n", b"\0\r\n"])
async def test_the_room_is_held_until_the_intake_is_done(content: bytes) -> None:
    world = World.make(limits={"message_size": 60, "contents": 60})
    world.intake.may_finish.clear()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        client.send(BEGUN + b"DATA\r\n" + content + b".\r\n")
        if b"\0" not in content:
            await asyncio.wait_for(world.intake.finishing.wait(), 10)
            assert world.context.contents.octets >= len(content)
        world.intake.may_finish.set()
        for _ in range(4):
            await client.reply()
        assert world.context.contents.octets == 0


# Many passwords at once


async def test_guesses_at_the_same_time_are_looked_at_one_after_another() -> None:
    world = World.make()
    world.quota.allowed = 3
    looking = asyncio.Semaphore(1)
    authenticate = world.accounts.authenticate

    async def slowly(name: str, password: str) -> object:
        assert not looking.locked(), "two passwords of one source at once"
        async with looking:
            for _ in range(20):
                await asyncio.sleep(0)
            return await authenticate(name, password)

    world.accounts.authenticate = slowly
    async with serve(world) as service, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(talk(service.port)) for _ in range(8)]
        for client in clients:
            await client.line()
            await client.ask("EHLO client.example")
            client.send(WRONG.encode() + b"\r\n")
        answers = [(await client.reply())[:3] for client in clients]
    assert sorted(answers) == ["421"] * 5 + ["535"] * 3
    assert world.accounts.asked == 3


async def test_that_mail_of_an_account_cancelled_since_mail_is_not_taken() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        await client.ask("MAIL FROM:<news@example.com>")
        await client.ask("RCPT TO:<ann@example.net>")
        assert (await client.ask("DATA")).startswith("354 ")
        world.accounts.cancelled = True
        client.send(CONTENT + b".\r\n")
        assert await client.reply() == "550 5.7.1 Account cancelled"
    assert world.intake.finished == []
    assert len(world.intake.abandoned) == 1


async def test_that_a_store_that_is_away_at_the_end_of_the_content_is_a_transient_refusal() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        await client.ask("MAIL FROM:<news@example.com>")
        await client.ask("RCPT TO:<ann@example.net>")
        assert (await client.ask("DATA")).startswith("354 ")
        world.accounts.away = True
        client.send(CONTENT + b".\r\n")
        assert (await client.reply()).startswith("451 4.3.0")
        assert len(world.intake.abandoned) == 1
        world.accounts.away = False
        assert (await client.ask("MAIL FROM:<news@example.com>")).startswith("250 ")
    assert world.intake.finished == []
