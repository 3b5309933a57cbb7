"""Only accounts in good standing send: at MAIL, and again when queued mail is about to leave.

A suspended account's queued mail is held and goes on after ``reinstate``; a cancelled one's is held too,
until the deletion of the account takes it away.
"""

from collections.abc import Mapping

from gateway.model.facts import AccountState, DeliveryFacts, SenderFacts
from gateway.model.policy import Policy
from gateway.model.reply import ACCOUNT_CANCELLED, ACCOUNT_SUSPENDED
from gateway.model.verdict import ACCOUNT_STATE_HOLD, PASS, Hold, Refuse, Verdict
from policies.table import Table


class Settings(Table):
    """``[account_state]`` has no settings: there is nothing to soften."""


def sender(facts: SenderFacts) -> Verdict:
    """Refuse MAIL of an account that may not send, and say why."""
    match facts.account.state:
        case AccountState.SUSPENDED:
            why = facts.account.state_reason or "ask the provider"
            return Refuse(ACCOUNT_SUSPENDED.fill(why=why), "suspended")
        case AccountState.CANCELLED:
            return Refuse(ACCOUNT_CANCELLED, "cancelled")
        case _:
            return PASS


def release(facts: DeliveryFacts) -> Verdict:
    """Hold queued mail of an account that may not send now."""
    return PASS if facts.account.state.may_send else Hold(ACCOUNT_STATE_HOLD)


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[account_state]`` of policy.toml."""
    Settings.model_validate(settings)
    return Policy("account_state", sender=sender, release=release)
