"""The side-by-side benchmark: the gateway, Postfix with OpenDKIM, and Postfix alone, in one run on one machine.

    make bench                        3 rounds, 4 KiB and 50 KiB, all peers
    make bench BENCH="--messages 3000 --rounds 1 --only gateway"

``smtp-source`` (20 sessions, kept open, one recipient each) sends to a peer, the peer relays to ``smtp-sink``; a
round ends when the sink has the last message. Rounds run in random order; medians count. CPU is user and system
time of the peer's whole process tree. Other load on the machine is noted, and a round that had more than a
quarter of a core of it is run again (twice at most, then it is kept and marked).
"""

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from peers import (
    RECIPIENT,
    SENDER,
    Peer,
    free_port,
    gateway,
    postfix,
    postfix_opendkim,
    tree_cpu,
    wait_for_port,
)

WANTED = {"smtp-source": "postfix", "smtp-sink": "postfix", "postfix": "postfix", "opendkim": "opendkim",
          "opendkim-genkey": "opendkim-tools"}  # fmt: skip
ENOUGH_ELSE = 0.25  # cores


class Sink:
    """``smtp-sink``, with the time at which its counter reached each number."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.process = subprocess.Popen(
            ["smtp-sink", "-u", "nobody", "-c", "-m", "2000", f"127.0.0.1:{self.port}", "2000"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for_port(self.port)
        self._changed = threading.Condition()
        self._count = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            parts = (rest + chunk).split(b"\r")
            rest = parts.pop()
            for part in reversed(parts):
                if numbers := re.findall(rb"mesg=(\d+)", part):
                    with self._changed:
                        self._count = int(numbers[-1])
                        self._changed.notify_all()
                    break

    @property
    def count(self) -> int:
        return self._count

    def wait_until(self, count: int, seconds: float) -> float:
        """Return when the counter reached the number."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._count >= count, seconds):
                raise TimeoutError(f"the sink has {self._count} of {count} messages")
            return time.monotonic()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@dataclass(frozen=True)
class Round:
    peer: str
    size: int
    rate: float  # messages per second
    cpu: float  # milliseconds for each message
    else_cores: float  # other load on the machine
    elapsed: float


