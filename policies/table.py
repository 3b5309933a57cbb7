"""The form of a policy's table in ``policy.toml``: unknown keys are errors, values never change."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """Base of every policy's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)
