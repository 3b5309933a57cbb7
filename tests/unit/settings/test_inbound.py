"""The keys of [inbound], across the file."""

import pytest

from gateway.settings.inbound import contradictions, doubts
from gateway.settings.problem import dotted
from gateway.settings.schema import Settings

LISTENER = {"listener": [{"listen": "127.0.0.1:2526", "tls": "none"}]}


def settings(mailbox: str = "", **inbound: object) -> Settings:
    return Settings.model_validate(
        {
            "gateway": {"hostname": "mx.example.org"},
            "web": {"unsubscribe_mailbox": mailbox},
            "inbound": LISTENER | inbound,
        }
    )


@pytest.mark.parametrize(
    ("mailbox", "inbound", "key"),
    [
        ("", {}, None),
        ("", {"operator": "ops@example.com", "domains": ["news.example.org"]}, None),
        ("", {"operator": "ops@mx.example.org"}, None),  # another system may keep it
        ("", {"operator": "postmaster@example.com"}, None),
        ("", {"operator": "postmaster@mx.example.org"}, "inbound.operator"),
        ("", {"operator": "Abuse@news.example.org", "domains": ["news.example.org"]}, "inbound.operator"),
        ("", {"operator": "unsubscribe+x@mx.example.org"}, "inbound.operator"),
        ("leave@out.example.org", {"operator": "postmaster@out.example.org"}, "inbound.operator"),
        ("leave@out.example.org", {"operator": "unsubscribe@mx.example.org"}, None),
        ("", {"operator": "nobody"}, "inbound.operator"),
        ("", {"domains": ["example.org", "no domain"]}, "inbound.domains[1]"),
        ("", {"domains": ["no domain"], "operator": "postmaster@no.example"}, "inbound.domains[0]"),
        ("", {"forwards": "many"}, "inbound.forwards"),
        ("", {"answers": "0/h"}, "inbound.answers"),
        ("", {"answers_per_source": ""}, "inbound.answers_per_source"),
        ("abuse@out.example.org", {}, "web.unsubscribe_mailbox"),
        ("abuse@out.example.org", {"listener": []}, None),  # whoever takes it elsewhere knows
        ("gr\u00fc\u00dfe@out.example.org", {}, "web.unsubscribe_mailbox"),
    ],
)
def test_contradictions(mailbox: str, inbound: dict[str, object], key: str | None) -> None:
    found = [dotted(one.path) for one in contradictions(settings(mailbox, **inbound))]
    assert found == ([key] if key else [])


@pytest.mark.parametrize(
    ("inbound", "said"),
    [
        ({"operator": "ops@example.com"}, ""),
        ({}, "postmaster@ and abuse@ have no reader"),
        ({"listener": []}, "mail to unsubscribe@mx.example.org has to be taken elsewhere"),
    ],
)
def test_doubts(inbound: dict[str, object], said: str) -> None:
    found = [one.reason for one in doubts(settings(**inbound))]
    assert len(found) == bool(said)
    assert all(said in reason for reason in found)
