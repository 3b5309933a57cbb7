"""How long an account's erasure takes, and what others feel of it.

    make bench-erasing
    make bench-erasing ERASING="--subscribers 100000 --vacuum-below '256 MiB'"

A real process tree with two tenants: one of many subscribers, with what a load of them leaves (a subscription, an
event and a ledger entry each), and one that sends a message at a time, while its readers leave by one click. It
is timed alone first, then while the other account is erased. It fails where a message or a departure of the second
tenant fails.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scenario"))
from scene import House, Sink, eventually, newsletter
from scene.house import PASSWORD

READERS = 5000  # of the second tenant; the first LEAVING of them leave
LEAVING = 4000
ALONE = 10.0  # seconds


@dataclass
class Other:
    """The tenant that goes on: a message, and one click, as often as they are answered."""

    house: House
    links: list[list[str]] = field(default_factory=list)  # of readers who leave, for each run
    mail: list[float] = field(default_factory=list)  # seconds each
    clicks: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def send_on(self) -> None:
        with self.house.client(account="other") as client:
            number = 0
            while not self._over.is_set():
                number += 1
                reader = LEAVING + number % (READERS - LEAVING)
                began = time.monotonic()
                client.mail("news@other.example")
                client.rcpt(f"o{reader}@example.net")
                code, said = client.data(newsletter(f"m{number}").replace(b"acme.example", b"other.example"))
                self.mail.append(time.monotonic() - began)
                if code != 250:
                    self.failures.append(f"{code} {said!r}")
                self._over.wait(0.01)

    def leave_on(self, links: list[str]) -> None:
        body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
        for link in links:
            if self._over.wait(0.05):
                return
            began = time.monotonic()
            try:
                with urllib.request.urlopen(urllib.request.Request(link, body), timeout=30) as answer:
                    answer.read()
            except OSError as error:
                self.failures.append(repr(error))
            self.clicks.append(time.monotonic() - began)

    def run(self, until: Callable[[], object]) -> None:
        """Go on until the callable returns."""
        self.mail, self.clicks, self._over = [], [], threading.Event()
        links = self.links.pop(0)
        threads = [
            threading.Thread(target=self.send_on),
            threading.Thread(target=self.leave_on, args=(links,)),
        ]
        for thread in threads:
            thread.start()
        try:
            until()
        finally:
            self._over.set()
            for thread in threads:
                thread.join()


def said(name: str, values: list[float]) -> str:
    ordered = sorted(values) or [0.0]
    return (
        f"{name}: {len(values)}, median {statistics.median(ordered) * 1000:.1f} ms,"
        f" 99th {ordered[int(len(ordered) * 0.99)] * 1000:.0f} ms, longest {ordered[-1] * 1000:.0f} ms"
    )


def furnish(house: House, subscribers: int) -> None:
    for name, count, letter in (("big", subscribers, "b"), ("other", READERS, "o")):
        house.call("account", "add", name, "--password-stdin", "--consent", "asserted", stdin=PASSWORD + "\n")
        house.call("domain", "add", name, f"{name}.example", "--verified")
        house.call("list", "add", name, f"news.{name}.example", "--default")
        people = "".join(f"{letter}{number}@example.net\n" for number in range(count))
        words = ["--basis", "asserted", "--source", "signed up at the fair"]
        house.call("subscriber", "load", name, f"news.{name}.example", "-", *words, stdin=people, seconds=900)


def collect_links(house: House, other: Other) -> None:
    """Send to as many readers as are to leave, and take their links."""
    with house.client(account="other") as client:
        content = newsletter("first").replace(b"acme.example", b"other.example")
        for start in range(0, LEAVING, 500):
            client.sendmail(
                "news@other.example", [f"o{start + one}@example.net" for one in range(500)], content
            )
    links = []
    for one in house.sink.wait(LEAVING, 300):
        field_ = one.content.partition(b"List-Unsubscribe: <http")[2]
        links.append("http" + field_.partition(b">")[0].decode())
    other.links = [links[:1000], links[1000:]]


def run(subscribers: int, vacuum_below: str, folder: Path) -> int:
    sink = Sink()
    sink.start()
    house = House(folder / "house", sink)
    house.init()
    house.change("^vacuum_below = .*", f'vacuum_below = "{vacuum_below}"')
    furnish(house, subscribers)
    house.start()
    try:
        other = Other(house)
        collect_links(house, other)
        size = (house.state / "store.sqlite").stat().st_size
        other.run(lambda: time.sleep(ALONE))
        print(
            "alone    ", said("messages", other.mail), "|", said("one-click POSTs", other.clicks), flush=True
        )
        began = 0.0

        def erase() -> None:
            nonlocal began
            house.call("account", "cancel", "big", "--reason", "bench", "--grace", "0")
            began = time.monotonic()
            eventually(lambda: house.json("account", "erased")[0]["phase"] == "done", 1800)

        other.run(erase)
        took = time.monotonic() - began
        print(
            "meanwhile", said("messages", other.mail), "|", said("one-click POSTs", other.clicks), flush=True
        )
        (erasure,) = house.json("account", "erased")
        after = (house.state / "store.sqlite").stat().st_size
        print(
            f"an account of {subscribers:,} subscribers erased in {took:.1f} s: {erasure['counts']};"
            f" the store {size >> 20} MiB before, {after >> 20} MiB after ({erasure['certificate']['files']})"
        )
        print(f"failures: {other.failures[:5] or 'none'}")
        return 1 if other.failures else 0
    finally:
        house.clear_away()
        sink.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--vacuum-below", default="256 MiB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="consentry-erasing-") as name:
        sys.exit(run(options.subscribers, options.vacuum_below, Path(name)))
