"""CPU of a whole gateway, before and after a change, while other things use the same machine.

    git worktree add /var/tmp/before main
    python tests/bench/before_after.py --before /var/tmp/before --home /var/tmp/houses

Two gateways run at once, one from each tree, each with a house, a sink and subscriptions of its own. They are sent
slices of messages in turn (before, after, after, before), so that whatever else the machine does falls on both. A
figure is the CPU time of a gateway's process tree in a slice divided by its messages. Other load can only add to it
(it takes caches, and half of a core that has two threads), so the lower quartile says what is ours, and the median
of the pairs' ratios what a change has changed. Throughput says nothing here: one of the two always rests.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from peers import SUBSCRIPTIONS, Peer, _descendants, prepare_gateway, trust_this_machine
from side_by_side import Sink, message, send
from steps import point_at

HERE = Path(__file__).resolve().parents[2]


def house(folder: Path, subscriptions: int, sink: int) -> Path:
    """Return a house below the folder, made where there is none, that relays to the sink."""
    if not (folder / "gateway.toml").exists():
        prepare_gateway(folder, sink, subscriptions)
        trust_this_machine(folder)
    point_at(folder / "gateway.toml", sink)
    return folder


def smtp_port(folder: Path) -> int:
    """Return where the house takes mail."""
    lines = (folder / "gateway.toml").read_text().splitlines()
    listen = lines.index("[[submission.listener]]") + 1
    return int(lines[listen].rpartition(":")[2].rstrip('"'))


@contextmanager
def running(name: str, tree: Path, folder: Path) -> Iterator[Peer]:
    """Run the gateway whose source is in the tree."""
    with (folder / "log.jsonl").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from gateway.cli.main import main; main()",
             "--config", str(folder / "gateway.toml"), "run"],
            stdout=subprocess.PIPE, stderr=log, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree) + os.environ.get("EXTRA", "")},
        )  # fmt: skip
        assert process.stdout is not None
        if b"ready" not in process.stdout.readline():
            raise RuntimeError(f"the gateway did not start, see {log.name}")
        try:
            yield Peer(name, smtp_port(folder), [process.pid])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def cpu_of(peer: Peer) -> float:
    """CPU seconds of a tree whose processes live on, to the nanosecond: ticks are too coarse for a slice."""
    # clock_getcpuclockid(3): a process's clock is its id, inverted, and the kind of the clock.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in _descendants(peer.roots))


def slice_of(peer: Peer, sink: Sink, file: Path, count: int) -> float:
    """Send, and return milliseconds of CPU for each message."""
    goal, spent = sink.count + count, cpu_of(peer)
    send(peer, file, count)
    sink.wait_until(goal, 300)
    return (cpu_of(peer) - spent) / count * 1000


def compare(before: tuple[Peer, Sink], after: tuple[Peer, Sink], file: Path, count: int, rounds: int) -> None:
    """Print medians and lower quartiles of both, and how they compare."""
    figures: list[tuple[float, float]] = []
    for number in range(rounds):
        first, second = (before, after) if number % 2 == 0 else (after, before)
        one, other = slice_of(*first, file, count), slice_of(*second, file, count)
        figures.append((one, other) if number % 2 == 0 else (other, one))
    columns = list(zip(*figures, strict=True))
    medians = [statistics.median(column) for column in columns]
    quartiles = [statistics.quantiles(column, n=4)[0] for column in columns]
    ratio = statistics.median(late / early for early, late in figures)
    print(
        f"{file.stat().st_size / 1024:.0f} KiB: before {medians[0]:.3f} ms (lower quartile {quartiles[0]:.3f}), "
        f"after {medians[1]:.3f} ms ({quartiles[1]:.3f}); ratio {ratio:.3f}, "
        f"of sums {sum(columns[1]) / sum(columns[0]):.3f}, of quartiles {quartiles[1] / quartiles[0]:.3f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU of a whole gateway, before and after a change.")
    parser.add_argument("--before", type=Path, required=True, help="the tree to compare this one with")
    parser.add_argument(
        "--home", type=Path, help="a folder to keep between runs; else one that is made and goes"
    )
    parser.add_argument("--subscriptions", type=int, default=SUBSCRIPTIONS)
    parser.add_argument("--messages", type=int, default=200, help="in each slice")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--sizes", default="4", help="KiB, with commas")
    options = parser.parse_args()
    folder = options.home or Path(tempfile.mkdtemp(prefix="consentry-compare-", dir="/var/tmp"))
    try:
        with ExitStack() as stack:
            pairs = []
            for name, tree in (("before", options.before.resolve()), ("after", HERE)):
                sink = Sink()
                stack.callback(sink.close)
                home = house(folder / name, options.subscriptions, sink.port)
                pairs.append((stack.enter_context(running(name, tree, home)), sink))
            for size in options.sizes.split(","):
                file = folder / f"message-{size}k"
                file.write_bytes(message(int(size) * 1024))
                for peer, sink in pairs:
                    slice_of(peer, sink, file, options.messages)
                compare(*pairs, file, options.messages, options.rounds)
    finally:
        if options.home is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
