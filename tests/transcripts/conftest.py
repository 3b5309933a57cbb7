"""The transcripts play in the worlds of the servers' unit tests."""

import ssl
from types import ModuleType

import inbound_world
import pytest
import submission_world


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """The submission server's world."""
    return submission_world


@pytest.fixture(scope="session")
def strangers() -> ModuleType:
    """The MX side's world."""
    return inbound_world


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return submission_world.make_tls(tmp_path_factory.mktemp("tls"))
