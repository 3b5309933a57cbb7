"""The catalogue, and the meter of a process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from prometheus_client import values

from gateway.observe import metrics
from gateway.observe.exposition import Exposition
from gateway.observe.metrics import (
    CATALOGUE,
    OTHER,
    PREFIX,
    SERIES_LIMIT,
    Kind,
    PrometheusMeter,
    process_gone,
    wipe,
)


def exposed(folder: Path) -> str:
    return Exposition(folder)("")[0].decode()


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_names_follow_the_rules(metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.name.count("total") <= 1
    assert metric.help.endswith(".")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert not {"account", "address", "recipient", "le", "pid"} & set(metric.labels)


def test_names_are_unique() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def test_every_metric_is_exposed(meter, tmp_path) -> None:
    for metric in CATALOGUE:
        labels = dict.fromkeys(metric.labels, "x")
        match metric.kind:
            case Kind.COUNTER:
                meter.count(metric.name, **labels)
            case Kind.GAUGE:
                meter.gauge(metric.name, 2, **labels)
            case Kind.HISTOGRAM:
                meter.observe(metric.name, 0.3, **labels)
    text = exposed(tmp_path / "metrics")
    for metric in CATALOGUE:
        assert f"# TYPE {PREFIX}{metric.name} {metric.kind}\n" in text


def test_counting(meter, tmp_path) -> None:
    meter.count("messages_received_total")
    meter.count("messages_received_total", 2)
    meter.count("policy_refusals_total", policy="consent", reason="unsubscribed")
    meter.count("policy_refusals_total", reason="unsubscribed", policy="consent")
    meter.gauge("scheduled_count", 9, state="queued")
    meter.gauge("scheduled_count", 4, state="queued")
    meter.observe("message_save_latency_seconds", 0.004)
    text = exposed(tmp_path / "metrics")
    assert "consentry_messages_received_total 3.0" in text
    assert 'consentry_policy_refusals_total{policy="consent",reason="unsubscribed"} 2.0' in text
    assert 'consentry_scheduled_count{state="queued"} 4.0' in text
    assert 'consentry_message_save_latency_seconds_bucket{le="0.005"} 1.0' in text
    assert 'consentry_message_save_latency_seconds_bucket{le="0.0025"} 0.0' in text


def test_counters_without_labels_begin_at_zero(meter, tmp_path) -> None:
    assert "consentry_messages_expired_total 0.0" in exposed(tmp_path / "metrics")


@pytest.mark.parametrize(
    "misuse",
    [
        lambda meter: meter.count("nothing_total"),
        lambda meter: meter.gauge("messages_received_total", 1),
        lambda meter: meter.count("policy_refusals_total", policy="x"),
        lambda meter: meter.count("messages_received_total", account="acme"),
        lambda meter: meter.count("messages_received_total", -1),
        lambda meter: meter.observe("delivery_time", 1),
    ],
)
def test_misuse_is_an_error_in_tests(meter, raised, misuse) -> None:
    with pytest.raises(raised):
        misuse(meter)


def test_misuse_is_logged_once_in_production(tmp_path, meter) -> None:
    other = PrometheusMeter(tmp_path / "other")
    metrics._told.clear()
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            other.count("nothing_total")
            other.gauge("nothing_at_all", 1, of="it")
    other.close()
    assert len(lines) == 2


def test_series_are_bounded(meter, tmp_path) -> None:
    for number in range(SERIES_LIMIT + 50):
        meter.count("connections_denied_total", reason=f"reason {number} " + "x" * 500)
    text = exposed(tmp_path / "metrics")
    assert f'consentry_connections_denied_total{{reason="{OTHER}"}} 50.0' in text
    assert text.count("consentry_connections_denied_total{") == SERIES_LIMIT + 1
    assert "x" * 100 not in text


COUNT_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
import prometheus_client
from gateway.observe.metrics import PrometheusMeter
meter = PrometheusMeter(Path(sys.argv[1]))
meter.count("messages_received_total", 5)
meter.gauge("ready_count", 10)
"""


def test_processes_add_up_and_the_dead_leave_the_gauges(meter, tmp_path) -> None:
    folder = tmp_path / "metrics"
    meter.count("messages_received_total")
    meter.gauge("ready_count", 1)
    with subprocess.Popen([sys.executable, "-c", COUNT_IN_ANOTHER_PROCESS, str(folder)]) as process:
        assert process.wait() == 0
    assert "consentry_messages_received_total 6.0" in exposed(folder)
    assert "consentry_ready_count 11.0" in exposed(folder)
    process_gone(folder, process.pid)
    assert "consentry_messages_received_total 6.0" in exposed(folder)
    assert "consentry_ready_count 1.0" in exposed(folder)


def test_wipe(meter, tmp_path) -> None:
    meter.count("messages_received_total")
    wipe(tmp_path / "metrics")
    assert "received" not in exposed(tmp_path / "metrics")
    wipe(tmp_path / "new")
    assert (tmp_path / "new").is_dir()


def test_a_broken_file_is_left_out(meter, tmp_path) -> None:
    meter.count("messages_received_total")
    for number, octets in enumerate([b"", b"\x01", b"\x40\0\0\0" + b"\xff" * 60, b"\x20\0\0\0" + bytes(60)]):
        (tmp_path / "metrics" / f"counter_9999{number}.db").write_bytes(octets)
    with structlog.testing.capture_logs() as lines:
        text = exposed(tmp_path / "metrics")
    assert "consentry_messages_received_total 1.0" in text
    assert lines


def test_a_full_disk_leaves_a_process_that_counts_for_itself(tmp_path, monkeypatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    with structlog.testing.capture_logs() as lines:
        meter = PrometheusMeter(tmp_path / "metrics")
    meter.count("messages_received_total")
    meter.observe("delivery_seconds", 1)
    meter.gauge("ready_count", 1)
    meter.close()
    assert "no room for metrics" in str(lines[0]["event"])


def test_the_pages_of_the_files_are_reserved(meter, tmp_path) -> None:
    for file in (tmp_path / "metrics").glob("*.db"):
        assert file.stat().st_blocks * 512 >= 1 << 20
