"""A gateway's folder, made by init, and a way to type commands at it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli.main import app


@dataclass(frozen=True, slots=True)
class Typed:
    """Types commands for one config file."""

    config: Path

    def __call__(self, *words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, ["--config", str(self.config), *words], input=stdin)

    def good(self, *words: str, stdin: str | bytes | None = None) -> str:
        result = self(*words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *words: str, stdin: str | bytes | None = None) -> str:
        result = self(*words, stdin=stdin)
        assert result.exit_code == 1, result.output
        return result.stderr

    def json(self, *words: str, stdin: str | bytes | None = None) -> Any:
        return json.loads(self.good(*words, "--json", stdin=stdin))


@pytest.fixture(scope="session")
def _initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("init") / "gateway"
    words = ["init", str(folder), "--hostname", "mail.example.com", "--smarthost", "127.0.0.1:2526"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def typed(_initialised: Path, tmp_path: Path) -> Typed:
    """Commands at a fresh copy of an initialised folder."""
    folder = tmp_path / "gateway"
    shutil.copytree(_initialised, folder)
    return Typed(folder / "gateway.toml")


@pytest.fixture(scope="session")
def _with_bakery(_initialised: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bakery") / "gateway"
    shutil.copytree(_initialised, folder)
    typed = Typed(folder / "gateway.toml")
    typed.good(
        "account", "add", "bakery", "--password-stdin", "--consent", "asserted", stdin="correct horse\n"
    )
    typed.good("list", "add", "bakery", "bread.bakery.example", "--name", "Bread", "--default")
    typed.good("domain", "add", "bakery", "bakery.example", "--verified")
    return folder


@pytest.fixture
def bakery(_with_bakery: Path, tmp_path: Path) -> Typed:
    """Commands at a fresh copy of a folder with an account, a domain and a list."""
    folder = tmp_path / "bakery"
    shutil.copytree(_with_bakery, folder)
    return Typed(folder / "gateway.toml")


Init = Callable[..., Result]


@pytest.fixture
def init(tmp_path: Path) -> Init:
    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["init", str(tmp_path / "house"), *words])

    return run
