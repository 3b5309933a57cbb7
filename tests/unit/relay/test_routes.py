import asyncio
import base64
from dataclasses import replace

import pytest

from gateway.ports import HopBroken, HopUnreachable
from gateway.relay.routes import Routes
from gateway.settings.files import Disk, Handed


class World:
    """Routes over hops, with settings that can be swapped."""

    def __init__(self, mail, clock, entropy, meter, *hops, **relay) -> None:
        self.mail = mail
        self.settings = mail.settings(*[mail.host(hop) for hop in hops], **relay)
        self.routes = Routes(lambda: self.settings, Disk, clock, entropy, meter)

    async def send(self):
        return await self.routes.send(self.mail.copy())


@pytest.fixture
async def world(mail, clock, entropy, meter):
    worlds = []

    def make(*hops, **relay) -> World:
        worlds.append(World(mail, clock, entropy, meter, *hops, **relay))
        return worlds[-1]

    yield make
    for one in worlds:
        one.routes.close()


async def test_connections_are_kept_and_counted(world, hop, meter):
    relay = world(hop)
    for _ in range(10):
        assert (await relay.send()).code == 250
    assert hop.sessions == 1
    assert meter.value("connection_count", service="smarthost") == 1
    relay.routes.close()
    assert meter.value("connection_count", service="smarthost") == 0


async def test_never_more_connections_than_allowed(world, hop, mail):
    relay = world(hop, connections=3)
    async with asyncio.TaskGroup() as group:
        for _ in range(30):
            group.create_task(relay.send())
    assert hop.sessions <= 3
    assert len(hop.taken) == 30


async def test_a_connection_is_left_after_so_many_messages(world, hop):
    relay = world(hop, messages_per_connection=2)
    for _ in range(5):
        await relay.send()
    assert hop.sessions == 3


async def test_the_connection_used_last_is_used_first(world, hop):
    relay = world(hop, connections=3)
    await asyncio.gather(relay.send(), relay.send(), relay.send())
    sessions = hop.sessions
    pool = relay.routes._hosts[0].pool
    last = pool._idle[-1][1]
    sent = last.sent
    await relay.send()
    assert (last.sent, hop.sessions) == (sent + 1, sessions)


async def test_an_idle_connection_is_closed_in_time(world, hop, meter):
    relay = world(hop, timeouts={"idle": 0.05})
    await relay.send()
    await hop.until(lambda: "QUIT" in hop.heard)
    assert meter.value("connection_count", service="smarthost") == 0


async def test_a_dead_connection_is_replaced_without_a_word(world, hop):
    relay = world(hop, connections=5)
    await asyncio.gather(*(relay.send() for _ in range(5)))
    hop.drop_sessions()
    for _ in range(6):
        assert (await relay.send()).code == 250


async def test_a_connection_that_dies_at_the_first_word_is_replaced_once(world, make_hop):
    hop = await make_hop(says={"MAIL": ["250 ok", "close", "250 ok"]})
    relay = world(hop)
    assert (await relay.send()).code == 250
    assert (await relay.send()).code == 250
    assert hop.sessions == 2


async def test_421_at_mail_on_an_old_connection_is_only_its_end(world, make_hop):
    hop = await make_hop(says={"MAIL": ["250 ok", "421 4.7.0 enough for one session", "250 ok"]})
    relay = world(hop)
    assert (await relay.send()).code == 250
    assert (await relay.send()).code == 250
    assert hop.sessions == 2


async def test_the_next_host_takes_over(world, make_hop, clock):
    first, second = await make_hop(), await make_hop()
    relay = world(first, second)
    assert (await relay.send()).host.endswith(str(first.port))
    await first.stop()
    assert (await relay.send()).host.endswith(str(second.port))
    await first.start()
    assert (await relay.send()).host.endswith(str(second.port)), "the first is still aside"
    clock.time += 1.0
    assert (await relay.send()).host.endswith(str(first.port)), "and is probed later"


@pytest.mark.parametrize(
    "says",
    [
        {"GREETING": ["421 4.3.2 busy"]},
        {"MAIL": ["421 4.3.2 busy"]},
        {"CONTENT": ["421 4.3.2 busy"]},
        {"MAIL": ["close"]},
    ],
)
async def test_a_host_in_trouble_is_put_aside_and_the_next_gets_the_copy(world, make_hop, says):
    first, second = await make_hop(says=says), await make_hop()
    relay = world(first, second)
    assert (await relay.send()).code == 250
    sessions = first.sessions
    assert (await relay.send()).code == 250
    assert (first.sessions, len(second.taken)) == (sessions, 2)


async def test_what_may_have_been_taken_is_not_given_to_another(world, make_hop):
    first, second = await make_hop(says={"CONTENT": ["close"]}), await make_hop()
    relay = world(first, second)
    with pytest.raises(HopBroken):
        await relay.send()
    assert second.taken == []
    assert (await relay.send()).code == 250
    assert len(second.taken) == 1


async def test_a_host_that_says_421_alone_gives_its_reply_then_rests(world, make_hop, clock):
    hop = await make_hop(says={"RCPT": ["421 4.7.0 no more"]})
    relay = world(hop)
    assert (await relay.send()).code == 421
    with pytest.raises(HopUnreachable, match="421 no more") as caught:
        await relay.send()
    assert caught.value.until == clock.time + 1.0