def message(size: int) -> bytes:
    """Return a newsletter as tenants send them, about ``size`` octets, with LF ends (smtp-source wants them)."""
    line = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor\n"
    head = (
        f"From: News <{SENDER}>\nTo: {RECIPIENT}\nSubject: The benchmark's newsletter\n"
        "MIME-Version: 1.0\nDate: Mon, 01 Jun 2026 10:00:00 +0000\nMessage-ID: <bench@sender.example>\n"
        'Content-Type: multipart/alternative; boundary="=_b"\n\n'
    )
    plain = "--=_b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\n"
    html = "--=_b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<html><body>\n"
    end = "</body></html>\n--=_b--\n"
    lines = max((size - len(head + plain + html + end)) // (2 * len(line) + 7), 1)
    return (head + plain + line * lines + html + f"<p>{line.strip()}</p>\n" * lines + end).encode()


def machine_cpu() -> float:
    """CPU seconds that the whole machine has been busy."""
    values = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")


def send(peer: Peer, file: Path, count: int) -> None:
    subprocess.run(
        [
            "smtp-source", "-d", "-N", "-s", "20", "-m", str(count), "-F", str(file),
            "-f", SENDER, "-t", RECIPIENT, f"127.0.0.1:{peer.port}",
        ],
        check=True, timeout=600, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def measure(peer: Peer, sink: Sink, file: Path, count: int) -> Round:
    goal = sink.count + count
    busy, own, other = machine_cpu(), peer.cpu(), tree_cpu([sink.process.pid, os.getpid()])
    start = time.monotonic()
    send(peer, file, count)
    end = sink.wait_until(goal, 300)
    elapsed = end - start
    spent = peer.cpu() - own
    tools = tree_cpu([sink.process.pid, os.getpid()]) - other
    # The peer that is a child of ours is in our own tree.
    inside = spent if peer.name == "Consentry" else 0.0
    rest = machine_cpu() - busy - spent - (tools - inside)
    return Round(
        peer.name, file.stat().st_size, count / elapsed, spent / count * 1000, max(rest, 0) / elapsed, elapsed
    )


def measure_quietly(peer: Peer, sink: Sink, file: Path, count: int) -> Round:
    for _ in range(3):
        result = measure(peer, sink, file, count)
        print(f"  {result.peer:20} {result.size / 1024:5.0f} KiB {result.rate:8.0f}/s {result.cpu:7.3f} ms"
              f"   else {result.else_cores:.2f} cores")  # fmt: skip
        if result.else_cores <= ENOUGH_ELSE:
            break
    return result


def table(rounds: list[Round]) -> list[dict[str, object]]:
    """Medians, and ratios to Postfix + OpenDKIM."""
    rows = []
    for size in sorted({one.size for one in rounds}):
        base = [one.rate for one in rounds if one.size == size and one.peer == "Postfix + OpenDKIM"]
        for name in ("Postfix + OpenDKIM", "Postfix", "Consentry"):
            mine = [one for one in rounds if one.size == size and one.peer == name]
            if mine:
                rate = statistics.median(one.rate for one in mine)
                rows.append({
                    "peer": name, "octets": size, "rounds": len(mine), "messages_per_second": round(rate),
                    "cpu_ms_per_message": round(statistics.median(one.cpu for one in mine), 3),
                    "ratio": round(rate / statistics.median(base), 2) if base else None,
                    "else_cores": round(max(one.else_cores for one in mine), 2),
                })  # fmt: skip
    return rows


def show(rows: list[dict[str, object]]) -> None:
    print(f"\n{'peer':20} {'size':>8} {'messages/s':>11} {'CPU ms each':>12} {'ratio':>6} {'else':>6}")
    for row in rows:
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else "-"
        print(f"{row['peer']:20} {int(str(row['octets'])) / 1024:5.0f} KiB {row['messages_per_second']:>11} "
              f"{row['cpu_ms_per_message']:>12} {ratio:>6} {row['else_cores']:>6}")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="The gateway beside Postfix, in one run.")
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="4,50", help="KiB, with commas")
    parser.add_argument("--only", choices=("gateway", "postfix", "opendkim"), action="append")
    parser.add_argument("--json", type=Path, help="write the results there")
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
    options = parser.parse_args()
    missing = sorted({package for tool, package in WANTED.items() if shutil.which(tool) is None})
    if missing:
        print(f"The benchmark wants these Debian packages: {' '.join(missing)}", file=sys.stderr)
        return 1
    if os.geteuid() != 0:
        print("The benchmark starts a private Postfix, which wants to be started by root.", file=sys.stderr)
        return 1
    # On a real disk, because durability is part of what is measured; and below no world-writable folder,
    # because OpenDKIM refuses a key there.
    home = Path(tempfile.mkdtemp(prefix="consentry-bench-", dir="/var/lib"))
    home.chmod(0o755)
    sink = Sink()
    peers: list[Peer] = []
    try:
        starters = {"opendkim": postfix_opendkim, "postfix": postfix, "gateway": gateway}
        for key, start in starters.items():
            if not options.only or key in options.only:
                print(f"starting {key}")
                peers.append(start(home / key, sink.port))
        files = []
        for size in options.sizes.split(","):
            file = home / f"message-{size}k"
            file.write_bytes(message(int(size) * 1024))
            files.append(file)
        rounds: list[Round] = []
        for peer in peers:
            goal = sink.count + 300
            send(peer, files[0], 300)
            sink.wait_until(goal, 120)
        for number in range(options.rounds):
            print(f"round {number + 1}")
            plan = [(peer, file) for peer in peers for file in files]
            random.shuffle(plan)
            rounds += [measure_quietly(peer, sink, file, options.messages) for peer, file in plan]
    finally:
        for peer in peers:
            peer.close()
        sink.close()
        if not options.keep:
            shutil.rmtree(home, ignore_errors=True)
        else:
            print(f"kept: {home}")
    rows = table(rounds)
    show(rows)
    if options.json:
        options.json.write_text(
            json.dumps({"medians": rows, "rounds": [asdict(one) for one in rounds]}, indent=1)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
