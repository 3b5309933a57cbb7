"""Operating it: reloads, suspension, quotas over all workers, metrics, health, deaths, and the end in order."""

import json
import os
import shutil
import signal
import smtplib
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scene import House, Sink, eventually, newsletter
from scene.waiting import PATIENCE

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"
UNIT = Path(__file__).parents[2] / "systemd/consentry.service"


@pytest.fixture(scope="module")
def house(template: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway of this file's own: it is reloaded, its workers are killed, and at last it is ended."""
    house = House(tmp_path_factory.mktemp("operated") / "house", Sink())
    house.sink.start()
    house.move_into_copy_of(template)
    try:
        house.start()
        yield house
    finally:
        house.clear_away()
        house.sink.stop()


# Reloads


def size_limit(house: House) -> str:
    with house.client() as client:
        return client.esmtp_features["size"]


def test_a_good_change_takes_effect_and_drops_no_session(house: House, reader: str) -> None:
    with house.client() as client:
        client.mail(SENDER)
        client.rcpt(reader)
        house.change("^message_size = .*", 'message_size = "2 MiB"')
        done = house.call("reload")
        assert done.stdout.startswith("reloaded, generation ")
        assert client.data(newsletter("over the reload"))[0] == 250
        assert {size_limit(house) for _ in range(6)} == {str(2 << 20)}  # whichever worker it is
    assert house.sink.copy("over the reload")


def test_a_bad_change_is_refused_and_the_old_config_stays(house: House) -> None:
    good, size = house.config.read_text(), size_limit(house)
    house.change("^message_size = .*", 'message_size = "a lot"')
    line = 1 + house.config.read_text().splitlines().index('message_size = "a lot"')
    done = house.call("reload", check=False)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"gateway.toml:{line}" in said.replace(" ", "")
    assert "submission.limits.message_size" in said
    assert "a lot" in said

    # SIGHUP reaches the supervisor without the command's own check.
    problems = house.hang_up()["problems"]
    assert len(problems) == 2  # the tenants' server has such a key, and the one for letters
    assert f"gateway.toml:{line}" in problems[0]
    assert "submission.limits.message_size" in problems[0]
    assert size_limit(house) == size
    assert house.metric("consentry_reloads_total", result="refused") == 1
    house.config.write_text(good)
    assert house.hang_up()["ok"] is True


def test_a_bad_policy_file_is_refused_too(house: House) -> None:
    policies = house.folder / "policy.toml"
    good = policies.read_text()
    policies.write_text(good + "\n[no_such_policy]\n")
    done = house.call("reload", check=False)
    policies.write_text(good)
    assert done.returncode == 1
    assert "policy.toml" in done.stderr
    assert "no_such_policy" in done.stderr


def test_what_needs_a_restart_is_said(house: House) -> None:
    house.change("^workers = 2", "workers = 3")
    done = house.call("reload", check=False)
    house.change("^workers = 3", "workers = 2")
    assert done.returncode == 1
    assert "gateway.workers changed: that needs a restart" in " ".join(done.stderr.split())


# All workers


def test_a_suspension_is_seen_by_all_workers(house: House, tell: Callable[[str], None]) -> None:
    """How soon is told: it is a second, but for a machine that has other things to do."""
    with house.client_of_each_worker() as clients:
        house.call("account", "suspend", "acme", "--reason", "complaints")
        began = time.monotonic()
        for client in clients:
            eventually(lambda client=client: answer(client) == 550)
        suspended = time.monotonic() - began
        house.call("account", "reinstate", "acme")
        began = time.monotonic()
        for client in clients:
            eventually(lambda client=client: answer(client) == 250)
        reinstated = time.monotonic() - began
    tell(f"all workers saw a suspension after {suspended:.2f} s, and its end after {reinstated:.2f} s")


def answer(client: smtplib.SMTP) -> int:
    client.rset()
    return client.mail(SENDER)[0]


def test_metrics_are_sums_over_the_workers(house: House, readers: Iterator[str]) -> None:
    before = house.metric("consentry_messages_received_total")
    with house.client_of_each_worker() as clients:
        for number, client in enumerate(clients * 3):
            client.sendmail(SENDER, [next(readers)], newsletter(f"counted-{number}"))
        house.sink.wait_for(lambda seen: sum(one.marker.startswith("counted") for one in seen) == 6)
        assert house.metric("consentry_messages_received_total") == before + 6
        eventually(lambda: house.metric("consentry_connection_count", service="submission") >= 2)
    eventually(lambda: house.metric("consentry_connection_count", service="submission") == 0)


@pytest.mark.debian
def test_promtool_takes_the_metrics(house: House) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    text = house.get(f"http://127.0.0.1:{house.metrics}/metrics")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    # Three gauges have the names that KumoMTA's operators know (docs/decisions/0008-metric-names.md).
    suffix = 'non-histogram and non-summary metrics should not have "_count" suffix'
    known = {f"consentry_{name}_count {suffix}" for name in ("connection", "ready", "scheduled")}
    assert set(done.stderr.splitlines()) <= known
    assert done.stdout == ""


def test_health(house: House) -> None:
    assert house.status("/health/live") == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{house.metrics}/health/ready", timeout=10) as ready:
        found = json.load(ready)
    assert found["status"] == "ready"
    assert all(check["ok"] for check in found["checks"].values())
    # Not on the public address.
    for path in ("/metrics", "/health/ready"):
        with pytest.raises(urllib.error.HTTPError) as missing:
            house.get(f"http://127.0.0.1:{house.web}{path}")
        assert missing.value.code == 404
        missing.value.close()


def test_a_quota_is_one_for_all_workers(house: House) -> None:
    """The account slow has 5/s: five at once, then one each 0.2 s, whichever workers are asked."""
    house.sink.received.clear()
    answers: Counter[int] = Counter()
    with house.client_of_each_worker("slow") as clients:
        for client in clients:
            client.mail("news@slow.example")
        began = time.monotonic()
        for reader in ("ann", "bob", "cid", "reader"):  # eight are asked for before one more is due
            for client in clients:
                code, text = client.rcpt(f"{reader}@example.net")
                answers[code] += 1
                assert code == 250 or text.startswith(b"4.7.1 Over the quota of 5/s, try again in "), text
        took = time.monotonic() - began
        for number, client in enumerate(clients):
            content = newsletter(f"slow-{number}").replace(b"acme.example", b"slow.example")
            assert client.data(content)[0] == 250
    assert answers.keys() == {250, 451}
    assert 5 <= answers[250] <= 5 + took * 5
    assert len(house.sink.wait(answers[250])) == answers[250]


def test_failed_logins_cost_little_and_block_their_source_only(house: House) -> None:
    answers: Counter[int] = Counter()
    cpu = sum(map(cpu_seconds, house.workers()))
    for _ in range(200):
        try:
            guess = smtplib.SMTP("127.0.0.1", house.smtp, source_address=("127.0.0.99", 0), timeout=10)
        except smtplib.SMTPConnectError as refusal:
            answers[refusal.smtp_code] += 1
            continue
        with guess:
            guess.ehlo()
            answers[guess.docmd("AUTH", "PLAIN AGFjbWUAd3Jvbmc=")[0]] += 1
    assert answers.keys() == {535, 421}
    assert answers[535] <= 12, answers  # 10/min
    assert sum(map(cpu_seconds, house.workers())) - cpu < 4.0
    with house.client() as client:
        assert answer(client) == 250


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_worker_that_dies_is_replaced(house: House, readers: Iterator[str]) -> None:
    received = house.metric("consentry_messages_received_total")
    restarts = house.metric("consentry_worker_restarts_total")
    with house.client_of_each_worker() as (doomed, other):
        pid = house.worker_of(doomed)
        number = house.workers()[pid]
        os.kill(pid, signal.SIGKILL)
        assert other.sendmail(SENDER, [next(readers)], newsletter("during")) == {}
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            doomed.noop()
        doomed.close()
    (successor,) = eventually(
        lambda: [new for new, name in house.workers().items() if name == number and new != pid]
    )
    with house.client_of_each_worker() as clients:
        assert successor in {house.worker_of(client) for client in clients}
        for number, client in enumerate(clients):
            client.sendmail(SENDER, [next(readers)], newsletter(f"after-{number}"))
    house.sink.copy("during")
    house.sink.copy("after-0")
    house.sink.copy("after-1")
    assert house.metric("consentry_worker_restarts_total") == restarts + 1
    assert house.metric("consentry_messages_received_total") == received + 3


def test_a_worker_that_dies_over_broken_files_runs_what_was_accepted(
    house: House, readers: Iterator[str]
) -> None:
    files = [house.config, house.folder / "policy.toml", house.folder / "secrets/token.keys"]
    good, size = [file.read_text() for file in files], size_limit(house)
    for file in files:
        file.write_text("= broken")
    problems = house.hang_up()["problems"]
    assert "gateway.toml:1" in problems[0]
    with house.client_of_each_worker() as (doomed, _):
        pid = house.worker_of(doomed)
        number = house.workers()[pid]
        os.kill(pid, signal.SIGKILL)
        doomed.close()
    (successor,) = eventually(
        lambda: [new for new, name in house.workers().items() if name == number and new != pid]
    )
    with house.client_of_each_worker() as clients:
        assert successor in {house.worker_of(client) for client in clients}
        assert {client.esmtp_features["size"] for client in clients} == {size}
        for number, client in enumerate(clients):
            client.sendmail(SENDER, [next(readers)], newsletter(f"broken-{number}"))
    house.sink.copy("broken-0")
    house.sink.copy("broken-1")
    for file, text in zip(files, good, strict=True):
        file.write_text(text)
    assert house.hang_up()["ok"] is True


def test_a_copy_that_hangs_at_its_hop_can_be_dropped(house: House, reader: str) -> None:
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(_recipient: str) -> str:
        hangs.set()
        goes_on.wait(PATIENCE)
        return "451 4.2.0 later"

    house.sink.script = hang
    try:
        with house.client() as client:
            client.sendmail(SENDER, [reader], newsletter("hanging"))
        assert hangs.wait(PATIENCE)
        (waiting,) = house.json("queue", "list")
        assert waiting["state"] == "active"
        assert "thrown away unless the next hop takes it" in house.call("queue", "drop", waiting["id"]).stdout
        goes_on.set()
        house.wait_until_empty()
    finally:
        goes_on.set()
        house.sink.script = lambda _recipient: None
    assert "dropped by an operator" in house.call("explain", waiting["id"]).stdout


# The end


def test_sigterm_drains_within_its_bound(house: House, readers: Iterator[str]) -> None:
    """A content that still comes is taken, one that never ends is not waited for, and no one else may begin."""
    with house.client() as ending, house.client() as endless, house.client() as idle:
        for client in (ending, endless):
            client.mail(SENDER)
            client.rcpt(next(readers))
            assert client.docmd("DATA")[0] == 354
            client.send(newsletter("drained")[:200])
        house.process.send_signal(signal.SIGTERM)
        assert idle.getreply()[0] == 421
        ending.send(newsletter("drained")[200:] + b"\r\n.\r\n")
        code, text = ending.getreply()
        assert (code, text[:6]) == (250, b"2.6.0 ")
        assert ending.getreply()[0] == 421
        assert house.process.wait(PATIENCE) == 0  # the endless one would have minutes
        for client in (ending, endless, idle):
            client.close()
    house.process.stdout.close()
    house.process = None
    house.start()
    assert house.sink.copy("drained")
    assert house.end() == 0


@pytest.mark.debian
def test_the_unit_is_clean(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/consentry/bin/consentry", "/bin/true"))
    done = subprocess.run([analyze, "verify", str(unit)], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
