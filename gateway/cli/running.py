"""``consentry run``, ``check`` and ``reload``: the running gateway and its config files."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import typer

from gateway.cli import say
from gateway.cli.configured import config_file, read

_RELOAD_PATIENCE = 10.0  # seconds
_LOOK_AGAIN = 0.02


def run(ctx: typer.Context) -> None:
    """Run the gateway in the foreground; one line says when it is ready."""
    path = config_file(ctx)
    for warning in read(path).loaded.warnings:
        say.warning(str(warning))
    from gateway import workers  # noqa: PLC0415 - heavy

    raise typer.Exit(workers.run(path))


def check(ctx: typer.Context) -> None:
    """Validate both config files, against each other and the disk."""
    loaded = read(config_file(ctx)).loaded
    for warning in loaded.warnings:
        say.warning(str(warning))
    say.line(f"{loaded.config_file} and {loaded.policy_file} are valid")


def reload(ctx: typer.Context) -> None:
    """Put changed config files in force; a config that is wrong changes nothing."""
    loaded = read(config_file(ctx)).loaded
    for warning in loaded.warnings:
        say.warning(str(warning))
    state = loaded.settings.gateway.state_dir
    before = _last_reload(state)
    _hang_up(state / "gateway.pid")
    after = _wait_for_another(state, before)
    if not after["ok"]:
        raise say.Refused(
            "\n  ".join(["the running gateway kept what it had:", *map(str, after.get("problems", []))])
        )
    say.line(f"reloaded, generation {after['generation']}")


def _hang_up(pid_file: Path) -> None:
    """Send SIGHUP to the supervisor; raise Refused where none is running."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        _check_ours(pid)
        os.kill(pid, signal.SIGHUP)
    except FileNotFoundError as error:
        raise say.Refused(f"the gateway is not running: there is no {pid_file}") from error
    except ProcessLookupError as error:
        raise say.Refused(f"the gateway is not running: {pid_file} names a process that is gone") from error
    except (ValueError, OSError) as error:
        raise say.Refused(f"cannot signal the gateway by {pid_file}: {error}") from error


def _check_ours(pid: int) -> None:
    """Raise ProcessLookupError where a stale number is another program's by now."""
    if not Path("/proc/self/cmdline").exists():
        return
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        raise ProcessLookupError from None
    if b"consentry" not in command and b"gateway" not in command:
        raise ProcessLookupError


def _last_reload(state: Path) -> dict[str, Any] | None:
    """Return what the supervisor wrote after its last reload; it replaces the file in one step."""
    try:
        found = json.loads((state / "reload.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _wait_for_another(state: Path, before: dict[str, Any] | None) -> dict[str, Any]:
    deadline = time.monotonic() + _RELOAD_PATIENCE
    while time.monotonic() < deadline:
        after = _last_reload(state)
        if after is not None and after != before:
            return after
        time.sleep(_LOOK_AGAIN)
    raise say.Refused(f"the gateway has not answered within {_RELOAD_PATIENCE:.0f} s; its log may say why")
