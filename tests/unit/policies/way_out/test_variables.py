"""What var() stands for; tests/visibility has what it does to an element."""

import pytest

from policies.way_out.variables import Variables


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("red", "red"),
        ("var(--a)", "1"),
        ("rgb(var(--a) (var(--b)))", "rgb(1 (2 1))"),
        ("var(--above)", "3"),
        ("var(--gone)", None),
        ("var(--gone,)", ""),
        ("var(--gone, var(--a))", "1"),
        ("var(--gone, var(--gone))", None),
        ("var(--round)", None),
        ("var(--first)", None),
        ("var()", None),
        ("x(var())", None),
    ],
)
def test_values(value: str, want: str | None) -> None:
    own = {
        "--a": "1",
        "--b": "2 var(--a)",
        "--above": "inherit",
        "--round": "var(--round)",
        "--first": "INITIAL",
    }
    variables = Variables(own, {"--above": "3", "--a": "9"})
    assert variables.filled(value) == want
    assert variables.compute()["--b"] == "2 1"
