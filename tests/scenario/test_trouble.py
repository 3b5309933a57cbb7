"""Trouble: no room, no store, a next hop that is down, hangs, closes or babbles. Nothing is lost, all comes back.

One gateway goes through all of it without a restart; its spool lies on a small disk.
"""

import contextlib
import itertools
import os
import re
import shutil
import smtplib
import sqlite3
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import House, Sink, eventually, newsletter
from scene.hop import STAGES, Hop, Mood

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"
MIB = 1 << 20
DISK = 128 * MIB  # for the spool
MAX_SIZE = 32 * MIB  # of content, for each worker


@pytest.fixture(scope="module")
def second(template: House) -> Iterator[Sink]:
    """The second smarthost, which is down unless a scenario starts it."""
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture(scope="module")
def troubled(template: House, second: Sink) -> Iterator[House]:
    # Not below pytest's own folder, which it cannot clear of a mount that a killed run has left.
    with tempfile.TemporaryDirectory(prefix="consentry-trouble-") as folder:
        yield from trouble(House(Path(folder) / "house", Sink()), template, second)


def trouble(house: House, template: House, second: Sink) -> Iterator[House]:
    house.move_into_copy_of(template)
    for key, value in {
        "max_size": f"{MAX_SIZE}", "min_free": f"{MIB}", "message_size": f"{4 * MIB}",
        "first_retry": '"1s"', "longest_retry": '"2s"', "connections": "30", "timeout": '"1s"',
        "ready": "200", "ready_size": f"{MIB}", "ready_per_account": "100",
    }.items():  # fmt: skip
        house.change(f"^{key} = .*", f"{key} = {value}")
    house.append(smarthost(second.port))
    spool = house.state / "spool"
    mounted = mount(spool)
    try:
        house.start()
        yield house
    finally:
        house.sink.stop()
        house.clear_away()
        if mounted:
            subprocess.run(["umount", "--lazy", str(spool)], check=True)


def mount(spool: Path) -> bool:
    """Put the spool on a small disk of its own, if we may."""
    spool.mkdir(mode=0o700)
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(spool)]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@pytest.fixture
def house(troubled: House, second: Sink) -> House:
    second.stop()
    second.received.clear()
    troubled.sink.start()
    troubled.sink.received.clear()
    troubled.sink.script = lambda _recipient: None
    return troubled


