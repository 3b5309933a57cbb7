"""Memory while mail waits for a next hop that is down, and how soon it has gone when that is back.

    make bench-backlog
    make bench-backlog BACKLOG="--messages 20000"

A gateway takes 100,000 messages of 4 KiB while nothing listens at its next hop's port; after each step of 20,000
the memory of its process tree is shown (RSS added up, and PSS, which counts shared pages once). Then the
next hop's port is opened, and the time until all messages have arrived is measured. It fails where memory
has grown by more than ``--allowed`` from the first step to the last, or where mail is missing.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from peers import RECIPIENT, SENDER, _descendants, free_port, gateway, tree_cpu, tree_rss
from side_by_side import Sink, message

STEP = 20_000
PATIENCE = 1800  # seconds until all must have arrived
MIB = 1 << 20


def rss(roots: list[int]) -> int:
    """Resident memory of the process trees, octets; shared pages count for each process."""
    total = 0
    for pid in _descendants(roots):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
    return total


def hand_in(port: int, file: Path, count: int) -> None:
    subprocess.run(
        [
            "smtp-source", "-d", "-N", "-s", "20", "-m", str(count), "-F", str(file),
            "-f", SENDER, "-t", RECIPIENT, f"127.0.0.1:{port}",
        ],
        check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def run(messages: int, octets: int, allowed: int, folder: Path) -> int:
    hop = free_port()
    file = folder / "message"
    file.write_bytes(message(octets))
    peer = gateway(folder / "house", hop, subscriptions=STEP + 1)
    seen = []
    try:
        print(
            f"at rest: {rss(peer.roots) / MIB:.0f} MiB RSS, {tree_rss(peer.roots) / MIB:.0f} MiB PSS",
            flush=True,
        )
        for sent in range(STEP, messages + 1, STEP):
            began, cpu = time.monotonic(), peer.cpu()
            hand_in(peer.port, file, STEP)
            took = time.monotonic() - began
            seen.append(rss(peer.roots))
            print(
                f"{sent:>7,} wait: {seen[-1] / MIB:.0f} MiB RSS, {tree_rss(peer.roots) / MIB:.0f} MiB PSS,"
                f" {STEP / took:.0f} messages a second, {(tree_cpu(peer.roots) - cpu) / STEP * 1000:.2f} ms each",
                flush=True,
            )
        sink, began, cpu = Sink(hop), time.monotonic(), peer.cpu()
        try:
            took = sink.wait_until(messages, PATIENCE) - began
            print(
                f"all {messages:,} arrived {took:.0f} s after the next hop was back: {messages / took:.0f} a second,"
                f" {(peer.cpu() - cpu) / messages * 1000:.2f} ms each; {rss(peer.roots) / MIB:.0f} MiB RSS"
            )
        finally:
            sink.close()
    finally:
        peer.close()
    grown = seen[-1] - seen[0]
    print(f"from the first step to the last: {grown / MIB:+.0f} MiB")
    return 1 if grown > allowed else 0


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--messages", type=int, default=100_000)
    options.add_argument("--octets", type=int, default=4096)
    options.add_argument("--allowed", type=int, default=48, help="MiB of growth")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="backlog-", dir="/var/tmp") as folder:
        return run(chosen.messages, chosen.octets, chosen.allowed * MIB, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
