"""Building the shelf from tables: all errors at once, each under its policy's name."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from gateway.model.policy import Policy
from gateway.settings.policy_tables import BadPolicies, build_policies


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = 3


def build_limit(settings: Mapping[str, Any]) -> Policy:
    return Policy(f"limit {Settings.model_validate(settings).limit}")


def build_picky(settings: Mapping[str, Any]) -> Policy:
    if settings:
        raise ValueError("takes no settings")
    return Policy("picky")


BUILDERS = {"limit": build_limit, "picky": build_picky}


def test_that_all_are_built_in_order() -> None:
    built = build_policies(BUILDERS, {"limit": {"limit": 5}})
    assert [policy.name for policy in built] == ["limit 5", "picky"]


def test_that_all_errors_are_told() -> None:
    tables = {"picky": {"a": 1}, "limit": {"limt": 1, "limit": "x"}, "lmit": {}}
    with pytest.raises(BadPolicies) as caught:
        build_policies(BUILDERS, tables)
    assert [(finding.path, finding.reason) for finding in caught.value.findings] == [
        (("lmit",), 'no policy of that name; did you mean "limit"?'),
        (("limit", "limit"), 'must be a whole number, not "x"'),
        (("limit", "limt"), 'unknown key; did you mean "limit"?'),
        (("picky",), "takes no settings"),
    ]


def test_a_policy_whose_type_is_not_known() -> None:
    def build(settings: Mapping[str, Any]) -> Policy:
        return build_limit(settings)

    build.__module__ = "elsewhere"
    with pytest.raises(BadPolicies, match=r"^unknown key$"):
        build_policies({"limit": build}, {"limit": {"limt": 1}})
