"""What a child process is: its role, its config, its sockets and its event loop.

The supervisor alone runs it, as ``python -m gateway.app ROLE NUMBER CONFIG SOCKET...``. ROLE is ``worker`` or
``web``; each SOCKET is the number of an inherited descriptor that listens already. The config's files come
down the control pipe, as the supervisor has accepted them; CONFIG says where they lie.
"""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gateway.app.configuration import Configuration, read
from gateway.app.control import Control, Garbled, first_files
from gateway.observe import logs
from gateway.settings.problem import BadConfig
from gateway.settings.reload import Reloadable

Serve = Callable[[int, list[socket.socket], Reloadable[Configuration], Control], Coroutine[Any, Any, None]]
_ROLES = {"worker": "gateway.app.worker", "web": "gateway.app.web"}


def main(arguments: list[str]) -> int:
    """Run one child; return its exit code."""
    role, number, config = arguments[0], int(arguments[1]), Path(arguments[2])
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in arguments[3:]]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as pipe:
            files = first_files(pipe)
        configuration = read(config, files)
    except (BadConfig, Garbled) as error:
        Control.answer(f"the config that was handed over cannot be used: {error}")
        return 1
    logs.configure(configuration.settings.log.level)
    holder = Reloadable(configuration, partial(read, config))
    # Imported by role: what the other one needs costs time at each start.
    serve: Serve = import_module(_ROLES[role]).serve
    _spare_collector()
    _run(serve(number, sockets, holder, Control()))
    return 0


def _spare_collector() -> None:
    """Let the garbage collector look at what comes and goes, and seldom.

    What was imported stays for good: to look through it again and again took 3 % of the CPU of a message, and
    stopped the worker for 40 ms each time. Mail makes hardly any cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one: it halves what the event loop costs."""
    if find_spec("uvloop") is None:
        asyncio.run(work)
    else:
        import_module("uvloop").run(work)
