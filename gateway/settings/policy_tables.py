"""The tables of ``policy.toml``, one for each policy; what they may say is the policy's own matter.

``build_policies`` builds every policy from its table, in the order of the shelf, and raises BadPolicies with
all that is wrong. It knows no policy: the composition root hands in the builders.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.model.policy import Policy
from gateway.settings.problem import Finding
from gateway.settings.reasons import findings, meant

Build = Callable[[Mapping[str, Any]], Policy]
"""A policy's ``build``: raises pydantic.ValidationError, or a ValueError whose text says what is wrong."""


class BadPolicies(Exception):
    """policy.toml cannot be used; the findings' paths begin with the policy's name."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.reason for finding in findings))
        self.findings = tuple(findings)


def build_policies(
    builders: Mapping[str, Build], tables: Mapping[str, Mapping[str, Any]]
) -> tuple[Policy, ...]:
    """Build all policies; one without a table is built from an empty one, with its defaults."""
    wrong = [
        Finding((name,), f"no policy of that name{meant(name, builders)}")
        for name in tables.keys() - builders
    ]
    policies = []
    for name, build in builders.items():
        try:
            policies.append(build(tables.get(name, {})))
        except ValidationError as error:
            wrong.extend(_of_policy(name, error, tables.get(name, {}), _model(build)))
        except ValueError as error:
            wrong.append(Finding((name,), str(error)))
    if wrong:
        raise BadPolicies(wrong)
    return tuple(policies)


def _of_policy(
    name: str, error: ValidationError, table: Mapping[str, Any], model: type[BaseModel] | None
) -> Iterator[Finding]:
    for finding in findings(error, model, table):
        yield Finding((name, *finding.path), finding.reason)


def _model(build: Build) -> type[BaseModel] | None:
    """Return the type of a policy's table, by custom ``Settings`` in its module: for did-you-mean only."""
    model = getattr(sys.modules.get(build.__module__), "Settings", None)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None
