"""init: what it writes, and what it refuses."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli import house
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


@pytest.mark.parametrize("where", ["_write", "_make_store", "read", "open_store", "_make_folder"])
@pytest.mark.parametrize("folder_is_there", [True, False])
def test_that_what_failed_half_way_leaves_nothing_and_can_be_repeated(
    init: Init, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, folder_is_there: bool
) -> None:
    folder = tmp_path / "house"
    if folder_is_there:
        (folder / "tls").mkdir(parents=True)
        (folder / "tls/other.pem").write_text("somebody's")
    before = sorted(tmp_path.rglob("*"))
    working, calls = getattr(house, where), 0

    def fails_late(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if where in {"_write", "_make_folder"} and calls < 3:
            return working(*arguments)
        raise OSError(28, "No space left on device", str(folder / "x"))

    with monkeypatch.context() as failing:
        failing.setattr(house, where, fails_late)
        result = init()
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert sorted(tmp_path.rglob("*")) == before
    assert init().exit_code == 0
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_that_a_file_that_came_meanwhile_is_not_overwritten(
    init: Init, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "house"
    making = house._make_store

    def meanwhile(plan: house.Plan) -> None:
        making(plan)
        (folder / "secrets").mkdir()
        (folder / "secrets/token.keys").write_text("precious")

    monkeypatch.setattr(house, "_make_store", meanwhile)
    assert init().exit_code == 1
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["token.keys"]
    assert (folder / "secrets/token.keys").read_text() == "precious"
