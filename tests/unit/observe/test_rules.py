"""The alerts ask for what is counted, and Prometheus itself can read them."""

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
