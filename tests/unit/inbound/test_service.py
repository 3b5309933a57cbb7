"""The MX side as a server: its own limits, and an end in order."""

import asyncio

from inbound_world import World, serve, talk


async def test_strangers_are_counted_apart_from_tenants() -> None:
    world = World.make(limits={"connections_per_source": 1})
    async with serve(world, tls="none") as service, talk(service.port) as first:
        assert (await first.line()).startswith("220 ")
        assert world.presence.present.keys() == {b"inbound:127.0.0.1"}
        async with talk(service.port) as second, talk(service.port, source="127.0.0.2") as other:
            assert (await second.line()).startswith("421 4.3.2")
            assert await second.ended()
            assert (await other.line()).startswith("220 ")
    assert world.meter.value("connections_denied_total", reason="source") == 1


async def test_a_letter_that_is_being_read_is_answered_before_the_end() -> None:
    world = World.make()
    world.book.may_leave.clear()
    async with serve(world, tls="none") as service, talk(service.port) as client, talk(service.port) as idle:
        await idle.line()
        await client.line()
        for command in (
            "EHLO x.example",
            "MAIL FROM:<ann@example.net>",
            "RCPT TO:<unsubscribe@out.example.org>",
        ):
            assert (await client.ask(command)).startswith("250")
        assert (await client.ask("DATA")).startswith("354 ")
        client.send(f"Subject: {world.token}\r\n\r\n.\r\n".encode())
        await world.book.leaving.wait()
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(service.server.drain(10))
            assert (await idle.line()).startswith("421 4.3.2 The gateway is shutting down")
            idle.writer.close()
            world.book.may_leave.set()
            assert (await client.line()).startswith("250 2.6.0")
            assert (await client.line()).startswith("421 4.3.2")
            client.writer.close()
        assert draining.result() == 0
    assert world.has_left


async def test_a_reader_who_hangs_up_has_left_all_the_same() -> None:
    world = World.make()
    world.book.may_leave.clear()
    async with serve(world, tls="none") as service:
        async with talk(service.port) as client:
            await client.line()
            for command in ("HELO x.example", "MAIL FROM:<>", "RCPT TO:<unsubscribe@out.example.org>"):
                assert (await client.ask(command)).startswith("250")
            await client.ask("DATA")
            client.send(f"Subject: {world.token}\r\n\r\n.\r\n".encode())
            await world.book.leaving.wait()
        world.book.may_leave.set()
        await world.book.left.wait()
    assert world.has_left
