"""config/ is found in a checkout, and goes into what is built."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from gateway.settings.shipped import shipped

CHECKOUT = Path(__file__).parents[3]


def test_that_data_files_are_found() -> None:
    assert shipped("gateway.toml").is_file()
    assert shipped("policy.toml").is_file()
    assert shipped("templates").is_dir()


def test_that_a_build_takes_config_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    spec = spec_from_file_location("consentry_setup", CHECKOUT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    built = setuptools.Distribution({"packages": [], "script_name": "setup.py"}).get_command_obj("build")
    command = module.BuildWithConfig(built.distribution)
    command.build_lib = str(tmp_path)
    command.ensure_finalized()
    command.run()
    there = {
        path.relative_to(tmp_path / "gateway/shipped") for path in (tmp_path / "gateway/shipped").rglob("*")
    }
    assert there == {path.relative_to(CHECKOUT / "config") for path in (CHECKOUT / "config").rglob("*")}
