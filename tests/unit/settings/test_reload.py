"""Validate, then swap; else keep the old one."""

from pathlib import Path

from gateway.settings.files import Files, Handed
from gateway.settings.problem import BadConfig, ConfigProblem
from gateway.settings.reload import Reloadable


def test_that_a_good_value_is_swapped_in() -> None:
    values = iter(["second"])
    value = Reloadable("first", lambda _files: next(values))
    assert value.current == "first"
    assert value.reload(Handed({})) == ()
    assert value.current == "second"


def test_that_the_old_value_stays() -> None:
    problem = ConfigProblem(Path("gateway.toml"), 3, "gateway.workers", "must be a whole number")

    def read(_files: Files) -> str:
        raise BadConfig([problem])

    value = Reloadable("first", read)
    assert value.reload(Handed({})) == (problem,)
    assert value.current == "first"
    assert str(problem) == "gateway.toml:3: gateway.workers: must be a whole number"
