"""Every message belongs to one list of its account.

The message names it by ``X-Consentry-List``, else by ``List-Id``, else it is the account's default list. A
name that the account does not have is an error of the sender's, never a silent fall back to the default.
"""

from collections.abc import Mapping

from gateway.model.facts import MessageFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.reply import NO_LIST, UNKNOWN_LIST
from gateway.model.verdict import PASS, Refuse, Verdict
from policies.table import Table


class Settings(Table):
    """``[list_choice]`` has no settings."""


def message(_message: Message, facts: MessageFacts) -> Verdict:
    """Refuse a message whose list is unknown."""
    if facts.mail_list is not None:
        return PASS
    if facts.list_named:
        return Refuse(UNKNOWN_LIST.fill(list=facts.list_named), "unknown-list")
    return Refuse(NO_LIST, "no-list")


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[list_choice]`` of policy.toml."""
    Settings.model_validate(settings)
    return Policy("list_choice", message=message)
