"""Whose name servers hang holds up nobody else."""

import asyncio
import socket
import threading

import pytest

from gateway.outward import names as looking_up
from gateway.outward.names import SHARE, Names


@pytest.fixture
async def names(monkeypatch):
    """Names of which some hang until ``go``; ``asked`` is what the system was asked."""
    found = Names(threads=SHARE + 2)
    found.go, found.asked, begun = threading.Event(), [], asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def look_up(host: str, _port: int) -> list[str]:
        found.asked.append(host)
        loop.call_soon_threadsafe(begun.release)
        if host.startswith("hangs"):
            assert found.go.wait(30)
        if host == "none.example":
            raise socket.gaierror(socket.EAI_NONAME, "no")
        return ["192.0.2.1", "192.0.2.1"]

    monkeypatch.setattr(looking_up, "_look_up", look_up)
    found.begun = begun
    async with asyncio.timeout(30):
        yield found
    found.go.set()
    found.close()


async def test_a_party_that_hangs_leaves_threads_to_the_others(names) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(names.addresses(f"hangs{number}.example", 443, "mallory"))
        for _ in range(SHARE):
            await names.begun.acquire()
        assert await names.addresses("shop.example", 443, "acme") == ["192.0.2.1"]
        assert names.asked == ["hangs0.example", "hangs1.example", "shop.example"]
        names.go.set()
    assert len(names.asked) == 21


async def test_who_waits_no_more_has_his_share_until_the_system_lets_go(names) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(SHARE):
            hanging = tasks.create_task(names.addresses(f"hangs{number}.example", 443, "mallory"))
            await names.begun.acquire()
            hanging.cancel()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await names.addresses("shop.example", 443, "mallory")
    assert "shop.example" not in names.asked
    names.go.set()
    assert await names.addresses("shop.example", 443, "mallory") == ["192.0.2.1"]


async def test_an_error_that_nobody_waits_for_is_no_news(names, caplog) -> None:
    with pytest.raises(socket.gaierror):
        await names.addresses("none.example", 443, "acme")
    assert await names.addresses("shop.example", 443, "acme") == ["192.0.2.1"]
    assert not caplog.records
