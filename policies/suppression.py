"""An address that is suppressed at an account gets nothing from it, whatever the list."""

from collections.abc import Mapping

from gateway.model.facts import Bonds, DeliveryFacts, RecipientFacts
from gateway.model.policy import Policy
from gateway.model.reply import SUPPRESSED
from gateway.model.verdict import PASS, Refuse, Verdict
from policies.table import Table


class Settings(Table):
    """``[suppression]`` has no settings."""


def recipient(facts: RecipientFacts) -> Verdict:
    """Refuse a suppressed address, and say why it is."""
    return _judge(facts.bonds)


def release(facts: DeliveryFacts) -> Verdict:
    """Refuse a copy whose address was suppressed while it waited in the queue."""
    return PASS if facts.bonds is None else _judge(facts.bonds)


def _judge(bonds: Bonds) -> Verdict:
    if bonds.suppression is None:
        return PASS
    return Refuse(SUPPRESSED.fill(why=bonds.suppression.reason), "suppressed")


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[suppression]`` of policy.toml."""
    Settings.model_validate(settings)
    return Policy("suppression", recipient=recipient, release=release)
