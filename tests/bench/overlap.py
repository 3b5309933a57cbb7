"""How quickly "82 % of this import is list X of another account" is found among ten million addresses.

    make bench-overlap                      10,000,000 addresses on 1,000 lists of 200 accounts
    make bench-overlap OVERLAP="1000000"    another number of them

The sample of persons (gateway/store/person_sample.py) is filled as if all had been added, an import of 100,000
rows is staged, 82 % of them from one of the lists, and examined as a whole: without the DNS, in this process.
"""

import contextlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from argon2 import PasswordHasher
from imports import chunks, people, write_file

from gateway.imports.known import load_known
from gateway.imports.reading import Form
from gateway.model.facts import Basis, ConsentLevel, OverQuota
from gateway.model.import_rules import ImportRules
from gateway.store import dialect
from gateway.store.database import Store, open_store
from gateway.store.import_examination import standing_of
from gateway.store.imports import Imports
from gateway.store.keys import StoreKeyring
from gateway.store.person_sample import KEPT, remember
from gateway.store.registry import Registry
from gateway.store.schema import PERSON_SAMPLE, PROVIDER_ID

_ACCOUNTS, _LISTS = 200, 5  # lists for each account
_IMPORTED = 100_000
_BATCH = 100_000


def strangers(count: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield persons of the sample, in the order of the key, each on one of the lists."""
    step = int(KEPT * 2**64) // max(count, 1)
    for number in range(count):
        person = (number * step + 1).to_bytes(8, "big") + os.urandom(8)
        account = 1000 + number * 7919 % _ACCOUNTS
        yield person, account, account * _LISTS + number % _LISTS


def fill(store: Store, addresses: int) -> int:
    """Fill the sample; return how many rows it has."""
    rows, kept = strangers(int(addresses * KEPT)), 0
    while batch := list(islice(rows, _BATCH)):
        with store.write() as connection:
            dialect.insert_rows(connection, PERSON_SAMPLE.insert(), batch)
        kept += len(batch)
    return kept


def main() -> None:
    addresses = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(open_store(Path(folder) / "store.sqlite")) as store,
    ):
        store.upgrade()
        keyring = StoreKeyring(store, bytes(32))
        registry = Registry(store, keyring, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        began = time.perf_counter()
        kept = fill(store, addresses)
        theirs = list(people(_IMPORTED, 1))
        registry.add_account(
            "seller", "secret", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, now=time.time()
        )
        sold = registry.add_list("seller", "news.seller.example", "News", default=True)
        persons = [keyring.address_hash(PROVIDER_ID, one) for one in theirs]
        with store.write() as connection:
            remember(connection, 1, sold.id, persons)
        print(
            f"{addresses:,} addresses on {_ACCOUNTS * _LISTS:,} lists of {_ACCOUNTS} accounts: {kept:,} rows of the sample, "
            f"{(Path(folder) / 'store.sqlite').stat().st_size / 1e6:,.0f} MB, made in {time.perf_counter() - began:.0f} s"
        )
        buyer = registry.add_account(
            "buyer", "secret", ConsentLevel.ASSERTED, (), 0, OverQuota.REFUSE, now=time.time()
        )
        to = registry.add_list("buyer", "news.buyer.example", "News", default=True)
        file = Path(folder) / "bought.csv"
        write_file(file, iter([*theirs[: int(_IMPORTED * 0.82)], *people(int(_IMPORTED * 0.18), 2)]))
        imports, now, known, rules = Imports(store, keyring), time.time(), load_known(), ImportRules()
        case = imports.open(buyer.id, to.id, Basis.ASSERTED, "our shop", file.name, Form(), "bench", now)
        case = imports.complete(imports.stage(case, chunks(file), known, rules.rows, now), now)
        for turn in ("first", "second", "third"):
            wall, cpu = time.perf_counter(), time.process_time()
            standing = standing_of(store, case, now)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(
                f"{turn} look at all that the store knows of {case.rows:,} rows: {wall:.2f} s, {cpu:.2f} of CPU"
            )
        case = imports.examine(case, known, rules, None, now)
        assert case.report is not None
        assert standing.overlaps[0].list_id == sold.id
        print(*(one.words for one in case.report.findings), sep="\n  ")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
