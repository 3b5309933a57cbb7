"""Draining: what is being sent is taken, the others are told, and it ends."""

import asyncio
import resource
import ssl

import pytest
from submission_world import World, serve, talk, trusting


async def test_sessions_between_commands_are_told_at_once() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as new, talk(service.port) as begun:
        await new.line()
        await begun.hello()
        await begun.ask("MAIL FROM:<news@example.com>")
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(service.server.drain(10))
            for client in (new, begun):
                assert (await client.line()).startswith("421 4.3.2 The gateway is shutting down")
                assert await client.ended()
                client.writer.close()
        assert draining.result() == 0
    assert len(world.intake.abandoned) == 1


async def test_a_content_is_still_taken_and_answered() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        for command in ("MAIL FROM:<news@example.com>", "RCPT TO:<friend@example.net>", "DATA"):
            await client.ask(command)
        client.send(b"half of it\r\n")
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(service.server.drain(10))
            await asyncio.sleep(0)
            client.send(b"and the rest\r\n.\r\n")
            assert (await client.line()).startswith("250 2.6.0")
            assert (await client.line()).startswith("421 4.3.2")
            client.writer.close()
        assert draining.result() == 0
    assert world.intake.finished[0][1] == b"half of it\r\nand the rest\r\n"


async def test_the_bound_is_kept() -> None:
    world = World.make()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        for command in ("MAIL FROM:<news@example.com>", "RCPT TO:<friend@example.net>", "DATA"):
            await client.ask(command)
        assert await service.server.drain(0.02) == 1
        assert await client.ended()
    assert len(world.intake.abandoned) == 1


async def test_what_is_being_kept_when_the_bound_ends_is_kept() -> None:
    world = World.make()
    world.intake.may_finish.clear()
    async with serve(world) as service, talk(service.port) as client:
        await client.hello()
        for command in ("MAIL FROM:<news@example.com>", "RCPT TO:<friend@example.net>", "DATA"):
            await client.ask(command)
        client.send(b"x\r\n.\r\n")
        await world.intake.finishing.wait()
        assert await service.server.drain(0) == 1
        world.intake.may_finish.set()
    assert world.intake.finished[0][1] == b"x\r\n"


async def test_connections_before_their_greeting_are_closed(tls: ssl.SSLContext) -> None:
    """One waits for a PROXY header, one for a handshake: neither holds the drain up."""
    world = World.make(tls)
    async with (
        serve(world, proxy_from=("127.0.0.0/8",)) as proxied,
        serve(world, tls="implicit") as encrypted,
        talk(proxied.port) as first,
        talk(encrypted.port) as second,
    ):
        first.send(b"PROXY")
        await world.presence.someone.wait()  # the second, in its handshake; the first came before it
        assert await proxied.server.drain(10) == 0
        assert await encrypted.server.drain(10) == 0
        assert await first.ended()
        assert await second.ended()


async def test_after_the_drain_nobody_is_accepted() -> None:
    world = World.make()
    async with serve(world) as service:
        assert await service.server.drain(10) == 0
        async with talk(service.port) as client:  # the kernel's queue takes it; another worker would
            await asyncio.sleep(0)
            assert service.server.sessions == 0
            client.writer.close()


async def test_a_drain_over_tls(tls: ssl.SSLContext) -> None:
    world = World.make(tls)
    async with serve(world, tls="implicit") as service, talk(service.port, trusting()) as client:
        await client.hello()
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(service.server.drain(10))
            assert (await client.line()).startswith("421 4.3.2")
            assert await client.ended()
        assert draining.result() == 0


async def test_many_sessions_at_once() -> None:
    world = World.make()
    async with serve(world) as service:

        async def one(number: int) -> None:
            async with talk(service.port) as client:
                await client.hello()
                for turn in range(3):
                    assert (await client.deliver(b"%d %d\r\n.\r\n" % (number, turn))).startswith("250 2.6.0")
                await client.ask("QUIT")

        async with asyncio.TaskGroup() as tasks:
            for number in range(30):
                tasks.create_task(one(number))
    wanted = {b"%d %d\r\n" % (number, turn) for number in range(30) for turn in range(3)}
    assert {content for _, content in world.intake.finished} == wanted


async def test_some_descriptors_are_left_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2, 2))  # three quarters are one session
    world = World.make()
    async with serve(world) as service, talk(service.port) as first:
        await first.hello()
        async with talk(service.port) as second:
            assert (await second.line()).startswith("421 4.3.2 Too many connections")
            assert await second.ended()
