"""One-click POSTs (RFC 8058): how many a second one core of CPU serves, and whether one is lost.

    make bench-oneclick
    make bench-oneclick ONECLICK="--posts 5000 --rounds 1 --connections 16"

The real process tree with its store on a disk; this process is the generator. Each POST ends another
subscription; it comes over a kept-open connection with the headers that a web server in front adds, every
fourth one as a multipart form. CPU is user and system time of the web process, all its threads. At the end
the store is asked for every POST that was answered 200: its subscription must have ended, and there must be
one event of it that says how. It fails where one is missing, or where a POST was answered otherwise.

POSTs a second and core are 1000 by the milliseconds of CPU of one POST. POSTs a second are those of one web
process beside this generator and whatever else the machine does, which is shown.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent))
from peers import _descendants, _stat, free_port, gateway
from side_by_side import machine_cpu

from gateway.app.configuration import Configuration, read
from gateway.model.token import Purpose, Token, seal
from gateway.store.database import open_store
from gateway.store.schema import EVENT, SUBSCRIPTION

WARM_UP = 500
PATIENCE = 120.0  # seconds for one round
URLENCODED = b"List-Unsubscribe=One-Click"
BOUNDARY = b"----=_Part_7_1800000000"
MULTIPART = (
    b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n--" + BOUNDARY + b"--\r\n"
)


@dataclass(frozen=True)
class Link:
    """One subscription and the POST that ends it."""

    address_hash: bytes
    request: bytes


@dataclass
class Round:
    """What came of the POSTs of one round."""

    links: deque[Link]
    answered: list[bytes] = field(default_factory=list)  # the address hashes of those answered 200
    others: Counter[bytes] = field(default_factory=Counter)  # status lines of the rest
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    cpu: float = 0.0  # seconds of the web process
    elsewhere: float = 0.0  # cores that were busy with neither the web process nor the generator


class Connection(asyncio.Protocol):
    """Sends one POST after the other for as long as there are any."""

    def __init__(self, round_: Round, ended: asyncio.Future[None]) -> None:
        self._round = round_
        self._ended = ended
        self._answer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._round.seconds.append(time.perf_counter() - self._began)
        if head.startswith(b"HTTP/1.1 200 "):
            self._round.answered.append(self._link.address_hash)
        else:
            self._round.others[head.split(b"\r\n", 1)[0]] += 1
        self._answer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(exc or ConnectionError("the gateway closed a connection"))

    def _next(self) -> None:
        if not self._round.links:
            self._ended.set_result(None)
            self._transport.close()
            return
        self._link = self._round.links.popleft()
        self._began = time.perf_counter()
        self._transport.write(self._link.request)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def request(number: int, path: str) -> bytes:
    """Return a POST as it comes from a web server in front."""
    body, kind = URLENCODED, b"application/x-www-form-urlencoded"
    if number % 4 == 3:
        body, kind = MULTIPART, b"multipart/form-data; boundary=" + BOUNDARY
    return (
        b"POST %s HTTP/1.1\r\nHost: leave.example\r\nX-Forwarded-For: 192.0.2.%d\r\nX-Forwarded-Proto: https\r\n"
        b"User-Agent: Mozilla/5.0 (compatible; one-click)\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
        b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
    ) % (path.encode(), number % 250 + 1, kind, len(body), body)


def links(configuration: Configuration, count: int) -> list[Link]:
    """Return the ways out of so many subscriptions, from everywhere in the store."""
    tokens, made = configuration.tokens, []
    key = tokens.keys[tokens.current_id]
    store = open_store(configuration.settings)
    query = select(SUBSCRIPTION.c.account_id, SUBSCRIPTION.c.list_id, SUBSCRIPTION.c.address_hash)
    with store.read() as connection:
        rows = random.Random(1).sample(connection.execute(query).all(), count)
    store.close()
    for number, (account_id, list_id, address_hash) in enumerate(rows):
        token = Token(Purpose.UNSUBSCRIBE, account_id, list_id, address_hash, os.urandom(16))
        made.append(Link(address_hash, request(number, "/u/" + seal(token, tokens.current_id, key))))
    return made


async def post_all(round_: Round, port: int, connections: int, web: int) -> None:
    """Send all POSTs of a round, one after the other on each connection."""
    loop = asyncio.get_running_loop()
    busy, cpu, own, began = machine_cpu(), _stat(web)[1], time.process_time(), time.monotonic()
    ends = [loop.create_future() for _ in range(min(connections, len(round_.links)))]
    for ended in ends:
        await loop.create_connection(lambda ended=ended: Connection(round_, ended), "127.0.0.1", port)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*ends)
    round_.elapsed = time.monotonic() - began
    round_.cpu = _stat(web)[1] - cpu
    others = machine_cpu() - busy - round_.cpu - (time.process_time() - own)
    round_.elsewhere = max(others, 0.0) / round_.elapsed


def web_process(root: int) -> int:
    """Return the process id of the web process."""
    for pid in _descendants([root]):
        if b"gateway.app\0web" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise LookupError("there is no web process")


def lost(configuration: Configuration, answered: Iterable[bytes]) -> list[str]:
    """Name what the store does not know of the POSTs that were answered 200."""
    store = open_store(configuration.settings)
    with store.read() as connection:
        states = dict(
            tuple(row)
            for row in connection.execute(select(SUBSCRIPTION.c.address_hash, SUBSCRIPTION.c.state))
        )
        facts = [
            json.loads(row[0])
            for row in connection.execute(select(EVENT.c.facts).where(EVENT.c.type == "Subscription"))
        ]
    store.close()
    events = Counter(one["subscriber"] for one in facts if one.get("via") == "one-click")
    wrong = []
    for address_hash in answered:
        if states.get(address_hash) != "unsubscribed":
            wrong.append(f"{address_hash.hex()} is {states.get(address_hash)}")
        if events[address_hash.hex()] != 1:
            wrong.append(f"{address_hash.hex()} has {events[address_hash.hex()]} events")
    return wrong


def show(name: str, round_: Round) -> None:
    posts = len(round_.seconds)
    cuts = statistics.quantiles(round_.seconds, n=100)
    spent = round_.cpu / posts * 1000
    print(
        f"{name}: {posts:,} POSTs, {len(round_.answered):,} answered 200; {posts / round_.elapsed:.0f}/s,"
        f" {spent:.3f} ms of CPU each, {1000 / spent:.0f}/s and core;"
        f" p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms; else {round_.elsewhere:.2f} cores",
        flush=True,
    )
    for status, count in round_.others.items():
        print(f"  {count:,} were answered {status.decode()!r}")


def run(posts: int, rounds: int, connections: int, subscriptions: int, folder: Path) -> int:
    count = posts * rounds + WARM_UP
    peer = gateway(folder / "house", free_port(), subscriptions=max(count, subscriptions))
    try:
        configuration = read(folder / "house" / "gateway.toml")
        todo, web = links(configuration, count), web_process(peer.roots[0])
        port = configuration.settings.web.listen.port
        done = [Round(deque(todo[:WARM_UP]))]
        uvloop.run(post_all(done[0], port, connections, web))
        for number in range(rounds):
            one = Round(deque(todo[WARM_UP + number * posts :][:posts]))
            uvloop.run(post_all(one, port, connections, web))
            done.append(one)
            show(f"round {number + 1}", one)
        answered = [one for each in done for one in each.answered]
        wrong = lost(configuration, answered)
    finally:
        peer.close()
    print(f"{len(answered):,} were answered 200; the store lacks {len(wrong)}", *wrong[:10], sep="\n  ")
    best = min(one.cpu / len(one.seconds) for one in done[1:]) * 1000
    middle = statistics.median(one.cpu / len(one.seconds) for one in done[1:]) * 1000
    print(f"ms of CPU of one POST: {middle:.3f} in the median of the rounds, {best:.3f} in the best")
    return 1 if wrong or any(one.others for one in done) else 0


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--posts", type=int, default=10_000, help="in each round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=64, help="kept open")
    options.add_argument("--subscriptions", type=int, default=0, help="in the store, if more than POSTs")
    options.add_argument("--folder", type=Path, help="where to work, and to leave what was made")
    chosen = options.parse_args()
    load = (chosen.posts, chosen.rounds, chosen.connections, chosen.subscriptions)
    if chosen.folder is not None:
        return run(*load, chosen.folder)
    # On a real disk, because durability is part of what is measured.
    with tempfile.TemporaryDirectory(prefix="oneclick-", dir="/var/tmp") as folder:
        return run(*load, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
