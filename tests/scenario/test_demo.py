"""consentry demo: a stranger's first minute, with the real process tree."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.scenario

DEMO = [sys.executable, "-m", "gateway.cli.main", "demo"]


@pytest.fixture
def temporary(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path)}


def left_over(folder: Path) -> Iterator[str]:
    """Yield the processes that still have the folder on their command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in command:
                yield command.replace(b"\0", b" ").decode()


def test_once(tmp_path: Path, temporary: dict[str, str]) -> None:
    done = subprocess.run(
        [*DEMO, "--once"], capture_output=True, text=True, env=temporary, check=False, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for wanted in (
        "C: RCPT TO:<ada@example.net>\n  S: 250",
        "C: RCPT TO:<stranger@example.com>\n  S: 550 5.7.1",
        "S: 250 2.6.0 Queued as",
        "+ DKIM-Signature: ",
        "+ List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "+ Unsubscribe: http://127.0.0.1:",
        "left       grace@example.org  250 2.6.0",
        "refused    grace@example.org  550 5.7.1 Recipient unsubscribed on",
    ):
        assert wanted in done.stdout, done.stdout
    kept = sorted(tmp_path.glob("consentry-demo-*/*/*"))
    assert [path.name for path in kept] == ["001.eml", "002.eml", "003.eml"]
    assert list(left_over(tmp_path)) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "terminal closed"])
def test_that_it_stays_until_it_is_interrupted(
    tmp_path: Path, temporary: dict[str, str], end: signal.Signals
) -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, text=True, env=temporary) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        swaks = re.search(r"swaks --server (\S+) .*--auth-user (\S+) --auth-password (\S+)", said)
        assert swaks, said
        assert f"smtp {swaks[1]}" in said
        process.send_signal(end)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "The gateway has ended" in rest
    assert list(left_over(tmp_path)) == []
