"""The real process tree and a real next hop, for scenarios.

``house`` is a gateway that was made by ``consentry init`` and is driven by the command line only; ``sink`` is the
next hop: it keeps every message it gets, and its replies can be scripted.
"""

import contextlib
import json
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

CONSENTRY = str(Path(sys.executable).with_name("consentry"))
PASSWORD = "correct horse battery staple"
PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(what: Callable[[], object], seconds: float = PATIENCE) -> object:
    """Wait for a condition of another process; there is no event to wait for across processes."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Received:
    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)  # type: ignore[return-value]

    @property
    def marker(self) -> str:
        return str(self.message["X-Marker"] or "")


class Sink:
    """A next hop. ``script(recipient) -> reply or None`` may refuse; None means that it is kept."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.received: list[Received] = []
        self.script: Callable[[str], str | None] = lambda _recipient: None
        self.before_reply: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True, data_size_limit=0,
        )  # fmt: skip
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        reply = self.script(address)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        with self._changed:
            self.received.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
            self._changed.notify_all()
        return "250 2.0.0 kept"

    def wait(self, count: int, seconds: float = PATIENCE) -> list[Received]:
        """Return what was received, once there are that many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, seconds), (
                f"{len(self.received)} of {count} messages came in {seconds} s"
            )
            return list(self.received)

    def wait_for(self, seen: Callable[[list[Received]], bool], seconds: float = PATIENCE) -> list[Received]:
        with self._changed:
            assert self._changed.wait_for(lambda: seen(self.received), seconds), (
                f"not among the {len(self.received)} messages that came in {seconds} s"
            )
            return list(self.received)


@dataclass
class House:
    """A gateway's folder, and its process tree while it runs."""

    folder: Path
    sink: Sink
    smtp: int = field(default_factory=free_port)
    web: int = field(default_factory=free_port)
    metrics: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    def init(self) -> None:
        words = [
            "init",
            str(self.folder),
            "--hostname",
            "gateway.example",
            "--smtp",
            f"127.0.0.1:{self.smtp}",
        ]
        words += ["--web", f"127.0.0.1:{self.web}", "--metrics", f"127.0.0.1:{self.metrics}"]
        words += ["--smarthost", f"127.0.0.1:{self.sink.port}"]
        subprocess.run([CONSENTRY, *words], check=True, stdout=subprocess.DEVNULL)

    def call(self, *words: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line."""
        return subprocess.run(
            [CONSENTRY, "--config", str(self.config), *words],
            input=stdin, text=True, capture_output=True, check=check, timeout=60,
        )  # fmt: skip

    def json(self, *words: str) -> object:
        return json.loads(self.call(*words, "--json").stdout)

    def change(self, pattern: str, replacement: str) -> None:
        """Edit gateway.toml."""
        text, count = re.subn(pattern, replacement, self.config.read_text(), flags=re.MULTILINE)
        assert count, f"{pattern!r} is not in gateway.toml"
        self.config.write_text(text)

    def start(self) -> None:
        with (self.folder / "log.jsonl").open("ab") as log:
            self.process = subprocess.Popen(
                [CONSENTRY, "--config", str(self.config), "run"], stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(b"consentry is ready"), (line, self.log()[-3000:])

    def log(self) -> str:
        return (self.folder / "log.jsonl").read_text()

    def end(self, seconds: float = PATIENCE) -> int:
        """SIGTERM, and wait for the end of the whole tree."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None
        return code

    def children(self) -> dict[int, str]:
        """The process ids below the supervisor, with role and number."""
        assert self.process is not None
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    status = (entry / "status").read_text()
                    command = (entry / "cmdline").read_bytes().split(b"\0")
                    if f"PPid:\t{self.process.pid}\n" in status and b"gateway.app" in command:
                        place = command.index(b"gateway.app")
                        found[int(entry.name)] = b" ".join(command[place + 1 : place + 3]).decode()
        return found

    def client(self, login: bool = True) -> smtplib.SMTP:
        client = smtplib.SMTP("127.0.0.1", self.smtp, "client.example", timeout=30)
        if login:
            client.ehlo()
            client.login("acme", PASSWORD)
        return client

    def get(self, url: str) -> str:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = self.get(f"http://127.0.0.1:{self.metrics}/metrics")
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if re.match(rf"{re.escape(name)}(\{{| )", line)
        )


def newsletter(marker: str = "1", recipient: str = "ann@example.net", **headers: str) -> bytes:
    """A message as tenants send them, with CRLF ends."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Acme News <news@acme.example>"
    message["To"] = recipient
    message["Subject"] = f"News {marker}"
    message["X-Marker"] = marker
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hello,\n\nthis is the text.\n")
    message.add_alternative(
        "<html><body><p>Hello, this is the <b>HTML</b>.</p></body></html>\n", subtype="html"
    )
    return message.as_bytes()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def empty_house(tmp_path: Path, sink: Sink) -> Iterator[House]:
    """A gateway with its config, not running, without an account."""
    house = House(tmp_path / "house", sink)
    house.init()
    yield house
    if house.process is not None:
        house.process.kill()
        house.process.wait()
        if house.process.stdout:
            house.process.stdout.close()


def furnish(house: House) -> None:
    """Add the account, its domain, its lists and three subscribers."""
    house.call("account", "add", "acme", "--password-stdin", "--consent", "asserted", stdin=PASSWORD + "\n")
    house.call("domain", "add", "acme", "acme.example", "--verified")
    house.call("list", "add", "acme", "news.acme.example", "--name", "Acme News", "--default")
    house.call("list", "add", "acme", "offers.acme.example", "--name", "Acme Offers")
    for name in ("ann", "bob", "cid"):
        house.call(
            "subscriber", "add", "acme", "news.acme.example", f"{name}@example.net",
            "--basis", "asserted", "--source", "signed up at the fair",
        )  # fmt: skip


@pytest.fixture
def furnished(empty_house: House) -> House:
    furnish(empty_house)
    return empty_house


@pytest.fixture
def house(furnished: House) -> House:
    """A running gateway with an account, two lists and three subscribers."""
    furnished.start()
    return furnished
