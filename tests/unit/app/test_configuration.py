"""A config in force: what it is read from, what it builds, and what a running program cannot change."""

import datetime as dt
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from gateway.app import configuration
from gateway.app.configuration import builders, read, what_needs_restart
from gateway.cli.house import Plan, set_up
from gateway.model.policy import Policy
from gateway.model.token import Purpose, unseal
from gateway.settings.files import LARGEST_TOGETHER, Handed
from gateway.settings.policy_tables import BadPolicies
from gateway.settings.problem import BadConfig
from gateway.settings.units import Endpoint


@pytest.fixture
def config(tmp_path: Path) -> Path:
    plan = Plan(
        tmp_path / "house", "gateway.example", Endpoint("127.0.0.1", 2525), Endpoint("127.0.0.1", 2526),
        Endpoint("127.0.0.1", 8080), Endpoint("127.0.0.1", 9095), Endpoint("127.0.0.1", 25), "http://127.0.0.1:8080",
    )  # fmt: skip
    set_up(plan, dt.datetime.now(dt.UTC))
    return plan.config


def build_house_rule(_settings: object) -> Policy:
    return Policy("house_rule")


def test_what_is_read(config: Path) -> None:
    found = read(config)
    assert found.hostname == "gateway.example"
    assert found.metrics_folder == config.parent / "state/metrics"
    assert [name for name, _ in found.shelf.recipient] == ["suppression", "consent", "quota"]
    assert found.links.mailbox == "unsubscribe@gateway.example"
    url = found.links.unsubscribe(7, 9, b"h" * 16, "0" * 26)
    assert unseal(url.rpartition("/")[2], found.tokens.keys, Purpose.UNSUBSCRIBE).list_id == 9
    assert found.links.mailto(url).endswith("?subject=" + url.rpartition("/")[2])
    report = found.links.report(7, 9, b"h" * 16, "0" * 26)
    assert unseal(report.rpartition("/")[2], found.tokens.keys, Purpose.REPORT).account_id == 7


def test_token_keys_that_cannot_be_read_are_a_problem_of_the_config(config: Path) -> None:
    (config.parent / "secrets/token.keys").write_text("1 nonsense\n")
    with pytest.raises(BadConfig) as refused:
        read(config)
    assert "token" in str(refused.value)


def test_third_party_policies_come_after_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("house_rule", f"{__name__}:build_house_rule", "consentry.policies")
    monkeypatch.setattr(EntryPoint, "load", lambda _self: build_house_rule)
    monkeypatch.setattr(configuration, "entry_points", lambda group: EntryPoints([point]))
    assert list(builders())[-1] == "house_rule"
    policies = configuration.check_policies({"house_rule": {}})
    assert policies[-1].name == "house_rule"


def test_nobody_takes_the_place_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("consent", "elsewhere:build", "consentry.policies")
    monkeypatch.setattr(configuration, "entry_points", lambda group: EntryPoints([point]))
    with pytest.raises(BadPolicies, match="elsewhere:build has the name of another policy"):
        configuration.check_policies({})


def test_tables_that_promise_too_little_together_are_refused() -> None:
    with pytest.raises(BadPolicies) as caught:
        configuration.check_policies({"list_headers": {"own": "keep"}, "footer": {"own_link_counts": False}})
    (finding,) = caught.value.findings
    assert finding.path == ("footer", "own_header_counts")
    assert finding.reason.startswith('it must be false beside [list_headers] own = "keep"')


def test_what_a_running_program_cannot_change_is_named(config: Path) -> None:
    before = read(config).settings
    text = config.read_text()
    config.write_text(
        text.replace("127.0.0.1:2525", "127.0.0.1:2528")
        .replace("127.0.0.1:2526", "127.0.0.1:2527")
        .replace("127.0.0.1:9095", "127.0.0.1:9096")
    )
    after = read(config).settings
    assert what_needs_restart(before, before) == []
    assert what_needs_restart(before, after) == [
        "submission.listener changed: that needs a restart",
        "inbound.listener changed: that needs a restart",
        "metrics.listen changed: that needs a restart",
    ]


def test_a_child_reads_what_was_handed_over_and_nothing_else(config: Path) -> None:
    accepted = read(config)
    for file in [
        *config.parent.glob("*.toml"),
        *config.parent.glob("*/*.key*"),
        *config.parent.glob("tls/*"),
    ]:
        file.unlink()
    again = read(config, Handed(accepted.files.found))
    assert again.settings == accepted.settings
    assert again.tokens == accepted.tokens
    assert again.master_key == accepted.master_key
    assert again.tls is not None


def test_files_that_are_too_large_together_are_a_problem_of_the_config(config: Path) -> None:
    accepted = read(config)
    with pytest.raises(BadConfig, match="octets together"):
        read(config, Handed({**accepted.files.found, "more": bytes(LARGEST_TOGETHER)}))
