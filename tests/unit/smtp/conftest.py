"""What both servers share is tested in the world of the submission tests."""

import ssl

import pytest
from submission_world import make_tls


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return make_tls(tmp_path_factory.mktemp("tls"))
