"""An account stays within its rates.

A token was reserved before the rules run: this rule only reads whether there was one. Where the account's
plan says ``refuse`` the client is told the wait at RCPT; where it says ``shape`` the mail was taken and waits
here, at release. It is the last recipient rule, so that its words never hide a reason that lasts.
"""

import math
from collections.abc import Mapping

from gateway.model.facts import DeliveryFacts, RecipientFacts
from gateway.model.policy import Policy
from gateway.model.reply import OVER_QUOTA
from gateway.model.verdict import PASS, Hold, Refuse, Verdict
from policies.table import Table


class Settings(Table):
    """``[quota]`` has no settings: rates stand with each account."""


def recipient(facts: RecipientFacts) -> Verdict:
    """Refuse for now, with the wait in whole seconds, what is over the quota."""
    if not facts.quota.wait:
        return PASS
    answer = OVER_QUOTA.fill(rate=facts.quota.rate, seconds=math.ceil(facts.quota.wait))
    return Refuse(answer, "over-quota")


def release(facts: DeliveryFacts) -> Verdict:
    """Let shaped mail wait for its token."""
    return Hold("over-quota", facts.quota.wait) if facts.quota.wait else PASS


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[quota]`` of policy.toml."""
    Settings.model_validate(settings)
    return Policy("quota", recipient=recipient, release=release)
