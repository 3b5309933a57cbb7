"""The world of the submission tests, as fixtures."""

import importlib.util
import ssl
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load_world() -> ModuleType:
    """Import world.py, which the transcripts share; tests are no packages."""
    if "submission_world" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "submission_world", Path(__file__).with_name("world.py")
        )
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules["submission_world"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["submission_world"]


_load_world()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    context: ssl.SSLContext = _load_world().make_tls(tmp_path_factory.mktemp("tls"))
    return context
