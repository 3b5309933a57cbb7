"""init: what it writes, and what it refuses."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.settings.schema import Settings
from gateway.settings.units import Endpoint
from gateway.store.keys import load_master_key
from gateway.store.tokens import load_token_keys

Init = Callable[..., Result]


def settings_of(folder: Path) -> Settings:
    return Settings.model_validate(tomllib.loads((folder / "gateway.toml").read_text()))


def test_that_what_it_writes_is_valid(init: Init, tmp_path: Path) -> None:
    assert init().exit_code == 0
    checked = CliRunner().invoke(app, ["--config", str(tmp_path / "house/gateway.toml"), "check"])
    assert checked.exit_code == 0, checked.output
    assert "valid" in checked.stdout


def test_that_options_stand_in_the_file(init: Init, tmp_path: Path) -> None:
    words = ["--hostname", "mail.example.com", "--smtp", "127.0.0.1:3025", "--web", "[::1]:3080"]
    words += ["--inbound", "[::1]:3026"]
    words += ["--metrics", "127.0.0.1:3095", "--smarthost", "smtp.example.net:587"]
    assert init(*words, "--public-url", "https://out.example.com/").exit_code == 0
    settings = settings_of(tmp_path / "house")
    assert settings.gateway.hostname == "mail.example.com"
    (listener,) = settings.submission.listener
    assert (listener.listen, listener.tls, listener.auth_without_tls) == (
        Endpoint("127.0.0.1", 3025),
        "starttls",
        True,
    )
    (inbound,) = settings.inbound.listener
    assert (inbound.listen, inbound.tls) == (Endpoint("::1", 3026), "starttls")
    assert settings.web.listen == Endpoint("::1", 3080)
    assert settings.web.public_url == "https://out.example.com"
    assert settings.metrics.listen.port == 3095
    (host,) = settings.relay.smarthost
    assert (host.host, host.port) == ("smtp.example.net", 587)


def test_that_comments_are_kept(init: Init, tmp_path: Path) -> None:
    init()
    text = (tmp_path / "house/gateway.toml").read_text()
    assert text.count("\n# ") > 50
    assert (tmp_path / "house/policy.toml").read_text().count("\n# ") > 15


def test_that_the_network_needs_tls_for_passwords_and_https(init: Init, tmp_path: Path) -> None:
    result = init("--hostname", "mail.example.com", "--smtp", "0.0.0.0:2525", "--web", "0.0.0.0:8080")
    assert result.exit_code == 0, result.output
    settings = settings_of(tmp_path / "house")
    assert not settings.submission.listener[0].auth_without_tls
    assert settings.web.public_url == "https://mail.example.com"


def test_secrets(init: Init, tmp_path: Path) -> None:
    init()
    folder = tmp_path / "house"
    for name in ("secrets/master.key", "secrets/token.keys", "tls/key.pem", "state/store.sqlite"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    for name in ("secrets", "tls", "state"):
        assert (folder / name).stat().st_mode & 0o777 == 0o700, name
    assert len(load_master_key(str(folder / "secrets/master.key"))) == 32
    assert load_token_keys(str(folder / "secrets/token.keys")).current_id == 1


def test_that_it_never_overwrites(init: Init, tmp_path: Path) -> None:
    init()
    before = {path: path.read_bytes() for path in (tmp_path / "house").rglob("*") if path.is_file()}
    result = init("--hostname", "other.example.com")
    assert result.exit_code == 1
    assert "initialised already" in result.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "house").rglob("*") if path.is_file()} == before


def test_that_a_lone_key_is_not_overwritten_either(init: Init, tmp_path: Path) -> None:
    (tmp_path / "house/secrets").mkdir(parents=True)
    (tmp_path / "house/secrets/master.key").write_text("precious")
    assert init().exit_code == 1
    assert [path.name for path in (tmp_path / "house").rglob("*") if path.is_file()] == ["master.key"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--smtp", "127.0.0.1"], 2, "HOST:PORT"),
        (["--hostname", "two words"], 1, "gateway.hostname"),
        (["--public-url", "example.com"], 1, "web.public_url"),
        (["--smtp", "127.0.0.1:8080"], 1, "taken already"),
    ],
)
def test_that_nothing_is_written_for_bad_options(
    init: Init, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    result = init(*words)
    assert (result.exit_code, said in result.stderr) == (code, True), result.output
    assert not (tmp_path / "house").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["init", str(tmp_path / "file/house")])
    assert result.exit_code == 1
    assert "cannot write" in result.stderr
