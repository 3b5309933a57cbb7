"""The look-up of every RCPT, with ten million subscriptions in the store: its time, its memory, the store's size.

    make bench-consent                      10,000,000 subscriptions; ten minutes and 3 GB of disk
    make bench-consent CONSENT="1000000"    another number

The rows have the shape of real ones (a keyed hash, a sealed value of the usual length) and are written by the
driver in the order of their key, so that building the table takes minutes and not hours. Then look-ups as
sessions make them, of addresses that are there and of others: one at a time, as the event loop answers them,
and 200 merged into one question, in the thread. First on a cold cache of SQLite's, then warm.
"""

import asyncio
import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import func, select

from gateway.store import dialect
from gateway.store.consent import StoreConsentBook
from gateway.store.database import Store, open_store
from gateway.store.schema import SUBSCRIPTION

_ACCOUNTS = 50
_SEALED = 118  # octets: an address and a source of the usual length, with version, nonce and tag
_BATCH = 50_000
_SINGLE = 20_000  # look-ups
_MERGED = 200

Key = tuple[int, bytes]


def rows(count: int, keys: list[Key]) -> Iterator[tuple[object, ...]]:
    """Yield rows in the order of the key; one in a hundred of the keys is kept to be asked for."""
    each = count // _ACCOUNTS
    for account in range(1, _ACCOUNTS + 1):
        hashes = sorted(os.urandom(16) for _ in range(each))
        for number, address_hash in enumerate(hashes):
            if not number % 100:
                keys.append((account, address_hash))
            yield (
                account,
                address_hash,
                account,
                "confirmed",
                "double-opt-in",
                os.urandom(_SEALED),
                1e9,
                1e9,
                0.0,
                "",
            )


def fill(store: Store, count: int) -> list[Key]:
    keys: list[Key] = []
    batch: list[tuple[object, ...]] = []
    for row in rows(count, keys):
        batch.append(row)
        if len(batch) == _BATCH:
            _write(store, batch)
            batch = []
    if batch:
        _write(store, batch)
    return keys


def _write(store: Store, batch: Sequence[tuple[object, ...]]) -> None:
    with store.write() as connection:
        dialect.insert_rows(connection, dialect.insert(connection, SUBSCRIPTION), batch)


def questions(keys: list[Key], count: int) -> list[Key]:
    """Return keys, half of them of nobody."""
    dice = secrets.SystemRandom()
    return [
        dice.choice(keys) if number % 2 else (dice.randrange(1, _ACCOUNTS + 1), os.urandom(16))
        for number in range(count)
    ]


async def look_up(store: Store, keys: list[Key], name: str) -> None:
    book = StoreConsentBook(store)
    await book.bonds(keys[:1])  # connects
    asked = questions(keys, _SINGLE)
    took = []
    cpu = time.process_time()
    for key in asked:
        begun = time.perf_counter()
        await book.bonds([key])
        took.append(time.perf_counter() - begun)
    cpu = time.process_time() - cpu
    took.sort()
    print(
        f"{name:<34}{cpu / _SINGLE * 1e6:>8.0f} us of CPU, median {took[_SINGLE // 2] * 1e6:.0f} us,"
        f" 99 % within {took[_SINGLE * 99 // 100] * 1e6:.0f} us"
    )
    asked = questions(keys, _SINGLE)
    cpu = time.process_time()
    for start in range(0, _SINGLE, _MERGED):
        await book.bonds(asked[start : start + _MERGED])
    cpu = time.process_time() - cpu
    print(f"{name + f', {_MERGED} merged':<34}{cpu / _SINGLE * 1e6:>8.0f} us of CPU for each")
    book.close()


async def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        store = open_store(path)
        store.upgrade()
        begun = time.perf_counter()
        keys = fill(store, count)
        with store.read() as connection:
            there = connection.execute(select(func.count()).select_from(SUBSCRIPTION)).scalar_one()
        took = time.perf_counter() - begun
        print(
            f"{there:,} subscriptions of {_ACCOUNTS} accounts in {took:.0f} s, load {os.getloadavg()[0]:.1f}"
        )
        store.close()
        octets = sum(one.stat().st_size for one in path.parent.glob("store.sqlite*"))
        print(f"{octets / 1e9:.2f} GB on the disk, {octets / count:.0f} octets each")
        store = open_store(path)
        before = _resident()
        await look_up(store, keys, "one at a time, SQLite's cache cold")
        await look_up(store, keys, "one at a time, warm")
        print(
            f"memory {before:.0f} MiB before the look-ups (the asked keys among it), {_resident():.0f} MiB after"
        )
        print(
            f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, with building the table"
        )
        store.close()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    asyncio.run(main())
