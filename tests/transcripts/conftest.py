"""The transcripts play in the world of the submission tests."""

import importlib.util
import ssl
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """The module ``tests/unit/submission/world.py``; tests are no packages."""
    if "submission_world" not in sys.modules:
        path = Path(__file__).parents[1] / "unit" / "submission" / "world.py"
        spec = importlib.util.spec_from_file_location("submission_world", path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules["submission_world"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["submission_world"]


@pytest.fixture(scope="session")
def tls(world: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    context: ssl.SSLContext = world.make_tls(tmp_path_factory.mktemp("tls"))
    return context
