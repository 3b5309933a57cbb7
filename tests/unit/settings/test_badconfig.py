"""Every file of tests/badconfig gives the errors beside it, each with its file, line and key.

A file whose first line is ``# policy.toml`` stands for that file, any other for gateway.toml.
"""

from pathlib import Path

import pytest

from gateway.settings.load import load
from gateway.settings.policy_tables import build_policies
from gateway.settings.problem import BadConfig
from policies import message_form, quota

CASES = sorted((Path(__file__).parents[2] / "badconfig").glob("*.toml"))
BUILDERS = {"message_form": message_form.build, "quota": quota.build}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_bad_config(case: Path, folder: Path) -> None:
    content = case.read_bytes()
    name = "policy.toml" if content.startswith(b"# policy.toml\n") else "gateway.toml"
    (folder / name).write_bytes(content)
    with pytest.raises(BadConfig) as caught:
        load(folder / "gateway.toml", lambda tables: build_policies(BUILDERS, tables))
    said = str(caught.value).replace(f"{folder}/", "") + "\n"
    assert said == case.with_suffix(".want").read_text()


def test_that_there_are_enough() -> None:
    assert len(CASES) >= 25
