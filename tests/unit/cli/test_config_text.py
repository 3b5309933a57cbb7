"""Values go into a commented file; all else stays."""

import tomllib

import pytest

from gateway.cli.config_text import fill, toml

TEXT = """\
# About the file.
[one]
# Why.
name = "a"
#path = "b"

[two]
name = "c"
#[[two.many]]
# Which.
#name = "d"
#port = 25
"""


def test_that_only_the_value_changes() -> None:
    assert fill(TEXT, "[two]", {"name": "new"}) == TEXT.replace('"c"', '"new"')


def test_that_what_is_commented_out_comes_alive() -> None:
    text = fill(fill(TEXT, "[one]", {"path": "p"}), "[[two.many]]", {"name": 'x"y', "port": 2525})
    assert "# Which.\n" in text
    data = tomllib.loads(text)
    assert data["one"] == {"name": "a", "path": "p"}
    assert data["two"] == {"name": "c", "many": [{"name": 'x"y', "port": 2525}]}


@pytest.mark.parametrize(("header", "key"), [("[three]", "name"), ("[one]", "port"), ("[two]", "port")])
def test_that_an_unknown_place_is_an_error(header: str, key: str) -> None:
    with pytest.raises(KeyError):
        fill(TEXT, header, {key: "x"})


@pytest.mark.parametrize(
    "value", ["", 'a"b\\c', "caf\u00e9 \u2603", "tab\tnew\nline\x7f\x01", True, False, 3, ["a", "b"]]
)
def test_values(value: str | bool | int | list[str]) -> None:
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value
