"""What load gives for files that are right, and what it says that is not quite."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.model.policy import Policy
from gateway.settings.load import Loaded, load
from gateway.settings.problem import BadConfig
from gateway.settings.schema import Settings
from gateway.settings.units import Endpoint

GOOD = """
[gateway]
hostname = "mail.example.com"

[[submission.listener]]
listen = "127.0.0.1:2525"
auth_without_tls = true
proxy_from = ["10.0.0.0/8", "2001:db8::/32"]

[tls]
certificate = "tls/certificate.pem"
key = "tls/key.pem"

[web]
public_url = "https://mail.example.com/"

[inbound]
operator = "ops@example.org"

[[inbound.listener]]
listen = "127.0.0.1:2526"
tls = "none"

[[relay.smarthost]]
host = "smtp.example.net"
tls = "require"
username = "gateway"
password_file = "secrets/master.key"
"""


def no_policies(_tables: Mapping[str, Mapping[str, object]]) -> Sequence[Policy]:
    return (Policy("one"),)


def read(folder: Path, text: str = GOOD) -> Loaded:
    (folder / "gateway.toml").write_text(text)
    return load(folder / "gateway.toml", no_policies)


def said(loaded: Loaded) -> list[tuple[int, str]]:
    return [(problem.line, problem.key) for problem in loaded.warnings]


def test_good_config(folder: Path) -> None:
    loaded = read(folder)
    (listener,) = loaded.settings.submission.listener
    assert listener.listen == Endpoint("127.0.0.1", 2525)
    assert listener.proxy_from == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    assert loaded.settings.web.public_url == "https://mail.example.com"
    assert loaded.policies == (Policy("one"),)
    assert loaded.warnings == ()


def test_that_paths_are_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gateway.toml").write_text(GOOD)
    monkeypatch.chdir(folder)
    loaded = load(Path("gateway.toml"), no_policies)
    settings = loaded.settings
    assert settings.gateway.state_dir == folder / "state"
    assert settings.tls.key == folder / "tls/key.pem"
    assert settings.secrets.master_key == str(folder / "secrets/master.key")
    assert settings.relay.smarthost[0].password_file == folder / "secrets/master.key"
    assert settings.relay.smarthost[0].ca_file is None
    assert (loaded.config_file, loaded.policy_file) == (folder / "gateway.toml", folder / "policy.toml")


def test_that_an_empty_file_gives_the_defaults(folder: Path) -> None:
    settings = read(folder, "").settings
    assert settings.relay == Settings().relay
    assert settings.submission == Settings().submission


def test_that_policies_get_their_tables(folder: Path) -> None:
    (folder / "policy.toml").write_text("[quota]\nburst = 3\n")
    assert read(folder).policy == {"quota": {"burst": 3}}


def test_that_credentials_come_from_systemd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "secrets"))
    settings = read(folder, '[secrets]\nmaster_key = "credential:master.key"\n').settings
    assert settings.secrets.master_key == "credential:master.key"
    with pytest.raises(BadConfig, match="no name of a credential"):
        read(folder, '[secrets]\nmaster_key = "credential:../tls/key.pem"\n')


WARNED = [
    ("", (0, "submission")),
    ("", (0, "relay")),
    ('[web]\npublic_url = "http://mail.example.com"', (2, "web.public_url")),
    (
        '[[submission.listener]]\nlisten = "0.0.0.0:25"\ntls = "none"\nauth_without_tls = true',
        (4, "submission.listener[0].auth_without_tls"),
    ),
    (
        '[[submission.trusted]]\nnetwork = "0.0.0.0/0"\naccount = "one"',
        (2, "submission.trusted[0].network"),
    ),
    (
        '[[relay.smarthost]]\nhost = "h.example"\nusername = "u"\npassword_file = "secrets/master.key"',
        (1, "relay.smarthost[0].tls"),
    ),
    ('[tls]\ncertificate = "tls/expired.pem"\nkey = "tls/key.pem"', (2, "tls.certificate")),
]


@pytest.mark.parametrize(("text", "warning"), WARNED)
def test_warning(folder: Path, text: str, warning: tuple[int, str]) -> None:
    assert warning in said(read(folder, text))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "me.localhost"])
def test_that_plain_http_is_fine_on_loopback(folder: Path, host: str) -> None:
    assert "web.public_url" not in dict(
        map(reversed, said(read(folder, f'[web]\npublic_url = "http://{host}"')))
    )


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        load(tmp_path / "gateway.toml", no_policies)
    first = caught.value.problems[0]
    assert (first.file, first.line, first.key) == (tmp_path / "gateway.toml", 0, "")
    assert "No such file" in first.reason


def test_that_both_files_are_told_of(folder: Path) -> None:
    (folder / "policy.toml").write_text("[")
    with pytest.raises(BadConfig) as caught:
        read(folder, "[gateway]\nworkers = -1")
    assert [problem.file.name for problem in caught.value.problems] == ["gateway.toml", "policy.toml"]


def test_that_port_0_may_be_taken_twice(folder: Path) -> None:
    read(folder, '[web]\nlisten = "127.0.0.1:0"\n[metrics]\nlisten = "127.0.0.1:0"')


def test_key_with_a_password(folder: Path) -> None:
    (folder / "tls/key.pem").write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    with pytest.raises(BadConfig, match="no private key in PEM form"):
        read(folder)


def test_authorities(folder: Path) -> None:
    text = '[[relay.smarthost]]\nhost = "h.example"\nca_file = "{}"'
    assert read(folder, text.format("tls/certificate.pem")).settings.relay.smarthost[0].ca_file
    with pytest.raises(BadConfig, match="no certificates in PEM form"):
        read(folder, text.format("tls/key.pem"))
