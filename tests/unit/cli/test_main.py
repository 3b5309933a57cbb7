"""The whole command line: usage, exit codes, and how quickly it answers."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app

HEAVY = (
    "sqlalchemy",
    "pydantic",
    "cryptography",
    "aiosmtpd",
    "fastapi",
    "asyncio",
    "jinja2",
    "rich",
    "alembic",
)


def test_that_help_loads_nothing_heavy() -> None:
    """What is loaded is the time to the first prompt; it is told by names, because clocks are moody."""
    code = "import sys, gateway.cli.main; print(' '.join(sorted({n.partition('.')[0] for n in sys.modules})))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert set(HEAVY) & set(loaded.stdout.split()) == set()


@pytest.mark.parametrize(
    "command",
    [
        *(
            "init",
            "run",
            "check",
            "reload",
            "account",
            "domain",
            "dkim",
            "list",
            "subscriber",
            "queue",
            "explain",
        ),
        *(
            "demo",
            "account add",
            "account suspend",
            "domain add",
            "dkim generate",
            "list add",
            "subscriber load",
        ),
        *("queue retry", "queue hold", "queue release", "queue drop", "queue show", "queue list"),
    ],
)
def test_that_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage: " in result.stdout


@pytest.mark.parametrize(
    "listing",
    [
        *(
            "account list",
            "account show x",
            "domain list x",
            "dkim list x",
            "list list x",
            "subscriber show x x",
        ),
        *("queue list", "queue show x", "explain x"),
    ],
)
def test_that_every_listing_takes_json(listing: str) -> None:
    group, *rest = listing.split()
    words = [group, *rest[:1], "--help"] if group != "explain" else ["explain", "--help"]
    assert "--json" in CliRunner().invoke(app, words).stdout


def test_that_the_config_comes_from_the_environment_too(typed) -> None:
    result = CliRunner().invoke(app, ["check"], env={"CONSENTRY_CONFIG": str(typed.config)})
    assert result.exit_code == 0, result.output


def test_that_a_command_without_a_config_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["check"], env={"CONSENTRY_CONFIG": None})
    assert (result.exit_code, "CONSENTRY_CONFIG" in result.stderr) == (2, True)


def test_a_config_that_is_not_there(tmp_path) -> None:
    result = CliRunner().invoke(app, ["--config", str(tmp_path / "gateway.toml"), "account", "list"])
    assert result.exit_code == 1
    assert result.stderr.count("cannot be read") == 1


def test_that_unknown_words_are_wrong_usage() -> None:
    assert CliRunner().invoke(app, ["acount", "list"]).exit_code == 2


def test_the_installed_command(typed) -> None:
    command = os.path.join(os.path.dirname(sys.executable), "consentry")  # noqa: PTH118, PTH120 - a venv's link is not followed
    done = subprocess.run(
        [command, "--config", str(typed.config), "check"], capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, b"valid" in done.stdout) == (0, True)
