"""Every kind of event has its sentence, and none needs facts that may be missing."""

import pytest

from gateway.cli.happenings import told
from gateway.model.events import Event, EventType, Scalar


@pytest.mark.parametrize("kind", list(EventType))
def test_that_bare_events_are_told(kind: EventType) -> None:
    assert told(Event("1", kind, 0.0, 1))


@pytest.mark.parametrize(
    ("kind", "facts", "lines"),
    [
        (EventType.DELIVERY, {"attempts": 2}, ["delivered to ada@example.net at try 2"]),
        (EventType.BOUNCE, {"host": "h", "command": "DATA", "code": 550, "enhanced": "5.1.1"},
         ["bounced: ada@example.net", "h said to DATA: 550 5.1.1"]),
        (EventType.EXPIRATION, {"seconds": 432_000}, ["given up: ada@example.net, after 5 days"]),
        (EventType.ADMIN_BOUNCE, {"policy": "quota", "reason": "why"},
         ["stopped for good: ada@example.net", "by the policy quota", "why"]),
        (EventType.DELAYED, {"policy": "account_state", "reason": "account-state"},
         ["held", "by the policy account_state: account-state"]),
        (EventType.CONSENT_DENIED, {"policy": "consent", "step": "message", "reason": "no-opt-in", "code": 550},
         ["refused: ada@example.net", "by the policy consent at message: no-opt-in (550)"]),
        (EventType.TAMPERING, {"rule": "dead-host", "host": "gone.example", "why": "no-such-name"},
         ["nobody answers where the message's own way out leads: gone.example",
          "twice, at least an hour apart: no-such-name"]),
        (EventType.SUBSCRIPTION, {"state": "confirmed"}, ["Subscription", "state: confirmed, recipient: ada@example.net"]),
    ],
)  # fmt: skip
def test_sentences(kind: EventType, facts: dict[str, Scalar], lines: list[str]) -> None:
    assert told(Event("1", kind, 0.0, 1, facts=facts, data={"recipient": "ada@example.net"})) == lines
