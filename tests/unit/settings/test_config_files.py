"""config/gateway.toml and config/policy.toml against the types that read them: every key, every default."""

import re
import tomllib
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import policies
from gateway.settings.policy_tables import build_policies
from gateway.settings.schema import Settings
from gateway.settings.shipped import shipped

TEXT = shipped("gateway.toml").read_text()
UNCOMMENTED = re.sub(r"(?m)^#(?=[\[a-z])", "", TEXT)


def table_type(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := table_type(one))), None)


def missing(model: type[BaseModel], table: Mapping[str, Any], name: str = "") -> list[str]:
    absent = []
    for key, info in model.model_fields.items():
        inner = table_type(info.annotation)
        where = f"{name}.{key}".lstrip(".")
        if key not in table:
            absent.append(where)
        elif inner is not None:
            value = table[key]
            absent += missing(inner, value[0] if isinstance(value, list) else value, where)
    return absent


def test_that_the_file_as_it_stands_says_the_defaults() -> None:
    assert Settings.model_validate(tomllib.loads(TEXT)) == Settings()


def test_that_every_key_of_the_schema_is_shown() -> None:
    assert missing(Settings, tomllib.loads(UNCOMMENTED)) == []


@pytest.mark.parametrize(
    ("array", "model"),
    [(("submission", "listener"), "ListenerSection"), (("relay", "smarthost"), "SmarthostSection")],
)
def test_that_keys_shown_in_comments_stand_with_their_defaults(array: tuple[str, str], model: str) -> None:
    settings = Settings.model_validate(tomllib.loads(UNCOMMENTED))
    (shown,) = getattr(getattr(settings, array[0]), array[1])
    assert type(shown).__name__ == model
    for key, info in type(shown).model_fields.items():
        if not info.is_required() and info.default is not None:
            assert getattr(shown, key) == info.default, key


def test_that_every_table_and_key_is_explained() -> None:
    """A comment stands before each key, or before the run of keys it belongs to."""
    for block in TEXT.split("\n\n"):
        assert "\n# " in f"\n{block}", block


POLICY_TEXT = shipped("policy.toml").read_text()


@pytest.mark.parametrize("name", list(policies.SHELF))
def test_that_every_policy_shows_its_defaults(name: str) -> None:
    table = tomllib.loads(POLICY_TEXT)[name]
    settings = import_module(f"policies.{name}").Settings
    assert settings.model_validate(table) == settings()
    assert set(table) == set(settings.model_fields)


def test_that_every_table_is_a_policy_that_can_be_built() -> None:
    built = build_policies(policies.SHELF, tomllib.loads(POLICY_TEXT))
    assert [policy.name for policy in built] == list(policies.SHELF)
    assert list(tomllib.loads(POLICY_TEXT)) == list(policies.SHELF)
