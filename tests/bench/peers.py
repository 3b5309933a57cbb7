"""The peers of the benchmark, each a real process tree: Postfix, Postfix with OpenDKIM, and the gateway.

A peer is started once, takes mail at its port, relays to the sink, and tells the CPU time of all its processes,
those that have ended included. Everything lives in a folder of its own and ends with it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CONSENTRY = str(Path(sys.executable).with_name("consentry"))
SENDER, RECIPIENT = "news@sender.example", "reader@example.net"
SUBSCRIPTIONS = 1_000_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens at port {port}")


def _stat(pid: int) -> tuple[int, float]:
    """Return a process's parent and its CPU seconds with those of the children it has reaped."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(int(value) for value in fields[11:15]) / TICKS


def tree_cpu(roots: list[int]) -> float:
    """CPU seconds of whole process trees so far."""
    parents: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = _stat(int(entry.name))
    total, wanted = 0.0, set(roots)
    grown = True
    while grown:
        grown = False
        for pid, (parent, _) in parents.items():
            if parent in wanted and pid not in wanted:
                wanted.add(pid)
                grown = True
    for pid in wanted:
        total += parents.get(pid, (0, 0.0))[1]
    return total


def tree_rss(roots: list[int]) -> int:
    """Proportional memory of whole process trees, octets."""
    total = 0
    for pid in _descendants(roots):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def _descendants(roots: list[int]) -> set[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = _stat(int(entry.name))[0]
    wanted = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return wanted


@dataclass
class Peer:
    name: str
    port: int
    roots: list[int]
    stop: list = field(default_factory=list)

    def cpu(self) -> float:
        return tree_cpu(self.roots)

    def close(self) -> None:
        for end in reversed(self.stop):
            end()


MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = /dev/null
maillog_file_prefixes = /dev
myhostname = peer.example
mydestination =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
smtpd_relay_restrictions = permit_mynetworks, reject
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
default_process_limit = 100
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtp_connection_cache_on_demand = yes
default_destination_concurrency_limit = 20
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtputf8_enable = no
message_size_limit = 52428800
{milters}
"""


def postfix(home: Path, sink: int, milter_port: int = 0) -> Peer:
    """Start a private Postfix that relays to the sink; with a milter port, mail is signed by it."""
    port = free_port()
    home.mkdir(parents=True)
    config = home / "etc"
    for folder in (config, home / "queue", home / "data"):
        folder.mkdir()
    shutil.chown(home / "data", "postfix")
    milters = (
        f"smtpd_milters = inet:127.0.0.1:{milter_port}\nmilter_default_action = tempfail\n"
        if milter_port
        else ""
    )
    (config / "main.cf").write_text(MAIN.format(home=home, sink=sink, milters=milters))
    (config / "master.cf").write_text(MASTER.format(port=port))
    subprocess.run(["postfix", "-c", str(config), "start"], check=True, capture_output=True)
    wait_for_port(port)
    master = int((home / "queue/pid/master.pid").read_text())

    def stop() -> None:
        subprocess.run(["postfix", "-c", str(config), "stop"], check=False, capture_output=True)

    return Peer("Postfix", port, [master], [stop])


def postfix_opendkim(home: Path, sink: int) -> Peer:
    """Start Postfix with OpenDKIM signing by RSA-2048."""
    home.mkdir(parents=True)
    home.chmod(0o755)
    subprocess.run(
        ["opendkim-genkey", "-b", "2048", "-d", "sender.example", "-s", "bench", "-D", str(home)], check=True
    )
    key = home / "bench.private"
    key.chmod(0o600)
    milter_port = free_port()
    config = home / "opendkim.conf"
    config.write_text(
        f"Syslog no\nMode s\nCanonicalization relaxed/relaxed\nDomain sender.example\nSelector bench\n"
        f"KeyFile {key}\nSocket inet:{milter_port}@127.0.0.1\nInternalHosts 127.0.0.1\n"
        "SignatureAlgorithm rsa-sha256\nUserID root\nOversignHeaders From\n"
    )
    milter = subprocess.Popen(["opendkim", "-f", "-x", str(config)])
    wait_for_port(milter_port)
    peer = postfix(home / "postfix", sink, milter_port)
    peer.name = "Postfix + OpenDKIM"
    peer.roots.append(milter.pid)
    peer.stop.insert(0, lambda: (milter.terminate(), milter.wait(20)))
    return peer


def prepare_gateway(home: Path, sink: int, subscriptions: int = SUBSCRIPTIONS, say=print) -> int:
    """Make a home with a trusted-network account, its subscriptions and an RSA-2048 key; return the SMTP port."""
    smtp, inbound, web, metrics = (free_port() for _ in range(4))

    def consentry(*words: str, **options: object) -> None:
        subprocess.run(
            [CONSENTRY, "--config", str(home / "gateway.toml"), *words],
            check=True, stdout=subprocess.DEVNULL, **options,
        )  # fmt: skip

    subprocess.run(
        [
            CONSENTRY, "init", str(home), "--hostname", "gateway.example", "--smtp", f"127.0.0.1:{smtp}",
            "--inbound", f"127.0.0.1:{inbound}", "--web", f"127.0.0.1:{web}", "--metrics", f"127.0.0.1:{metrics}", "--smarthost", f"127.0.0.1:{sink}",
        ],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    consentry("account", "add", "bench", "--password-stdin", "--consent", "asserted", "--rate", "1,000,000/s",
              input=b"not a secret at all\n")  # fmt: skip
    consentry("domain", "add", "bench", "sender.example", "--verified")
    consentry("dkim", "generate", "sender.example", "--selector", "bench")
    consentry("list", "add", "bench", "news.sender.example", "--default")
    readers = home / "readers.txt"
    with readers.open("w") as file:
        file.writelines(f"{number}{RECIPIENT}\n" for number in range(subscriptions))
    say(f"loading {subscriptions:,} subscriptions")
    consentry("subscriber", "load", "bench", "news.sender.example", str(readers), "--basis", "asserted",
              "--source", "benchmark")  # fmt: skip
    return smtp


def trust_this_machine(home: Path, extra_config: str = "") -> None:
    """Let who sends from here be the account, without a password."""
    with (home / "gateway.toml").open("a") as file:
        file.write('\n[[submission.trusted]]\nnetwork = "127.0.0.1/32"\naccount = "bench"\n' + extra_config)


def gateway(
    home: Path, sink: int, say=print, extra_config: str = "", subscriptions: int = SUBSCRIPTIONS
) -> Peer:
    """Start the gateway with 1,000,000 subscriptions, or as many as are asked for."""
    smtp = prepare_gateway(home, sink, subscriptions, say=say)
    trust_this_machine(home, extra_config)
    log = (home / "log.jsonl").open("wb")
    process = subprocess.Popen(
        [CONSENTRY, "--config", str(home / "gateway.toml"), "run"], stdout=subprocess.PIPE, stderr=log
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if b"ready" not in line:
        raise RuntimeError(f"the gateway did not start: {line!r}; see {log.name}")

    def stop() -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()

    return Peer("Consentry", smtp, [process.pid], [stop])
