"""Single additions of subscribers by the API: what makes one a sign, and what follows.

No rule for a message: additions are judged by ``gateway.monitoring.additions`` as they come. What is to be
said about them stands here, because it is policy.
"""

from collections.abc import Mapping

from pydantic import Field

from gateway.model.addition import AdditionRules, Then
from gateway.model.policy import Policy
from policies.table import Table


class Settings(Table):
    """``[additions]``."""

    then: Then = Then.ASK
    least: int = Field(default=20, ge=5, le=500)
    burst: int = Field(default=60, ge=1)
    growth: float = Field(default=0.05, ge=0, le=1)
    share: float = Field(default=0.8, gt=0.5, le=1)
    roles: float = Field(default=0.2, gt=0, le=1)
    odd: float = Field(default=0.2, gt=0, le=1)
    asks: int = Field(default=30, ge=0)


def rules(settings: Mapping[str, object]) -> AdditionRules:
    """Return what ``[additions]`` of policy.toml says; raise pydantic.ValidationError."""
    return AdditionRules(**Settings.model_validate(settings).model_dump())


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[additions]`` of policy.toml: checked here, asked for by ``rules``."""
    rules(settings)
    return Policy("additions")