def large(marker: str, octets: int) -> bytes:
    head = f"From: {SENDER}\r\nSubject: large\r\nX-Marker: {marker}\r\n\r\n"
    return head.encode() + (b"x" * 70 + b"\r\n") * (octets // 72)


# The disk


def test_a_full_disk(house: House, readers: Iterator[str]) -> None:
    spool = house.state / "spool"
    if not spool.is_mount():
        pytest.skip("a disk that can be filled wants mount (root)")
    ballast = spool / "ballast"
    with house.client() as client:
        assert client.sendmail(SENDER, [next(readers)], newsletter("before")) == {}
        fill(ballast, leaving=MIB // 2)

        def refused() -> bool:
            """Before the data is taken: at MAIL, RCPT or DATA."""
            client.rset()
            answers = [client.mail(SENDER), client.rcpt(next(readers)), client.docmd("DATA")]
            if answers[-1][0] == 354:
                client.send(b".\r\n")
                client.getreply()
                return False
            first = next(answer for answer in answers if answer[0] >= 400)
            assert first == (452, b"4.3.1 Insufficient storage, try again later"), answers
            return True

        eventually(refused)
        assert house.status("/health/live") == 200
        ballast.unlink()
        eventually(lambda: sent(client, next(readers), newsletter("after")))
    house.sink.copy("before")
    house.sink.copy("after")


def test_a_disk_that_fills_while_a_message_comes(house: House, readers: Iterator[str]) -> None:
    """min_free was kept, and yet the message finds no room at its commit."""
    spool = house.state / "spool"
    if not spool.is_mount():
        pytest.skip("a disk that can be filled wants mount (root)")
    ballast = spool / "ballast"
    fill(ballast, leaving=2 * MIB)
    with house.client() as client:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            client.sendmail(SENDER, [next(readers)], large("too much", 3 * MIB))
        assert refusal.value.smtp_code == 452
        assert refusal.value.smtp_error.startswith(b"4.3.1 ")
        ballast.unlink()
        eventually(lambda: sent(client, next(readers), large("enough room", 3 * MIB)))
    house.sink.copy("enough room")
    assert not any(one.marker == "too much" for one in house.sink.received)


def fill(ballast: Path, leaving: int) -> None:
    disk = shutil.disk_usage(ballast.parent)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, disk.free - leaving)


def sent(client: smtplib.SMTP, reader: str, content: bytes) -> bool:
    """Send; say whether it was taken, or transiently refused."""
    for step in (
        client.rset,
        lambda: client.mail(SENDER),
        lambda: client.rcpt(reader),
        lambda: data(client, content),
    ):
        code, text = step()
        assert code // 100 in {2, 4}, (code, text)
        if code // 100 == 4:
            return False
    return True


def data(client: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
    try:
        return client.data(content)
    except smtplib.SMTPDataError as refusal:
        return refusal.smtp_code, refusal.smtp_error


# The store


def test_a_store_that_is_away(house: House, readers: Iterator[str], tmp_path: Path) -> None:
    with house.client() as client:
        assert client.sendmail(SENDER, [next(readers)], newsletter("a")) == {}
        assert house.status("/health/ready") == 200
        with moved_store(house.state, tmp_path):
            client.mail(SENDER)

            def refused() -> bool:
                code, text = client.rcpt(next(readers))
                assert code == 250 or (code, text[:6]) == (451, b"4.3.0 "), text
                return code == 451

            eventually(refused, seconds=3)
            assert house.status("/health/ready") == 503
            assert house.status("/health/live") == 200
            # Each worker finds out by itself, within a second: the one that has this login may be the later one.
            eventually(lambda: login(house) == 454, seconds=3)
        eventually(lambda: sent(client, next(readers), newsletter("b")), seconds=10)
    eventually(lambda: house.status("/health/ready") == 200)
    house.sink.copy("a")
    house.sink.copy("b")


@contextlib.contextmanager
def moved_store(state: Path, away: Path) -> Iterator[None]:
    """Take the store away, and put it back whatever happens: other scenarios live in the same house."""
    moved = [path.rename(away / path.name) for path in state.glob("store.sqlite*")]
    try:
        yield
    finally:
        for path in moved:
            path.rename(state / path.name)


def login(house: House) -> int:
    """Return the code that a login is answered with."""
    try:
        with house.client():
            return 235
    except smtplib.SMTPAuthenticationError as error:
        return error.smtp_code


def test_a_store_that_somebody_writes_to_without_end(house: House, readers: Iterator[str]) -> None:
    """Mail needs to read only; who leaves a list meanwhile is told to come again, and never that it was done."""
    reader = next(readers)
    with house.client() as client, contextlib.closing(sqlite3.connect(house.state / "store.sqlite")) as other:
        client.sendmail(SENDER, [reader], newsletter("before the lock"))
        link = re.search(r"<(http[^>]+)>", house.sink.copy("before the lock").message["List-Unsubscribe"])[1]
        other.execute("BEGIN EXCLUSIVE")
        assert client.sendmail(SENDER, [reader], newsletter("locked")) == {}
        house.sink.copy("locked")
        assert post(link) == 503
        other.rollback()
        assert post(link) == 200
        client.rset()
        client.mail(SENDER)
        assert client.rcpt(reader)[0] == 550


def post(link: str) -> int:
    request = urllib.request.Request(link, data=b"List-Unsubscribe=One-Click")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


# The next hop


def test_next_hops_in_every_mood(house: House, readers: Iterator[str]) -> None:
    """Each of 24 smarthosts misbehaves in its own way; the last takes all mail, and each message once."""
    kinds = ("hang", "close", "nonsense", "busy")
    markers = {f"mood-{number}" for number in range(10)}
    failures = house.metric("consentry_messages_fail_total")
    before = house.config.read_text()
    with contextlib.ExitStack() as stack:
        hops = [
            stack.enter_context(Hop(Mood(stage, kind))) for stage, kind in itertools.product(STAGES, kinds)
        ]
        tables = "".join(smarthost(hop.port) for hop in hops)
        start = before.index("[[relay.smarthost]]")
        house.config.write_text(before[:start] + tables + before[start:])
        for key, value in {"connect": "0.5s", "command": "0.5s", "data": "0.5s"}.items():
            house.change(rf"(\[relay\.timeouts\](?:.*\n)+?){key} = .*", rf'\1{key} = "{value}"')
        assert house.hang_up()["ok"]
        with house.client() as client:
            for marker in markers:
                assert client.sendmail(SENDER, [next(readers)], newsletter(marker)) == {}
        house.sink.wait(len(markers))
        house.wait_until_empty()
    assert Counter(one.marker for one in house.sink.received) == dict.fromkeys(markers, 1)
    assert [str(hop.mood) for hop in hops if not hop.shown] == []
    assert house.metric("consentry_messages_fail_total") == failures
    house.config.write_text(before)
    assert house.hang_up()["ok"]


def smarthost(port: int) -> str:
    return f'[[relay.smarthost]]\nhost = "127.0.0.1"\nport = {port}\n\n'


def test_one_recipient_is_refused_for_now(house: House, readers: Iterator[str]) -> None:
    ann, bob = next(readers), next(readers)
    answers = {bob: iter(["451 4.2.1 greylisted"])}
    house.sink.script = lambda recipient: next(answers.get(recipient, iter(())), None)
    with house.client() as client:
        client.sendmail(SENDER, [ann, bob], newsletter("greylisted"))
    received = house.sink.copies("greylisted", 2)
    assert [one.recipients for one in received] == [(ann,), (bob,)]


def test_the_second_smarthost(house: House, second: Sink, readers: Iterator[str]) -> None:
    house.sink.stop()
    second.start()
    with house.client() as client:
        client.sendmail(SENDER, [next(readers)], newsletter("to the second"))
        second.copy("to the second")
        house.sink.start()

        def first_is_used() -> bool:
            client.sendmail(SENDER, [next(readers)], newsletter("which"))
            return bool(house.sink.received)

        eventually(first_is_used)
    assert house.sink.received[0].marker == "which"
    house.wait_until_empty()


def test_a_backlog(house: House, readers: Iterator[str]) -> None:
    """The next hop is down: mail waits on the disk until the spool is full, and memory stays flat."""
    house.sink.stop()
    small = [f"small-{number}" for number in range(25)]
    biggest = 0
    with house.client() as client:
        client.sendmail(SENDER, [next(readers)], newsletter("first"))
        for marker in small:
            recipients = [f"r{number}@example.net" for number in range(20)]
            assert client.sendmail(SENDER, recipients, newsletter(marker)) == {}
        before = memory(house)
        big = []
        while sent(client, next(readers), large(f"big-{len(big)}", MIB)):
            big.append(f"big-{len(big)}")
            biggest = max(biggest, memory(house))
        assert len(big) in {MAX_SIZE // MIB - 1, MAX_SIZE // MIB}
        # A cache of contents has 16 MiB at most.
        assert biggest - before < 24 * MIB, (biggest, before)
        assert house.metric("consentry_ready_count") <= 2 * 200
        house.sink.start()
        eventually(lambda: sent(client, next(readers), newsletter("last")))
    wanted = Counter(dict.fromkeys(small, 20)) + Counter(["first", "last", *big])
    house.sink.wait(wanted.total())
    house.wait_until_empty()
    assert Counter(one.marker for one in house.sink.received) == wanted


def memory(house: House) -> int:
    """Octets that the workers have for themselves."""
    total = 0
    for pid in house.workers():
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+)", rollup, re.MULTILINE)) * 1024
    return total
