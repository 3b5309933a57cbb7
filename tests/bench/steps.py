"""Milliseconds of CPU of each step of one message, beside the budget that the design gives it.

    make bench-steps
    python tests/bench/steps.py --sizes 4 --rounds 20 --json steps.json

All messages have one text, like a newsletter without merged names; the recipients differ.

The real modules, put together as the worker does it: a spool and a store on the disk, 100,000 subscriptions,
an RSA-2048 key, sockets on loopback whose other ends are processes of their own. Twenty messages are under
way at once, as with twenty sessions. A figure is the CPU time of this process, all threads, divided by the
messages; of many rounds the best one counts, because other load on the machine can only add to it.

Not in it: the scheduler's own work between the steps, and the process's garbage collection, which is off.
"""

import argparse
import asyncio
import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TextIO, TypeVar

import uvloop

sys.path.insert(0, str(Path(__file__).parent))
from peers import RECIPIENT, SENDER, prepare_gateway, trust_this_machine
from side_by_side import message

from gateway.app.configuration import read
from gateway.app.shipping import ship
from gateway.app.worker import _open_books
from gateway.app.world import SystemClock, SystemEntropy
from gateway.mime.splice import apply
from gateway.model import reply
from gateway.model.address import parse_address
from gateway.model.delivery import Recipient, Sender
from gateway.model.facts import Client
from gateway.observe import logs
from gateway.pipeline.accept import Intake, Transaction, World
from gateway.pipeline.gather import Gatherer
from gateway.ports import Copy, HopReply, Parcel, Settlement
from gateway.relay.record import Record
from gateway.relay.reports import Reports
from gateway.relay.routes import Routes
from gateway.settings.files import Disk
from gateway.signing.signer import DkimSigner
from gateway.smtp.contents import Contents
from gateway.spool.opening import open_shard
from gateway.spool.sqlite import SqliteSpool
from gateway.submission.context import SubmissionContext
from gateway.submission.service import SubmissionServer
from gateway.submission.turns import Turns

T = TypeVar("T")

SUBSCRIPTIONS = 100_000
AT_ONCE = 20
BUDGET = {
    "SMTP in": 0.15,
    "facts": 0.05,
    "rewrite": 0.05,
    "spool, put and settle": 0.08,
    "DKIM, RSA-2048": 0.35,
    "SMTP out": 0.10,
    "events, metrics, logs": 0.07,
}
CLIENT = Client("127.0.0.1", 2525, "source", "ESMTP", authenticated=False)


class OpenDoor:
    """An intake that takes everything at once, so that SMTP alone is measured."""

    async def begin(self, client: Client, _account_id: int, sender: Sender) -> Transaction:
        return Transaction("", client, None, sender, None)  # type: ignore[arg-type]

    async def recipient(self, _transaction: Transaction, _recipient: Recipient) -> reply.Reply:
        return reply.RECIPIENT_OK

    def check_room(self) -> None:
        return None

    def abandon(self, _transaction: Transaction) -> None:
        return None

    async def finish(self, _transaction: Transaction, _content: bytes) -> reply.Reply:
        return reply.QUEUED.fill(id="01ARZ3NDEKTSV4RRFFQ69G5FAV")


class Tray:
    """Takes what the intake gives to spool and relay."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    async def put(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)

    def has_room(self, _account_id: int, _copies: int, _octets: int) -> bool:
        return True

    def offer(self, _parcel: Parcel) -> None:
        return None

    def nudge(self) -> None:
        return None

    def check_room(self) -> None:
        return None


class Stopwatch:
    """The CPU of each step in this round, and the best of all rounds; milliseconds a message."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self._round: dict[str, float] = {}
        self.best: dict[str, float] = {}

    async def time(self, step: str, work: Awaitable[T]) -> T:
        start = time.process_time()
        done = await work
        spent = (time.process_time() - start) * 1000 / self._messages
        self._round[step] = self._round.get(step, 0.0) + spent
        return done

    def end_round(self) -> None:
        for step, spent in self._round.items():
            self.best[step] = min(spent, self.best.get(step, spent))
        self._round = {}


