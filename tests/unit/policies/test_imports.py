"""What policy says of imports."""

import pytest
from pydantic import ValidationError

from gateway.model.facts import Basis, ConsentLevel
from gateway.model.import_rules import POINTS, Decision, ImportRules
from policies.imports import build, rules


def test_the_defaults_are_those_of_the_model():
    assert rules({}) == ImportRules()


def test_points_are_those_that_are_said():
    assert rules({"points": {"role": 1}}).points == {**POINTS, "role": 1}


@pytest.mark.parametrize(
    "settings",
    [
        {"points": {"rôle": 1}},
        {"points": {"role": -1}},
        {"ask": 60},
        {"hold": 200},
        {"rows": 0},
        {"unknown": 1},
    ],
)
def test_what_makes_no_sense_is_refused(settings):
    with pytest.raises(ValidationError):
        build(settings)


def test_it_is_no_rule_for_messages():
    policy = build({})
    assert not any((policy.sender, policy.recipient, policy.message, policy.rewrite, policy.release))


@pytest.mark.parametrize(
    ("score", "basis", "consent", "wanted"),
    [
        (0, Basis.ASSERTED, ConsentLevel.ASSERTED, Decision.ACCEPT),
        (24.9, Basis.ASSERTED, ConsentLevel.ASSERTED, Decision.ACCEPT),
        (25, Basis.ASSERTED, ConsentLevel.ASSERTED, Decision.ASK),
        (0, Basis.ASSERTED, ConsentLevel.CONFIRMED, Decision.ASK),
        (0, Basis.ACCOUNT, ConsentLevel.CONFIRMED, Decision.ACCEPT),
        (50, Basis.ACCOUNT, ConsentLevel.CONFIRMED, Decision.HOLD),
        (99.9, Basis.ASSERTED, ConsentLevel.ASSERTED, Decision.HOLD),
        (100, Basis.ASSERTED, ConsentLevel.ASSERTED, Decision.REFUSE),
    ],
)
def test_the_score_decides(score, basis, consent, wanted):
    assert ImportRules().decide(score, basis, consent) is wanted
