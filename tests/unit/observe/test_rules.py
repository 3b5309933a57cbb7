"""The alerts ask for what is counted, and Prometheus itself can read them."""

import json
import re
import shutil
import subprocess

import pytest

from gateway.observe.exposition import Exposition
from gateway.observe.metrics import CATALOGUE, PREFIX, Kind
from gateway.settings.shipped import shipped

RULES = shipped("prometheus.rules.yml")
PROMTOOL = shutil.which("promtool")
wants_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is missing: apt-get install prometheus"
)


def test_alerts_name_metrics_of_the_catalogue() -> None:
    histograms = {metric.name for metric in CATALOGUE if metric.kind is Kind.HISTOGRAM}
    known = {metric.name for metric in CATALOGUE} | {f"{name}_bucket" for name in histograms}
    named = set(re.findall(rf"{PREFIX}([a-z_]+)", RULES.read_text("utf-8")))
    assert named
    assert named <= known


@pytest.mark.debian
@wants_promtool
def test_promtool_reads_the_rules() -> None:
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


ONE_IS_ENOUGH = {
    "AdditionsHeld": 'addition_signs_total{sign="burst"}',
    "LettersUndelivered": "letters_undelivered_total",
    "OutcomesFail": 'outcomes_lost_total{reason="failed"}',
    "ReloadRefused": 'reloads_total{result="refused"}',
    "SignUpBombing": 'signup_wishes_total{fate="bombing"}',
    "SpoolUnreadable": 'spool_unreadable_total{reason="key"}',
    "WebhooksGivenUp": "webhooks_disabled_total",
}


@pytest.mark.debian
@wants_promtool
def test_the_first_event_ever_is_told(tmp_path) -> None:
    """A series with a label is not there before its first event; one without begins with 0."""
    case = {
        "rule_files": [str(RULES)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": PREFIX + name, "values": ("_x9" if "{" in name else "0x9") + " 1x120"}
                    for name in ONE_IS_ENOUGH.values()
                ],
                "promql_expr_test": [
                    told_at("5m", []),
                    told_at("12m", sorted(ONE_IS_ENOUGH)),
                    told_at("100m", []),
                ],
            }
        ],
    }
    file = tmp_path / "first.yml"
    file.write_text(json.dumps(case))  # JSON is YAML
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def told_at(when: str, alerts: list[str]) -> dict[str, object]:
    """Return promtool's question which alerts are firing, with the answer."""
    return {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": when,
        "exp_samples": [{"labels": f'{{alertname="Consentry{one}"}}', "value": 1} for one in alerts],
    }


@pytest.mark.debian
@wants_promtool
def test_promtool_likes_the_metrics(meter, tmp_path) -> None:
    for metric in CATALOGUE:
        labels = dict.fromkeys(metric.labels, "x")
        if metric.kind is Kind.COUNTER:
            meter.count(metric.name, **labels)
        if metric.kind is Kind.GAUGE:
            meter.gauge(metric.name, 1, **labels)
    text, _ = Exposition(tmp_path / "metrics")("")
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False)
    # The one rule that gives way to KumoMTA's names: docs/decisions/0008-metric-names.md.
    told = [line for line in done.stderr.decode().splitlines() if '"_count" suffix' not in line]
    assert not told
    assert b"panic" not in done.stdout
