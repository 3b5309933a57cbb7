"""A meter in its own folder; a log in memory; everything put back afterwards."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from prometheus_client import values

from gateway.observe.metrics import PrometheusMeter


class Raised(Exception):
    """What a meter of the tests does about misuse."""


def _raise(what: str) -> None:
    raise Raised(what)


@pytest.fixture
def meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrometheusMeter]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    one = PrometheusMeter(tmp_path / "metrics", _raise)
    yield one
    one.close()


@pytest.fixture
def raised() -> type[Exception]:
    return Raised


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
