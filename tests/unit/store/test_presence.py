"""The shared presence between real processes, and with a crowded bucket."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.presence import _MOST, _WAYS, SharedPresence, forget_workers

# A worker: "enter N LIMIT" and "leave N" do it N times and answer how many were let in, or "done".
WORKER = """
import os, sys
from pathlib import Path
from gateway.store.presence import SharedPresence
class System:
    def octets(self, count): return os.urandom(count)
    def fraction(self): return 0.0
presence = SharedPresence(Path(sys.argv[1]), System(), int(sys.argv[2]))
print("ready", flush=True)
for line in sys.stdin:
    word, times, *rest = line.split()
    if word == "enter":
        print(sum(presence.enter(b"key", int(rest[0])) for _ in range(int(times))), flush=True)
    else:
        for _ in range(int(times)):
            presence.leave(b"key")
        print("done", flush=True)
"""


class System:
    def octets(self, count: int) -> bytes:
        return os.urandom(count)

    def fraction(self) -> float:
        return 0.0


class Worker:
    def __init__(self, path: Path, number: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path), str(number)],
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
    return tmp_path / "presence.shm"


@pytest.fixture
def presence(path: Path) -> Iterator[SharedPresence]:
    shared = SharedPresence(path, System(), 9)
    yield shared
    shared.close()


@pytest.fixture
def workers(path: Path, presence: SharedPresence) -> Iterator[list[Worker]]:
    four = [Worker(path, number) for number in range(4)]
    assert [worker.hear() for worker in four] == ["ready"] * 4
    yield four
    for worker in four:
        worker.end()


def test_four_processes_let_in_exactly_the_limit(workers, presence):
    for _ in range(3):
        for worker in workers:
            worker.say("enter 100 150")
        inside = [int(worker.hear()) for worker in workers]
        assert sum(inside) == presence.count(b"key") == 150
        for worker, count in zip(workers, inside, strict=True):
            worker.say(f"leave {count}")
        assert [worker.hear() for worker in workers] == ["done"] * 4
        assert presence.count(b"key") == 0


def test_the_sessions_of_a_killed_worker_are_forgotten(workers, presence, path):
    for worker in workers:
        worker.say("enter 5 100")
        assert worker.hear() == "5"
    os.kill(workers[0].process.pid, signal.SIGKILL)
    workers[0].process.wait()
    assert presence.count(b"key") == 20
    forget_workers(path, System(), [0])
    assert presence.count(b"key") == 15
    os.kill(workers[1].process.pid, signal.SIGKILL)
    workers[1].process.wait()
    again = Worker(path, 1)
    assert again.hear() == "ready"
    assert presence.count(b"key") == 10
    again.end()


def test_a_supervisor_that_starts_forgets_all(presence, path):
    presence.enter(b"key", 9)
    forget_workers(path, System())
    assert presence.count(b"key") == 0


@pytest.mark.parametrize("number", [-1, 256])
def test_a_number_that_is_no_workers(path, number):
    with pytest.raises(ValueError, match="0 to 255"):
        SharedPresence(path, System(), number)


def neighbours(presence: SharedPresence, count: int) -> list[bytes]:
    """Return that many keys of one bucket."""
    place = presence._place(b"0")[1]
    keys = (b"%d" % number for number in range(10**6))
    return [
        key for key, _ in zip((k for k in keys if presence._place(k)[1] == place), range(count), strict=False)
    ]


def test_a_key_that_finds_no_room_is_let_in_and_not_counted(presence):
    *keys, last = neighbours(presence, _WAYS + 1)
    assert all(presence.enter(key, 1) for key in keys)
    assert presence.enter(last, 1)
    assert presence.enter(last, 1)
    assert presence.count(last) == 0
    # There is room now; the sessions that were not counted leave first, and take nothing from the others.
    presence.leave(keys[3])
    assert presence.enter(last, 1)
    assert presence.count(last) == 1
    presence.leave(last)
    presence.leave(last)
    assert presence.count(last) == 1
    presence.leave(last)
    assert presence.count(last) == 0
    assert presence._uncounted == {}
    assert not any(presence.enter(key, 1) for key in keys if key != keys[3])


def test_a_count_never_wraps(presence, monkeypatch):
    presence.enter(b"key", 1)
    slot = presence._find(*presence._place(b"key"))
    presence._file.map[slot + presence._column : slot + presence._column + 2] = _MOST.to_bytes(2, "little")
    assert not presence.enter(b"key", 10**9)
    assert presence.count(b"key") == _MOST
