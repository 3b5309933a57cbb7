"""A gateway's folder, and its process tree while it runs; driven by the command line only."""

import contextlib
import json
import os
import re
import shutil
import signal
import smtplib
import sqlite3
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.main import app
from scene.sink import Sink
from scene.waiting import PATIENCE, eventually, free_port

CONSENTRY = str(Path(sys.executable).with_name("consentry"))
PASSWORD = "correct horse battery staple"


@dataclass
class House:
    """A gateway that listens at ports of its own and relays to the sink."""

    folder: Path
    sink: Sink
    smtp: int = field(default_factory=free_port)
    smtps: int = field(default_factory=free_port)
    inbound: int = field(default_factory=free_port)
    web: int = field(default_factory=free_port)
    metrics: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    zone: dict[str, str] = field(default_factory=dict)  # the DKIM records that the command line has printed

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def init(self) -> None:
        """Make the folder with ``consentry init``."""
        words = ["init", str(self.folder), "--hostname", "gateway.example"]
        words += ["--smtp", f"127.0.0.1:{self.smtp}", "--inbound", f"127.0.0.1:{self.inbound}"]
        words += ["--web", f"127.0.0.1:{self.web}"]
        words += ["--metrics", f"127.0.0.1:{self.metrics}", "--smarthost", f"127.0.0.1:{self.sink.port}"]
        subprocess.run([CONSENTRY, *words], check=True, stdout=subprocess.DEVNULL)

    def move_into_copy_of(self, template: "House") -> None:
        """Copy a furnished folder, and put this house's ports in the place of the template's."""
        shutil.copytree(template.folder, self.folder)
        self.zone = template.zone
        text = self.config.read_text()
        for old, new in (
            (template.smtp, self.smtp),
            (template.smtps, self.smtps),
            (template.inbound, self.inbound),
            (template.web, self.web),
            (template.metrics, self.metrics),
            (template.sink.port, self.sink.port),
        ):
            text = re.sub(rf"\b{old}\b", str(new), text)
        self.config.write_text(text)

    def call(self, *words: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line, in this process: to start one takes longer than most of them."""
        done = CliRunner().invoke(app, ["--config", str(self.config), *words], input=stdin)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert not check or done.exit_code == 0, (words, done.stdout, done.stderr)
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    def json(self, *words: str) -> object:
        """Return what a listing says with --json."""
        return json.loads(self.call(*words, "--json").stdout)

    def change(self, pattern: str, replacement: str) -> None:
        """Edit gateway.toml: replace what the regular expression finds, which must be there."""
        text, count = re.subn(pattern, replacement, self.config.read_text(), flags=re.MULTILINE)
        assert count, f"{pattern!r} is not in gateway.toml"
        self.config.write_text(text)

    def append(self, text: str) -> None:
        """Add tables at the end of gateway.toml."""
        self.config.write_text(self.config.read_text() + "\n" + text)

    def start(self) -> None:
        """Run the gateway, and return when it says that it is ready."""
        with (self.folder / "log.jsonl").open("ab") as log:
            self.process = subprocess.Popen(
                [CONSENTRY, "--config", str(self.config), "run"], stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith(b"consentry is ready"):
            self.clear_away()
            raise AssertionError(f"{line!r}\n{self.log()[-3000:]}")

    def log(self) -> str:
        """Return the log so far."""
        return (self.folder / "log.jsonl").read_text()

    def hang_up(self) -> dict[str, object]:
        """SIGHUP; return what the supervisor says of it. Unlike ``consentry reload`` it checks nothing before."""

        def said() -> dict[str, object]:
            with contextlib.suppress(FileNotFoundError):
                return dict(json.loads((self.state / "reload.json").read_text()))
            return {}

        assert self.process is not None
        before = said().get("generation")
        self.process.send_signal(signal.SIGHUP)
        return eventually(lambda: found if (found := said()).get("generation") != before else {})

    def end(self, seconds: float = PATIENCE) -> int:
        """SIGTERM, and wait for the end of the whole tree."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self._forget()
        return code

    def kill(self) -> None:
        """SIGKILL to the supervisor alone; its children see the end of their pipes."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._forget()

    def clear_away(self) -> None:
        """End whatever still runs, whatever state it is in."""
        if self.process is None:
            return
        children = self.children()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.end()
            return
        self.kill()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _forget(self) -> None:
        assert self.process is not None
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None

    def children(self) -> dict[int, str]:
        """Return the process ids below the supervisor, with role and number, as ``worker 0``."""
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

    def workers(self) -> dict[int, str]:
        """Return the workers' process ids with their names."""
        return {pid: name for pid, name in self.children().items() if name.startswith("worker")}

    def client(self, login: bool = True, account: str = "acme") -> smtplib.SMTP:
        """Return a session, logged in."""
        client = smtplib.SMTP("127.0.0.1", self.smtp, "client.example", timeout=PATIENCE)
        if login:
            try:
                client.login(account, PASSWORD)
            except BaseException:
                client.close()
                raise
        return client

    def worker_of(self, client: smtplib.SMTP) -> int:
        """Return the process id of the worker that has the session."""
        assert client.sock is not None
        inode = _inode(client.sock.getpeername()[1], client.sock.getsockname()[1])
        for pid in self.workers():
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if descriptor.readlink().name == f"socket:[{inode}]":
                        return pid
        raise AssertionError("no worker has this session")

    @contextlib.contextmanager
    def client_of_each_worker(self, account: str = "acme") -> Iterator[list[smtplib.SMTP]]:
        """Give one session on each worker: which one takes a connection is the system's choice."""
        with contextlib.ExitStack() as stack:
            found: dict[int, smtplib.SMTP] = {}

            def complete() -> bool:
                client = stack.enter_context(self.client(account=account))
                found.setdefault(self.worker_of(client), client)
                return len(found) == len(self.workers())

            eventually(complete)
            yield list(found.values())

    def trust(self) -> ssl.SSLContext:
        """Return a context that believes this gateway's own certificate, and that only."""
        context = ssl.create_default_context(cafile=str(self.folder / "tls/certificate.pem"))
        context.check_hostname = False  # it is made for gateway.example
        return context

    def get(self, url: str) -> str:
        """GET a page."""
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def status(self, path: str) -> int:
        """Return the HTTP status of a page beside the metrics."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}{path}", timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over its labels, or over those that are as given."""
        text = self.get(f"http://127.0.0.1:{self.metrics}/metrics")
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if re.match(rf"{re.escape(name)}(\{{| )", line) and all(one in line for one in wanted)
        )

    def wait_until_empty(self, seconds: float = PATIENCE) -> None:
        """Wait until no delivery is open; only then ask the command line, which is busy for 40 ms each time."""
        eventually(lambda: self._looks_empty() and self.json("queue", "list") == [], seconds)

    def _looks_empty(self) -> bool:
        counts = []
        for path in (self.state / "spool").glob("shard-*.sqlite"):
            with (
                contextlib.suppress(sqlite3.OperationalError),  # it was adopted meanwhile
                contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as shard,
            ):
                counts += shard.execute("SELECT count(*) FROM delivery").fetchone()
        return not any(counts)


def _inode(local: int, remote: int) -> str:
    """Return the inode of the connection's socket from the side of the port ``local``."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        ports = [int(address.rpartition(":")[2], 16) for address in columns[1:3]]
        if ports == [local, remote]:
            return columns[9]
    raise AssertionError("there is no such connection")
