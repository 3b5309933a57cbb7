"""Who has not accepted the provider's terms in force does not send, where the provider says so: at MAIL.

What an account has in the queue goes on: it was taken under the terms that were in force then.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, model_validator

from gateway.model.facts import SenderFacts
from gateway.model.policy import Policy
from gateway.model.reply import TERMS_NOT_ACCEPTED
from gateway.model.verdict import PASS, Refuse, Verdict
from policies.table import Table

_VERSION = re.compile(r"[A-Za-z0-9._-]{0,40}\Z")


def _version(text: str) -> str:
    if not _VERSION.match(text):
        raise ValueError('a version is up to 40 letters, digits, ".", "-" and "_"')
    return text


class Settings(Table):
    """``[terms]``."""

    version: Annotated[str, AfterValidator(_version)] = ""
    required: bool = False

    @model_validator(mode="after")
    def _needs_a_version(self) -> "Settings":
        if self.required and not self.version:
            raise ValueError("required terms need a version")
        return self


def sender(refused: Refuse, version: str, facts: SenderFacts) -> Verdict:
    """Refuse MAIL of an account that has not accepted this version."""
    return PASS if facts.account.terms == version else refused


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[terms]`` of policy.toml."""
    known = Settings.model_validate(settings)
    if not known.required:
        return Policy("terms")
    refused = Refuse(TERMS_NOT_ACCEPTED.fill(version=known.version), "terms")
    return Policy("terms", sender=partial(sender, refused, known.version))
