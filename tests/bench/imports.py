"""How quickly an import goes, from the file to subscriptions in the ledger, and in how much memory.

    make bench-imports                      1,000,000 rows, and 100,000 of another account that share 82 %
    make bench-imports IMPORTS="200000"     another number of rows

Each part is run in this process on a store of its own, without the DNS: rows a second of the wall clock and of
CPU, the peak of this process's memory, octets of the store. Nothing but this process should run beside it.
"""

import contextlib
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher

from gateway.imports.known import load_known
from gateway.imports.reading import Form, Reader
from gateway.model.facts import Basis, ConsentLevel, OverQuota
from gateway.model.import_rules import Decision, ImportRules
from gateway.store.database import Store, open_store
from gateway.store.import_cases import Case
from gateway.store.imports import Imports
from gateway.store.keys import StoreKeyring
from gateway.store.registry import Registry

T = TypeVar("T")

_NAMES = [
    "anna",
    "bernd",
    "carla",
    "david",
    "emil",
    "fritz",
    "gerda",
    "hans",
    "ines",
    "jonas",
    "klara",
    "lena",
    "mario",
    "nora",
    "otto",
    "paula",
    "rosa",
    "sara",
    "tom",
    "ute",
]
_LARGE = ["gmail.com"] * 30 + ["gmx.de"] * 12 + ["web.de"] * 10 + ["yahoo.com"] * 8 + ["outlook.com"] * 6


def people(count: int, seed: int) -> Iterator[str]:
    """Yield addresses as lists have them: four in five at large providers, each once."""
    dice = random.Random(seed)
    for number in range(count):
        domain = dice.choice(_LARGE) if dice.random() < 0.8 else f"firma{dice.randrange(20_000)}.example"
        yield f"{dice.choice(_NAMES)}.{dice.choice(_NAMES)}{number * 7919 + seed:x}@{domain}"


def write_file(path: Path, addresses: Iterator[str]) -> None:
    dice = random.Random(3)
    with path.open("w") as file:
        file.write("email,confirmed_at,ip,source\n")
        for address in addresses:
            at = f"2024-{dice.randrange(1, 13):02}-{dice.randrange(1, 28):02}T{dice.randrange(24):02}:00:00Z"
            ip = f"{dice.randrange(1, 223)}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
            file.write(f"{address},{at},{ip},https://shop.example/newsletter\n")


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(65_536):
            yield chunk


class Clocks:
    """Times parts, and keeps their sums."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.wall = self.cpu = 0.0

    def part(self, name: str, call: Callable[[], T]) -> T:
        wall, cpu = time.perf_counter(), time.process_time()
        done = call()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.wall, self.cpu = self.wall + wall, self.cpu + cpu
        self.say(name, wall, cpu)
        return done

    def say(self, name: str, wall: float, cpu: float) -> None:
        print(
            f"{name:<44}{wall:>8.1f} s {self._rows / wall:>10,.0f} rows/s {cpu:>8.1f} s of CPU"
            f" {self._rows / cpu:>10,.0f} rows/s of CPU"
        )


class World:
    def __init__(self, store: Store) -> None:
        self.store = store
        keyring = StoreKeyring(store, bytes(32))
        self.registry = Registry(store, keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.imports = Imports(store, keyring)
        self.known = load_known()
        self.rules = ImportRules(rows=100_000_000)

    def import_file(self, name: str, path: Path, clocks: Clocks) -> Case:
        account = self.registry.add_account(
            name, "secret", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, now=time.time()
        )
        to = self.registry.add_list(name, f"news.{name}.example", "News", default=True)
        now, imports = time.time(), self.imports
        case = imports.open(account.id, to.id, Basis.ASSERTED, "our shop", path.name, Form(), "bench", now)
        case = clocks.part(
            "stage: read, count, hash, seal, put aside",
            lambda: imports.stage(case, chunks(path), self.known, self.rules.rows, now),
        )
        case = imports.complete(case, now)
        case = clocks.part(
            "examine, without the DNS", lambda: imports.examine(case, self.known, self.rules, None, now)
        )
        case = imports.decide(case, Decision.ACCEPT, "bench", "", now)
        case = clocks.part("apply: subscriptions, ledger, sample", lambda: imports.apply(case, now))
        clocks.say("all", clocks.wall, clocks.cpu)
        assert case.added == case.rows
        return case


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        large, small = place / "large.csv", place / "small.csv"
        write_file(large, people(rows, 1))
        taken = rows // 10
        with contextlib.suppress(StopIteration):
            first = [address for address, _ in zip(people(rows, 1), range(int(taken * 0.82)), strict=False)]
            write_file(small, iter([*first, *people(taken - len(first), 2)]))
        store = open_store(place / "store.sqlite")
        store.upgrade()
        world = World(store)
        print(f"{rows:,} rows, {large.stat().st_size / 1e6:.0f} MB; {os.cpu_count()} cores, "
              f"load before it {os.getloadavg()[0]:.1f}")  # fmt: skip
        clocks = Clocks(rows)
        clocks.part("of it reading alone", lambda: sum(1 for _ in Reader(chunks(large), Form())))
        clocks = Clocks(rows)
        world.import_file("acme", large, clocks)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        octets = sum(one.stat().st_size for one in place.glob("store.sqlite*"))
        print(
            f"peak memory {peak:.0f} MiB; the store {octets / 1e6:.0f} MB, {octets / rows:.0f} octets a row\n"
        )
        print(f"{taken:,} rows of another account, 82 % of them of the first list")
        case = world.import_file("other", small, Clocks(taken))
        assert case.report is not None
        print(f"score {case.report.score:g}", *(one.words for one in case.report.findings), sep="\n  ")
        store.close()


if __name__ == "__main__":
    main()