async def each(todo: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do the work for each, twenty at once."""
    line = iter(todo)

    async def go_on() -> None:
        for one in line:
            await work(one)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(go_on())


class Bench:
    """All steps over one size of message."""

    def __init__(self, home: Path, size: int, messages: int) -> None:
        self._home = home
        self._content = message(size).replace(b"\n", b"\r\n")
        self._messages = messages
        self._recipients = [Recipient(parse_address(f"{number}{RECIPIENT}")) for number in range(messages)]
        self._sender = Sender(parse_address(SENDER))
        self.watch = Stopwatch(messages)

    async def run(self, rounds: int, nowhere: TextIO) -> dict[str, float]:
        async with AsyncExitStack() as stack:
            self._configuration = read(self._home / "gateway.toml")
            self._clock, self._entropy = SystemClock(), SystemEntropy()
            self._books = _open_books(0, self._configuration, stack)
            logs.configure("info", stream=nowhere, form="json")
            self._tray = Tray()
            self._spool = await self._open_spool(stack)
            self._source = await self._open_source(stack)
            self._put_together()
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            gathering = tasks.create_task(self._gatherer.run())
            for _ in range(rounds):
                gc.collect()
                await self._round()
                self.watch.end_round()
            gathering.cancel()
            self._source.stdin.close()
            await self._source.wait()
            self._hop.close()
        return self.watch.best

    async def _open_spool(self, stack: AsyncExitStack) -> SqliteSpool:
        spool = await open_shard(
            self._home / "state" / "spool", 0, keyring=self._books.keyring, clock=self._clock,
            meter=self._books.meter, settings=self._configuration.settings.spool,
        )  # fmt: skip
        stack.push_async_callback(spool.close)
        return spool

    async def _open_source(self, stack: AsyncExitStack) -> asyncio.subprocess.Process:
        """Serve SMTP at a port of its own, and start who sends to it."""
        configuration, books = self._configuration, self._books
        settings = configuration.settings
        context = SubmissionContext(
            hostname=configuration.hostname, section=settings.submission, intake=OpenDoor(),
            accounts=books.accounts, quota=books.quota, presence=books.presence, meter=books.meter,
            clock=self._clock, logins=Turns(),
            contents=Contents(lambda: settings.submission.limits.contents, books.meter),
        )  # fmt: skip
        listening = socket.create_server(("127.0.0.1", 0))
        stack.callback(listening.close)
        sessions = await stack.enter_async_context(asyncio.TaskGroup())
        server = SubmissionServer([(listening, settings.submission.listener[0])], lambda: context, sessions)
        await server.start()
        stack.callback(server.close)
        file = self._home / "content"
        # As DATA wants it, with its end.
        file.write_bytes(self._content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        source = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("counterpart.py")), "source",
            str(listening.getsockname()[1]), str(file),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert await source.stdout.readline() == b"ready\n"
        return source

    def _put_together(self) -> None:
        configuration, books = self._configuration, self._books
        settings = configuration.settings
        reports = Reports(lambda: configuration.hostname, self._clock, self._entropy)
        self._gatherer = Gatherer(books.consent)
        self._intake = Intake(World(
            accounts=books.accounts, gatherer=self._gatherer, keyring=books.keyring, quota=books.quota,
            spool=self._tray, dispatch=self._tray, clock=self._clock, entropy=self._entropy,
            meter=books.meter, shelf=lambda: configuration.shelf, links=lambda: configuration.links,
            hostname=lambda: configuration.hostname, report_refusals=reports.refusals,
            describe_rewrite=configuration.describe_rewrite,
        ))  # fmt: skip
        self._signer = DkimSigner(books.dkim_keys, self._clock, books.meter)
        self._hop = Routes(lambda: settings, Disk, self._clock, self._entropy, books.meter)
        self._record = Record(reports, lambda: settings.relay, self._clock, self._entropy, books.meter)

    # One round: every step for all messages, then the next step

    async def _round(self) -> None:
        watch = self.watch
        await watch.time("SMTP in", self._smtp_in())
        transactions = await watch.time("facts", self._facts())
        parcels = await watch.time("rewrite", self._rewrite(transactions))
        # Their events are a step of their own.
        bare = [replace(parcel, events=()) for parcel in parcels]
        await watch.time("spool, put and settle", each(bare, self._spool.put))
        rendered = await watch.time("rewrite", self._render(parcels))
        copies = await watch.time("DKIM, RSA-2048", self._sign(parcels, rendered))
        replies = await watch.time("SMTP out", self._smtp_out(copies))
        settlements = await watch.time("events, metrics, logs", self._write_down(parcels, replies))
        await watch.time("spool, put and settle", self._settle(settlements))
        await watch.time("events, metrics, logs", self._keep_events(parcels, settlements))

    async def _smtp_in(self) -> None:
        self._source.stdin.write(b"%d\n" % self._messages)
        assert await self._source.stdout.readline() == b"done\n"

    async def _facts(self) -> list[Transaction]:
        account = await self._books.accounts.by_name("bench")
        transactions = []

        async def begin(recipient: Recipient) -> None:
            transaction = await self._intake.begin(CLIENT, account.id, self._sender)
            answer = await self._intake.recipient(transaction, recipient)
            assert answer is reply.RECIPIENT_OK, answer
            transactions.append(transaction)

        await each(self._recipients, begin)
        return transactions

    async def _rewrite(self, transactions: list[Transaction]) -> list[Parcel]:
        for transaction in transactions:
            answer = await self._intake.finish(transaction, self._content)
            assert answer.code == 250, answer
        parcels, self._tray.parcels = self._tray.parcels, []
        return parcels

    async def _render(self, parcels: list[Parcel]) -> list[bytes]:
        return [apply(parcel.content, parcel.deliveries[0].splices) for parcel in parcels]

    async def _sign(self, parcels: list[Parcel], rendered: list[bytes]) -> list[Copy]:
        copies = []
        for parcel, content in zip(parcels, rendered, strict=True):
            one = parcel.submission
            signature = await self._signer.sign(one.account_id, one.signing_domain, content)
            assert signature
            copies.append(Copy(one.sender, parcel.deliveries[0], signature + content))
        return copies

    async def _smtp_out(self, copies: list[Copy]) -> dict[str, HopReply]:
        replies = {}

        async def send(copy: Copy) -> None:
            replies[copy.delivery.submission.id] = await self._hop.send(copy)

        await each(copies, send)
        return replies

    async def _write_down(self, parcels: list[Parcel], replies: dict[str, HopReply]) -> list[Settlement]:
        return [
            self._record.of_reply(parcel.deliveries[0], replies[parcel.submission.id], parcel.content)
            for parcel in parcels
        ]

    async def _settle(self, settlements: list[Settlement]) -> None:
        bare = [replace(one, events=()) for one in settlements]
        for start in range(0, len(bare), AT_ONCE):
            await self._spool.settle(bare[start : start + AT_ONCE])

    async def _keep_events(self, parcels: list[Parcel], settlements: list[Settlement]) -> None:
        """Seal them, keep them in the outbox, and ship them to the store."""
        for parcel, settlement in zip(parcels, settlements, strict=True):
            self._spool.record(parcel.events + settlement.events)
        shipped = 0
        while shipped < 2 * len(parcels):
            found = await ship(self._spool, self._books.events, self._books.meter)
            shipped += found
            if not found:  # the commit is under way, and an empty outbox answers without a turn of the loop
                await asyncio.sleep(0.002)


def show(size: int, best: dict[str, float]) -> None:
    print(f"\n{size} KiB {'ms of CPU':>29} {'budget':>8}")
    for step, budget in BUDGET.items():
        print(f"{step:24} {best[step]:10.3f} {budget:8.2f}")
    print(f"{'all':24} {sum(best.values()):10.3f} {sum(BUDGET.values()):8.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU of each step of a message.")
    parser.add_argument("--sizes", default="4,50", help="KiB, with commas")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--messages", type=int, default=200, help="in each round")
    parser.add_argument(
        "--home", type=Path, help="a folder to keep between runs; else one that is made and goes"
    )
    parser.add_argument("--json", type=Path, help="write the results there")
    options = parser.parse_args()
    # On a real disk, because the spool's fsync is part of what is measured.
    folder = options.home or Path(tempfile.mkdtemp(prefix="consentry-steps-", dir="/var/tmp"))
    sink = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("counterpart.py")), "sink"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    results = {}
    try:
        port = int(sink.stdout.readline())
        home = folder / "gateway"
        if not home.exists():
            prepare_gateway(home, port, SUBSCRIPTIONS, say=lambda what: print(what, flush=True))
            trust_this_machine(home)
        point_at(home / "gateway.toml", port)
        with Path(os.devnull).open("w") as nowhere:
            gc.disable()
            for size in map(int, options.sizes.split(",")):
                bench = Bench(home, size * 1024, options.messages)
                results[size] = uvloop.run(bench.run(options.rounds, nowhere))
                show(size, results[size])
    finally:
        sink.terminate()
        sink.wait()
        if options.home is None:
            shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


def point_at(file: Path, port: int) -> None:
    """Let the next hop be at this port."""
    head, table, rest = file.read_text().partition("[[relay.smarthost]]")
    lines = [f"port = {port}" if line.startswith("port = ") else line for line in rest.split("\n")]
    file.write_text(head + table + "\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
