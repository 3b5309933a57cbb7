"""The address that was judged is the one that is connected to."""

import socket
import threading
from collections.abc import Iterator

import httpcore
import pytest

from gateway.outward import names as looking_up
from gateway.outward.destination import is_public
from gateway.outward.dialing import Dialing, NameTrouble, NoSuchName, NotAllowed
from gateway.outward.names import Names


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to; those that end with .9 do not answer."""
    found: list[str] = []

    async def connect(_self: object, host: str, *_: object) -> str:
        found.append(host)
        if host.endswith(".9"):
            raise httpcore.ConnectError("no")
        return f"stream to {host}"

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    return found


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[list[str]]]]:
    """What names resolve to, at the first look, the second, and so on."""
    answers: dict[str, list[list[str]]] = {}

    def look_up(host: str, port: int) -> list[str]:
        if host == "slow.example":
            released.wait(10)
        if host not in answers:
            raise socket.gaierror(socket.EAI_AGAIN if host.startswith("broken") else socket.EAI_NONAME, "no")
        return answers[host].pop(0)

    released = threading.Event()
    monkeypatch.setattr(looking_up, "_look_up", look_up)
    yield answers
    released.set()


@pytest.fixture
async def dial():
    pool = Names()
    yield Dialing(is_public, pool).connect_tcp
    pool.close()


async def test_a_name_is_looked_up_once_so_rebinding_gains_nothing(dial, names, dialled) -> None:
    names["hooks.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    assert await dial("hooks.example", 443) == "stream to 93.184.216.34"
    assert dialled == ["93.184.216.34"]
    with pytest.raises(NotAllowed):  # the next connection is judged anew
        await dial("hooks.example", 443)
    assert dialled == ["93.184.216.34"]


async def test_of_several_addresses_only_the_public_ones_are_tried(dial, names, dialled) -> None:
    names["mixed.example"] = [["10.0.0.1", "1.1.1.9", "::1", "1.1.1.9", "8.8.8.8"]]
    assert await dial("mixed.example", 443) == "stream to 8.8.8.8"
    assert dialled == ["1.1.1.9", "8.8.8.8"]


async def test_the_last_failure_is_told(dial, names, dialled) -> None:
    names["down.example"] = [["1.1.1.9", "8.8.8.9"]]
    with pytest.raises(httpcore.ConnectError):
        await dial("down.example", 443)
    assert dialled == ["1.1.1.9", "8.8.8.9"]


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("nowhere.example", NoSuchName),
        ("a" * 64 + ".example", NoSuchName),  # no name at all
        ("broken.example", NameTrouble),
        ("slow.example", NameTrouble),
    ],
)
async def test_a_name_without_addresses(dial, names, host: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="resolved"):
        await dial(host, 443, 0.05)


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "::1"])
async def test_this_machine_in_any_notation(dial, dialled, host: str) -> None:
    with pytest.raises(httpcore.ConnectError):
        await dial(host, 80)
    assert dialled == []


async def test_no_socket_of_this_machine() -> None:
    with pytest.raises(NotAllowed):
        await Dialing(is_public, Names()).connect_unix_socket("/run/docker.sock")
