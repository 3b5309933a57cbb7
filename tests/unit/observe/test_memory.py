"""The meter of the tests knows the same catalogue."""

import pytest

from gateway.observe.memory import MemoryMeter, UnknownMetric


def test_values() -> None:
    meter = MemoryMeter()
    meter.count("messages_received_total")
    meter.count("policy_refusals_total", 2, policy="consent", reason="no-opt-in")
    meter.count("policy_refusals_total", policy="consent", reason="unsubscribed")
    meter.gauge("ready_count", 7)
    meter.observe("delivery_seconds", 0.5)
    assert meter.value("messages_received_total") == 1
    assert meter.value("policy_refusals_total", policy="consent") == 3
    assert meter.value("policy_refusals_total", reason="no-opt-in") == 2
    assert meter.value("ready_count") == 7
    assert meter.observed("delivery_seconds") == [0.5]
    assert meter.value("messages_expired_total") == 0


@pytest.mark.parametrize(
    ("name", "amount", "labels"),
    [
        ("nothing_total", 1, {}),
        ("messages_received_total", -1, {}),
        ("auth_total", 1, {}),
        ("ready_count", 1, {}),
    ],
)
def test_misuse(name: str, amount: float, labels: dict[str, str]) -> None:
    with pytest.raises(UnknownMetric):
        MemoryMeter().count(name, amount, **labels)
