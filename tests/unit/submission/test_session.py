"""Sessions where more than one thing happens at a time: limits, lost connections, slow readers."""

import asyncio
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
