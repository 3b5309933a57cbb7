"""Imports: what score leads to what, and what each finding may add to it.

No rule for a message: imports are judged as a whole, before any of their rows counts, by
``gateway.imports.risk``. What is to be said about them stands here, because it is policy.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.model.import_rules import POINTS, ImportRules
from gateway.model.policy import Policy
from policies.table import Table


def _known(points: dict[str, int]) -> dict[str, int]:
    if unknown := sorted(points.keys() - POINTS):
        raise ValueError(f"no finding has the name {unknown[0]}; there are {', '.join(POINTS)}")
    if min(points.values(), default=0) < 0:
        raise ValueError("points are not below zero")
    return points


class Settings(Table):
    """``[imports]``."""

    ask: int = Field(default=25, ge=0)
    hold: int = Field(default=50, ge=0)
    refuse: int = Field(default=100, ge=1)
    rows: int = Field(default=2_000_000, ge=1)
    per_day: int = Field(default=1000, ge=1)
    look_up: bool = True
    domains: int = Field(default=2000, ge=1, le=100_000)
    seconds: float = Field(default=60.0, gt=0, le=600)
    asks: int = Field(default=1000, ge=1)
    points: Annotated[dict[str, int], AfterValidator(_known)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> "Settings":
        if not self.ask <= self.hold <= self.refuse:
            raise ValueError("ask, hold and refuse are in this order, the lowest score first")
        return self


def rules(settings: Mapping[str, object]) -> ImportRules:
    """Return what ``[imports]`` of policy.toml says; raise pydantic.ValidationError."""
    said = Settings.model_validate(settings)
    return ImportRules(
        said.ask,
        said.hold,
        said.refuse,
        said.rows,
        said.per_day,
        {**POINTS, **said.points},
        said.look_up,
        said.domains,
        said.seconds,
        said.asks,
    )


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[imports]`` of policy.toml: checked here, asked for by ``rules``."""
    rules(settings)
    return Policy("imports")
