"""Attacks from outside on the real process tree: guessed passwords by the thousand, lies about where one is, floods."""

import asyncio
import contextlib
import http.client
import itertools
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest
from scene import House, Sink, newsletter
from scene.waiting import PATIENCE, free_port

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"
PROXY, STRANGER, GUESSER = "127.0.0.50", "127.0.0.60", "127.0.0.99"
TRUSTED, OUTSIDE = "192.0.2.7", "198.51.100.7"
GUESSES = 10_000
GUESSERS = 40  # connections at once
SERVED = 3  # messages of others meanwhile


@pytest.fixture(scope="module")
def proxied() -> int:
    """The port at which the balancer's word is taken."""
    return free_port()


@pytest.fixture(scope="module")
def house(template: House, proxied: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("attacked") / "house", Sink())
    house.sink.start()
    house.move_into_copy_of(template)
    house.append(
        f'[[submission.listener]]\nlisten = "127.0.0.1:{proxied}"\ntls = "starttls"\nauth_without_tls = true\n'
        f'proxy_from = ["{PROXY}/32"]\n'
        f'[[submission.trusted]]\nnetwork = "{TRUSTED}/32"\naccount = "acme"\n'
    )
    try:
        house.start()
        yield house
    finally:
        house.clear_away()
        house.sink.stop()


