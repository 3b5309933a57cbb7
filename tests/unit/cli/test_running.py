"""check and reload; the supervisor is a small stand-in here, scenarios run the real one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli import running

SUPERVISOR = """
import json, os, pathlib, signal, sys
state, answer = pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
def on_hangup(*_):
    fresh = state / "reload.new"
    fresh.write_text(json.dumps(answer))
    fresh.replace(state / "reload.json")
signal.signal(signal.SIGHUP, on_hangup)
(state / "gateway.pid").write_text(f"{os.getpid()}\\n")
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def supervisor(state: Path, answer: str) -> Iterator[None]:
    command = [sys.executable, "-c", SUPERVISOR, "consentry", str(state), answer]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
        process.communicate(timeout=10)


def state_of(typed) -> Path:
    return typed.config.parent / "state"


def test_check(typed) -> None:
    assert typed.good("check") == f"{typed.config} and {typed.config.parent}/policy.toml are valid\n"


def test_that_check_tells_every_problem(typed) -> None:
    with typed.config.open("a") as file:
        file.write('\n[[relay.smarthost]]\nhosst = "x"\n')
    (typed.config.parent / "policy.toml").write_text("[quotta]\n")
    said = typed.refused("check")
    assert f"{typed.config}:" in said
    assert 'did you mean "host"?' in said
    assert 'did you mean "quota"?' in said


def test_that_doubts_are_said_and_allowed(typed) -> None:
    typed.config.write_text(
        typed.config.read_text().replace('"http://127.0.0.1:8080"', '"http://mail.example.com"')
    )
    result = typed("check")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: ")
    assert "https" in result.stderr


def test_that_run_refuses_a_bad_config(typed) -> None:
    typed.config.write_text("[gateway]\nworkers = -1\n")
    assert "gateway.workers" in typed.refused("run")


def test_reload(typed) -> None:
    (state_of(typed) / "reload.json").write_text('{"generation": 6, "at": 1, "ok": true, "problems": []}')
    with supervisor(state_of(typed), '{"generation": 7, "at": 2, "ok": true, "problems": []}'):
        assert typed.good("reload") == "reloaded, generation 7\n"


def test_that_reload_tells_what_the_running_gateway_said(typed) -> None:
    with supervisor(state_of(typed), '{"generation": 1, "at": 2, "ok": false, "problems": ["workers: no"]}'):
        said = typed.refused("reload")
    assert "kept what it had" in said
    assert "workers: no" in said


def test_that_a_bad_config_is_not_even_tried(typed) -> None:
    typed.config.write_text("[gateway]\nworkers = -1\n")
    with supervisor(state_of(typed), "{}"):
        assert "gateway.workers" in typed.refused("reload")
    assert not (state_of(typed) / "reload.json").exists()


def test_that_silence_is_told(typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_RELOAD_PATIENCE", 0.05)
    (state_of(typed) / "reload.json").write_text("{}")
    with supervisor(state_of(typed), "{}"):
        assert "has not answered" in typed.refused("reload")


@pytest.mark.parametrize(
    ("pid", "said"),
    [
        ("4194304\n", "a process that is gone"),  # beyond the largest number that Linux gives
        ("none\n", "cannot signal"),
    ],
)
def test_stale_pid_files(typed, pid: str, said: str) -> None:
    (state_of(typed) / "gateway.pid").write_text(pid)
    assert said in typed.refused("reload")


def test_that_another_program_is_not_hung_up(typed) -> None:
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as other:
        (state_of(typed) / "gateway.pid").write_text(f"{other.pid}\n")
        assert "a process that is gone" in typed.refused("reload")
        assert other.poll() is None
        other.communicate(timeout=10)


def test_that_nothing_runs(typed) -> None:
    assert "there is no" in typed.refused("reload")
