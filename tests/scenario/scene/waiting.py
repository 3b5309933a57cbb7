"""Waiting for what other processes do, and ports that nobody has."""

import os
import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0  # seconds


# The system gives its own connections ports from 32768 on: one that it chose could be one of these a moment
# later, or be chosen twice. Below that a port is free until a test takes it; processes of tests that run side by
# side have ports of their own.
_PLACE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
_PORTS = list(range(20_000 + 3000 * _PLACE, 23_000 + 3000 * _PLACE))
random.shuffle(_PORTS)


def free_port() -> int:
    """Return a port of the loopback that is free and that no other caller is given."""
    while True:
        port = _PORTS.pop()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def eventually(what: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Return the condition's value once it is true; there is no event to wait for across processes."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}, which gives {value!r}")
        time.sleep(0.02)