async def test_a_copy_that_a_hop_always_leaves_over_has_failed_a_try_and_lets_the_others_go_first(
    world, make_hop, clock
):
    hop = await make_hop(says={"RCPT": ["close", "250 ok"]})
    relay = world(hop)
    reply = await relay.send()
    assert (reply.code, reply.enhanced, reply.host) == (451, "4.4.2", "")
    with pytest.raises(HopUnreachable, match="closed the connection") as caught:
        await relay.send()
    clock.time = caught.value.until
    assert (await relay.send()).code == 250


async def test_waits_grow_and_end(world, make_hop, clock):
    hop = await make_hop()
    relay = world(hop)
    await hop.stop()
    waits = []
    for _ in range(7):
        with pytest.raises(HopUnreachable) as caught:
            await relay.send()
        waits.append(caught.value.until - clock.time)
        clock.time = caught.value.until
    assert waits == [1, 2, 4, 8, 10, 10, 10]
    await hop.start()
    assert (await relay.send()).code == 250


async def test_while_a_probe_is_out_the_others_wait_for_it(world, make_hop, clock):
    hop = await make_hop()
    relay = world(hop)
    await hop.stop()
    with pytest.raises(HopUnreachable):
        await relay.send()
    clock.time += 1.0
    results = await asyncio.gather(*(relay.send() for _ in range(8)), return_exceptions=True)
    assert all(isinstance(result, HopUnreachable) for result in results)
    assert results[0].until == clock.time + 2.0, "eight failures at once count once"
    clock.time += 2.0
    await hop.start()
    replies = await asyncio.gather(*(relay.send() for _ in range(8)))
    assert {reply.code for reply in replies} == {250}


async def test_a_clock_that_jumps_back_does_not_put_a_host_aside_for_ever(world, make_hop, clock):
    hop = await make_hop()
    relay = world(hop)
    await hop.stop()
    with pytest.raises(HopUnreachable):
        await relay.send()
    await hop.start()
    clock.time -= 86_400
    assert (await relay.send()).code == 250


async def test_no_host_at_all(world):
    with pytest.raises(HopUnreachable, match="no smarthost"):
        await world().send()


async def test_new_settings_take_effect_with_the_next_copy(world, make_hop, mail):
    first, second = await make_hop(), await make_hop()
    relay = world(first)
    await relay.send()
    relay.settings = mail.settings(mail.host(second))
    await relay.send()
    assert (len(first.taken), len(second.taken)) == (1, 1)
    relay.settings = mail.settings(mail.host(second), max_age=5.0)
    await relay.send()
    assert second.sessions == 1, "what does not matter to connections leaves them alone"


async def test_cancelling_frees_the_probe(world, make_hop, clock):
    hop = await make_hop()
    relay = world(hop)
    await hop.stop()
    with pytest.raises(HopUnreachable):
        await relay.send()
    clock.time += 1.0
    hop.says = {"GREETING": ["hang", "220 hop"]}
    await hop.start()
    async with asyncio.TaskGroup() as group:
        probe = group.create_task(relay.send())
        await hop.until(lambda: hop.sessions == 1)
        waiting = group.create_task(relay.send())
        await asyncio.sleep(0)
        while not probe.done():  # asyncio.wait_for may swallow one, in Python 3.11
            probe.cancel()
            await asyncio.sleep(0)
    assert waiting.result().code == 250


async def test_what_a_host_has_broken_is_not_its_next_probe(world, make_hop, clock, mail):
    """The only copy in the house: it would meet the bad host at each attempt, and never the good one."""
    first, second = await make_hop(says={"CONTENT": ["close"]}), await make_hop()
    relay = world(first, second)
    with pytest.raises(HopBroken):
        await relay.send()
    clock.time += 60.0
    copy = mail.copy()
    again = replace(copy, delivery=replace(copy.delivery, attempts=1))
    assert (await relay.routes.send(again)).code == 250
    assert len(second.taken) == 1


async def test_a_password_counts_from_the_next_reload_on(mail, clock, entropy, meter, make_hop):
    hop = await make_hop(offers=("AUTH PLAIN", "PIPELINING"))
    host = mail.host(hop) | {"username": "u", "password_file": "/secrets/password"}
    files, settings = Handed({"/secrets/password": b"old\n"}), mail.settings(host)
    routes = Routes(lambda: settings, lambda: files, clock, entropy, meter)
    old, new = ("AUTH PLAIN " + base64.b64encode(b"\0u\0" + one).decode() for one in (b"old", b"new"))

    async def log_ins() -> list[str]:
        hop.heard.clear()
        await routes.send(mail.copy())
        return [line for line in hop.heard if line.startswith("AUTH")]

    assert await log_ins() == [old]
    settings = mail.settings(host)
    assert await log_ins() == []  # a reload that changes nothing here: the connection goes on
    files, settings = Handed({"/secrets/password": b"new\n"}), mail.settings(host)
    assert await log_ins() == [new]
    routes.close()
