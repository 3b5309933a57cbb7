"""What Prometheus reads: the sums over the files of all processes.

It reads files, so it blocks: call it in a thread. A file that cannot be read (a process died while it wrote)
is left out of the sums and logged; the others still show.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_log = structlog.get_logger(__name__)

# What reading a half-written or vanished file can raise in prometheus_client: JSON and UTF-8 errors are
# ValueErrors, "Read beyond file size" is a RuntimeError.
_UNREADABLE = (OSError, RuntimeError, ValueError, IndexError, struct.error)


class Exposition:
    """``expose(accept)`` gives the body and its content type, OpenMetrics where it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Sums(folder))

    def __call__(self, accept: str) -> tuple[bytes, str]:
        """Return the octets and the content type for an Accept header."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Sums(Collector):
    """All files, or those that can be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return every metric, summed."""
        files = sorted(str(path) for path in self._folder.glob("*.db"))
        try:
            return _merge(files)
        except _UNREADABLE:
            return _merge([file for file in files if _is_readable(file)])


def _merge(files: list[str]) -> Iterable[Metric]:
    return list(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]


def _is_readable(file: str) -> bool:
    try:
        _merge([file])
    except _UNREADABLE as error:
        _log.warning("metrics file left out", file=Path(file).name, error=type(error).__name__)
        return False
    return True