class Wire:
    """A connection from an address of our choice, and its lines."""

    def __init__(self, port: int, source: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def code(self) -> int:
        """Return the code of the next reply; 0: the server has closed without a word."""
        with contextlib.suppress(ConnectionResetError):  # what we said was not read to its end
            while line := self._lines.readline():
                if line[3:4] != b"-":
                    return int(line[:3])
        return 0

    def ask(self, words: str) -> int:
        self.send(words.encode() + b"\r\n")
        return self.code()


def header(source: str) -> bytes:
    return f"PROXY TCP4 {source} 203.0.113.1 40000 587\r\n".encode()


def mail_without_login(wire: Wire) -> int:
    assert wire.ask("EHLO client.example") == 250
    return wire.ask(f"MAIL FROM:<{SENDER}>")


# The PROXY protocol


def test_the_balancer_is_believed(house: House, proxied: int) -> None:
    for source, answer in ((TRUSTED, 250), (OUTSIDE, 530)):
        with Wire(proxied, PROXY) as wire:
            wire.send(header(source))
            assert wire.code() == 220
            assert mail_without_login(wire) == answer


def test_a_header_from_anybody_else_is_no_command_and_changes_nothing(house: House, proxied: int) -> None:
    before = house.metric("consentry_smtp_server_rejections_total", reason="500 5.5.1")
    for port, source in ((proxied, STRANGER), (house.smtp, PROXY), (house.smtp, STRANGER)):
        with Wire(port, source) as wire:
            wire.send(header(TRUSTED))
            assert wire.code() == 220
            assert wire.code() == 500
            assert mail_without_login(wire) == 530
    assert house.metric("consentry_smtp_server_rejections_total", reason="500 5.5.1") == before + 3


def test_a_client_behind_the_balancer_cannot_speak_for_it(house: House, proxied: int) -> None:
    with Wire(proxied, PROXY) as wire:
        wire.send(header(OUTSIDE) + header(TRUSTED))
        assert (wire.code(), wire.code()) == (220, 500)
        assert mail_without_login(wire) == 530


@pytest.mark.parametrize(
    "lie",
    [
        b"EHLO client.example\r\n",
        b"PROXY TCP4 192.0.2.777 203.0.113.1 40000 587\r\n",
        b"PROXY TCP4 192.0.2.7 203.0.113.1 40000 99999\r\n",
        b"PROXY TCP6 192.0.2.7 203.0.113.1 40000 587\r\n",
        b"PROXY TCP4 192.0.2.7\r\n",
        b"PROXY " + b"x" * 200 + b"\r\n",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x04\xc0\x00\x02\x07",  # version 2, too short for its addresses
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x12\x00\x0c\xc0\x00\x02\x07\xcb\x00\x71\x01\x9c\x40\x02\x4b",  # UDP
    ],
)
def test_a_balancer_that_lies_is_left_without_a_word(house: House, proxied: int, lie: bytes) -> None:
    before = house.metric("consentry_proxy_errors_total")
    with Wire(proxied, PROXY) as wire:
        wire.send(lie)
        assert wire.code() == 0
    assert house.metric("consentry_proxy_errors_total") == before + 1


# Guessed passwords


class Guess(asyncio.Protocol):
    """One attempt: EHLO, a wrong password, and what the server says to it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._steps = iter((b"EHLO guess.example\r\n", b"AUTH PLAIN AGFjbWUAd3Jvbmc=\r\n"))
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        last = self._heard.rstrip(b"\r\n").rpartition(b"\n")[2]
        if not self._heard.endswith(b"\n") or last[3:4] == b"-":
            return
        self._heard = b""
        step = next(self._steps, None)
        if step is None or not last.startswith(b"2"):
            self.answer.set_result(int(last[:3]))
            self._transport.abort()
        else:
            self._transport.write(step)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_result(0)


async def guess(port: int, answers: Counter[int]) -> None:
    """Try 10,000 passwords, many at a time."""
    left = itertools.count(GUESSES, -1)
    loop = asyncio.get_running_loop()

    async def go_on() -> None:
        while next(left) > 0:
            _, one = await loop.create_connection(Guess, "127.0.0.1", port, local_addr=(GUESSER, 0))
            answers[await one.answer] += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(GUESSERS):
            tasks.create_task(go_on())


def test_ten_thousand_guesses_cost_little_and_keep_nobody_out(house: House, readers: Iterator[str]) -> None:
    answers: Counter[int] = Counter()
    cpu = sum(map(cpu_seconds, house.workers()))
    guessing = threading.Thread(target=lambda: asyncio.run(guess(house.smtp, answers)))
    guessing.start()
    with contextlib.ExitStack() as stack:
        stack.callback(guessing.join)
        for number in range(SERVED):
            with house.client() as client:
                client.sendmail(SENDER, [next(readers)], newsletter(f"meanwhile-{number}"))
        assert guessing.is_alive()
    assert sum(answers.values()) == GUESSES
    assert answers.keys() == {535, 421}, answers
    # Each of these costs an argon2: ten, ten more for each minute, and one in the other worker at the same time.
    assert answers[535] < 30
    assert house.metric("consentry_auth_total", result="failed") == answers[535]
    assert house.metric("consentry_auth_total", result="blocked") == answers[421]
    assert sum(map(cpu_seconds, house.workers())) - cpu < GUESSES * 0.002 + 2.0
    for number in range(SERVED):
        assert house.sink.copy(f"meanwhile-{number}")
    with Wire(house.smtp, GUESSER) as wire:
        assert (wire.code(), wire.ask("EHLO guess.example")) == (220, 250)
        assert wire.ask("AUTH PLAIN AGFjbWUAd3Jvbmc=") == 421


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# The web port

BODY = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FLOODER, READER = "127.0.0.1", "127.0.0.2"
PLACES, SHARE = 512, 100
DENIED = "consentry_web_connections_denied_total"


@pytest.fixture
def way_out(house: House, reader: str) -> str:
    """The path of a reader's way out."""
    with house.client() as client:
        client.sendmail(SENDER, [reader], newsletter(reader))
    link = house.sink.copy(reader).message["List-Unsubscribe"].partition(">")[0].removeprefix("<")
    return urlsplit(link).path


def flood(stack: contextlib.ExitStack, port: int, sources: Sequence[str], each: int, path: str) -> None:
    """Open connections, and say little on each of them."""
    body = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList".encode()
    for number in range(each):
        for source in sources:
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)))
            with contextlib.suppress(OSError):  # it has been turned away already
                one.sendall((b"", b"GET /u/x HTT", body)[number % 3])


def leave(house: House, path: str) -> int:
    """POST a way out from the reader's address; return the status."""
    web = http.client.HTTPConnection("127.0.0.1", house.web, timeout=PATIENCE, source_address=(READER, 0))
    with contextlib.closing(web):
        web.request("POST", path, BODY, FORM)
        with web.getresponse() as answer:
            return answer.status


def test_one_who_floods_the_pages_has_a_share_of_the_places(house: House, way_out: str) -> None:
    before = house.metric(DENIED, reason="source")
    with contextlib.ExitStack() as stack:
        flood(stack, house.web, [FLOODER], PLACES + SHARE, way_out)
        assert leave(house, way_out) == 200
        assert house.metric(DENIED, reason="source") - before == PLACES
        assert house.metric(DENIED, reason="idle") == 0


def test_many_who_say_little_give_way_to_who_speaks(house: House, way_out: str) -> None:
    with contextlib.ExitStack() as stack:
        sources = [f"127.0.1.{number}" for number in range(1, 9)]
        flood(stack, house.web, sources, SHARE * 3 // 4, way_out)
        assert leave(house, way_out) == 200
        assert house.metric(DENIED, reason="idle") >= len(sources) * SHARE * 3 // 4 - PLACES
