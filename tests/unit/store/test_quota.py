"""The shared quota between real processes, with a crowded bucket, and with garbage in its slots."""

import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.facts import QuotaFact
from gateway.model.rate import Rate
from gateway.store.quota import _WAYS, SharedQuota
from gateway.store.quota_memory import MemoryQuota
from gateway.store.shared_file import HEADER

NOW = 1_700_000_000.0
RATES = (Rate(100, 1), Rate(3000, 60))
BURST = 50
GRANTED = QuotaFact()

# A worker: for each line "NOW ATTEMPTS" it answers how many tokens it got; "hold" takes the key's lock.
WORKER = """
import os, sys
from pathlib import Path
from gateway.model.facts import QuotaFact
from gateway.model.rate import Rate
from gateway.store.quota import SharedQuota
class System:
    def octets(self, count): return os.urandom(count)
    def fraction(self): return 0.0
quota = SharedQuota(Path(sys.argv[1]), System())
rates = (Rate(100, 1), Rate(3000, 60))
print("ready", flush=True)
for line in sys.stdin:
    if line == "hold\\n":
        quota._file.hold(quota._place(b"key", rates)[1])
        print("held", flush=True)
        continue
    now, attempts = line.split()
    print(sum(quota.reserve(b"key", rates, 50, float(now)) == QuotaFact() for _ in range(int(attempts))), flush=True)
"""


class System:
    def octets(self, count: int) -> bytes:
        return os.urandom(count)

    def fraction(self) -> float:
        return 0.0


class Worker:
    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quota.shm"


@pytest.fixture
def quota(path: Path) -> Iterator[SharedQuota]:
    shared = SharedQuota(path, System())
    yield shared
    shared.close()


@pytest.fixture
def workers(path: Path) -> Iterator[list[Worker]]:
    """Four processes that find garbage, all at once, where the file should be."""
    path.write_bytes(b"garbage")
    four = [Worker(path) for _ in range(4)]
    assert [worker.hear() for worker in four] == ["ready"] * 4
    yield four
    for worker in four:
        worker.end()


def test_four_processes_get_exactly_what_gcra_permits(workers):
    twin = MemoryQuota()
    for now in (NOW, NOW, NOW + 0.105, NOW + 0.5, NOW + 30, NOW + 31):
        expected = sum(twin.reserve(b"key", RATES, BURST, now) == GRANTED for _ in range(1200))
        for worker in workers:
            worker.say(f"{now} 300")
        assert sum(int(worker.hear()) for worker in workers) == expected


def test_a_worker_killed_with_the_lock_blocks_nobody(workers):
    holder, waiting = workers[:2]
    holder.say("hold")
    assert holder.hear() == "held"
    waiting.say(f"{NOW} 60")
    os.kill(holder.process.pid, signal.SIGKILL)
    assert waiting.hear() == "50"


def test_threads_get_exactly_what_gcra_permits(quota):
    got: list[int] = []

    def hammer() -> None:
        got.append(sum(quota.reserve(b"key", RATES, BURST, NOW) == GRANTED for _ in range(200)))

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == BURST


def test_a_restart_gives_nobody_a_fresh_quota(quota, path):
    while quota.reserve(b"key", RATES, BURST, NOW) == GRANTED:
        pass
    again = SharedQuota(path, System())
    assert again.reserve(b"key", RATES, BURST, NOW).wait > 0
    again.close()


def neighbours(quota: SharedQuota, count: int) -> list[bytes]:
    """Return that many keys of one bucket."""
    place = quota._place(b"0", RATES)[1]
    keys = (b"%d" % number for number in range(10**6))
    return [
        key
        for key, _ in zip((k for k in keys if quota._place(k, RATES)[1] == place), range(count), strict=False)
    ]


def test_a_crowded_bucket_gives_up_what_has_passed(quota):
    for number, key in enumerate(neighbours(quota, 3 * _WAYS)):
        assert quota.reserve(key, RATES, BURST, NOW + number) == GRANTED
    assert quota.displaced == 0


def test_in_a_full_bucket_the_least_quota_is_cut_short_and_nobody_is_unlimited(quota):
    one = (Rate(10, 3600),)
    *keys, last = neighbours(quota, _WAYS + 1)
    for number, key in enumerate(keys):
        for _ in range(2 if number == 5 else 3):
            assert quota.reserve(key, one, 3, NOW) == GRANTED
    assert quota.displaced == 0
    assert [quota.reserve(last, one, 3, NOW) == GRANTED for _ in range(5)] == [True] * 3 + [False] * 2
    assert quota.displaced == 1
    assert all(quota.check(key, one, 3, NOW).wait > 0 for number, key in enumerate(keys) if number != 5)
    assert quota.check(keys[5], one, 3, NOW) == GRANTED


@pytest.mark.parametrize("filling", [b"\xff", b"\x7f", b"\x00", b"noise"])
def test_garbage_in_the_slots_is_not_believed(quota, filling):
    body = len(quota._file.map) - HEADER
    quota._file.map[HEADER:] = os.urandom(body) if filling == b"noise" else filling * body
    assert sum(quota.reserve(b"key", RATES, BURST, NOW) == GRANTED for _ in range(100)) == BURST


@pytest.mark.parametrize("tat", [float("nan"), float("inf"), float("-inf"), 1e300, -1e300])
def test_an_impossible_arrival_time_locks_for_no_longer_than_the_burst(quota, tat):
    assert quota.reserve(b"key", (Rate(1, 1),), 5, NOW) == GRANTED
    marks, start = quota._place(b"key", (Rate(1, 1),))
    slots, _ = quota._look_up(marks, start)
    quota._file.map[slots[0] + 24 : slots[0] + 32] = struct.pack("<d", tat)
    fact = quota.reserve(b"key", (Rate(1, 1),), 5, NOW)
    assert fact.wait <= 1 + 1e-6
    assert quota.reserve(b"key", (Rate(1, 1),), 5, NOW + 6) == GRANTED
