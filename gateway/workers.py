"""The supervisor: it owns the sockets, N workers and one web process, and does nothing else.

What it promises: a child that dies is started again, with a growing pause when it dies at once; a listening
socket outlives every worker, so that no connection is refused meanwhile. SIGHUP (``consentry reload``)
validates the config's files and hands them to the children, or keeps the old ones and says why: a child has
its config from the supervisor alone, at its start too, and never sees what the supervisor has refused.
SIGTERM and SIGINT let the children drain and end within ``[gateway] drain``, then by SIGKILL. When the
supervisor itself is killed, the children see the end of their control pipe, drain and go.

It says one line on standard output when everything is ready, and ``state_dir/reload.json`` after each reload.
"""

import asyncio
import contextlib
import errno
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway.app.configuration import Configuration, read, what_needs_restart
from gateway.app.control import reload_words
from gateway.app.world import SystemEntropy
from gateway.model.reply import PublicError
from gateway.observe import logs, metrics
from gateway.ports import Meter
from gateway.settings.problem import BadConfig
from gateway.settings.units import Endpoint
from gateway.store.agreement import agree
from gateway.store.database import open_store
from gateway.store.presence import forget_workers
from gateway.store.refusals import OtherRules

log = structlog.get_logger("supervisor")

_BIND_PATIENCE = 30.0  # seconds
_SHORTEST_LIFE = 5.0  # a child that lived less than this has a growing pause before the next
_LONGEST_PAUSE = 10.0
_DESCRIPTORS = 65_536  # of one process
_START_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Sockets:
    """The listening sockets, bound once: both SMTP servers' in the order of the config, web and metrics."""

    submission: tuple[socket.socket, ...]
    inbound: tuple[socket.socket, ...]
    web: socket.socket
    metrics: socket.socket


@dataclass(slots=True)
class Child:
    """One child process: what it is, and the pipes to it."""

    role: str
    number: int
    sockets: Sequence[socket.socket]
    process: asyncio.subprocess.Process | None = None
    started: float = 0.0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def tell(self, words: bytes) -> None:
        """Send words down the control pipe; a child that is gone hears nothing."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self.process.stdin.write(words)


class StartFailed(Exception):
    """The house could not be opened; the message says why."""


def bind(endpoint: Endpoint, patience: float) -> socket.socket:
    """Return a listening socket; raise StartFailed when the address stays taken or is none of ours.

    ``patience``: seconds to wait for an address that is taken.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return _bind_once(endpoint)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise StartFailed(f"cannot listen at {endpoint}: {error.strerror or error}") from error
            time.sleep(0.1)


def _bind_once(endpoint: Endpoint) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, proto)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(1024)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


class Supervisor:
    """Owns the process tree."""

    def __init__(self, config: Path, configuration: Configuration, sockets: Sockets, meter: Meter) -> None:
        self._config = config
        self._meter = meter
        self._configuration = configuration
        self._sockets = sockets
        self._stopping = asyncio.Event()
        self._reloads: asyncio.Queue[None] = asyncio.Queue()
        self._generation = 0
        workers = configuration.settings.gateway.workers or os.cpu_count() or 1
        smtp = (*sockets.submission, *sockets.inbound)
        self._children = [Child("worker", number, smtp) for number in range(workers)]
        self._children.append(Child("web", 0, (sockets.web, sockets.metrics)))

    async def run(self, say: Callable[[str], None]) -> int:
        """Keep the children alive until told to stop; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reloads.put_nowait, None)
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(self._keep(child)) for child in self._children]
            reloader = tasks.create_task(self._reload_on_demand())
            failed = await self._wait_until_ready()
            if failed is None:
                if not self._stopping.is_set():
                    say(self._ready_line())
                await self._stopping.wait()
            self._stopping.set()
            reloader.cancel()
            await self._end_children(keepers)
        if failed is not None:
            say(f"consentry did not start: {failed}")
            return 1
        return 0

    async def _wait_until_ready(self) -> str | None:
        """Return None when every child is ready (or we are told to stop), else what failed."""
        deadline = time.monotonic() + _START_PATIENCE
        for child in self._children:
            while not child.ready.is_set() and not self._stopping.is_set():
                if not child.answers.empty():
                    return f"{child.role} {child.number}: {child.answers.get_nowait()}"
                if time.monotonic() > deadline:
                    return f"{child.role} {child.number} was not ready in {_START_PATIENCE:.0f} seconds"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(child.ready.wait(), 0.05)
        return None

    def _ready_line(self) -> str:
        smtp, inbound = map(_places, (self._sockets.submission, self._sockets.inbound))
        metrics = Endpoint(*self._sockets.metrics.getsockname()[:2])
        settings = self._configuration.settings
        if inbound:
            smtp += f", inbound {inbound}"
        return f"consentry is ready: smtp {smtp}, web {settings.web.public_url}, metrics http://{metrics}/metrics"

    async def _keep(self, child: Child) -> None:
        """Start the child, and again whenever it dies, until the end."""
        pause = 0.1
        while not self._stopping.is_set():
            try:
                lived = await self._live(child)
            except OSError as error:
                # No memory for a process, no descriptor for its pipes, no room: for now. The others live on.
                log.error("child cannot be kept", role=child.role, number=child.number, error=str(error))  # noqa: TRY400 - where it happened is of no interest
                lived = 0.0
            if self._stopping.is_set():
                return
            pause = 0.1 if lived > _SHORTEST_LIFE else min(pause * 2, _LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _live(self, child: Child) -> float:
        """Start the child, wait for its end and clear up behind it; return how many seconds it lived."""
        await self._start(child)
        code = await self._listen(child)
        lived = time.monotonic() - child.started
        if self._stopping.is_set():
            return lived
        if not child.ready.is_set():
            child.answers.put_nowait(f"ended with code {code} before it was ready; the log says why")
        log.error("child died", role=child.role, number=child.number, code=code, lived=round(lived, 3))
        self._meter.count("worker_restarts_total")
        if child.process is not None:
            metrics.process_gone(self._configuration.metrics_folder, child.process.pid)
        if child.role == "worker":
            self._forget_sessions([child.number])
        return lived

    def _forget_sessions(self, workers: Sequence[int]) -> None:
        """A dead worker's sessions do not count against anybody's limit."""
        state = self._configuration.settings.gateway.state_dir
        forget_workers(state / "presence.shm", SystemEntropy(), workers)

    async def _start(self, child: Child) -> None:
        numbers = [str(s.fileno()) for s in child.sockets]
        child.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gateway.app", child.role, str(child.number), str(self._config), *numbers),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[s.fileno() for s in child.sockets],
        )
        child.tell(reload_words(self._configuration.files.found))
        child.started = time.monotonic()
        log.info("child started", role=child.role, number=child.number, pid=child.process.pid)

    async def _listen(self, child: Child) -> int:
        """Read what the child says on its standard output until it ends; return its exit code."""
        process = child.process
        assert process is not None
        assert process.stdout is not None
        while line := await process.stdout.readline():
            word = line.decode(errors="replace").strip()
            if word == "ready":
                child.ready.set()
            else:
                child.answers.put_nowait(word)
        return await process.wait()

    async def _reload_on_demand(self) -> None:
        while True:
            await self._reloads.get()
            problems = await self._reload()
            self._generation += 1
            log.info("reload", ok=not problems, problems=problems, generation=self._generation)
            self._meter.count("reloads_total", result="refused" if problems else "done")
            self._tell_outcome(problems)

    def _tell_outcome(self, problems: Sequence[str]) -> None:
        """Write ``reload.json``; that there is no room for it is no reason to end."""
        outcome = {
            "generation": self._generation,
            "at": time.time(),
            "ok": not problems,
            "problems": problems,
        }
        try:
            _write_json(self._configuration.settings.gateway.state_dir / "reload.json", outcome)
        except OSError as error:
            log.error("reload.json cannot be written", error=str(error))  # noqa: TRY400 - as above

    async def _reload(self) -> list[str]:
        """Validate, then tell the children; return what is wrong, or what a child said."""
        try:
            fresh = read(self._config)
        except BadConfig as error:
            return [str(problem) for problem in error.problems]
        problems = what_needs_restart(self._configuration.settings, fresh.settings)
        if problems:
            return problems
        self._configuration = fresh
        logs.set_level(fresh.settings.log.level)
        return [problem for child in self._children for problem in await self._tell_reload(child)]

    async def _tell_reload(self, child: Child) -> list[str]:
        while not child.answers.empty():
            child.answers.get_nowait()
        child.tell(reload_words(self._configuration.files.found))
        try:
            answer = await asyncio.wait_for(child.answers.get(), 10)
        except TimeoutError:
            return [
                f"{child.role} {child.number} did not answer; it has the new files when it is started again"
            ]
        return [] if answer == "reloaded" else [f"{child.role} {child.number}: {answer}"]

    async def _end_children(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        for child in self._children:
            child.tell(b"drain\n")
        # A child bounds its own drain; the supervisor's bound is for one that hangs.
        _, late = await asyncio.wait(keepers, timeout=self._configuration.settings.gateway.drain + 2)
        for child in self._children:
            if child.process is not None and child.process.returncode is None:
                log.error("child did not end in time", role=child.role, number=child.number)
                child.process.kill()
        if late:
            await asyncio.wait(late)


def _places(sockets: Sequence[socket.socket]) -> str:
    return ", ".join(str(Endpoint(*one.getsockname()[:2])) for one in sockets)


def _write_json(path: Path, value: object) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value) + "\n", encoding="utf-8")
    fresh.replace(path)


def allow_descriptors() -> None:
    """Take as many descriptors as the system lets us: the usual 1024 are for programs that use select."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run(config: Path) -> int:
    """Run the gateway in the foreground; return the exit code. Raises BadConfig."""
    configuration = read(config.absolute())
    settings = configuration.settings
    logs.configure(settings.log.level)
    allow_descriptors()
    pid_file = settings.gateway.state_dir / "gateway.pid"
    patience = _BIND_PATIENCE if _was_killed(pid_file) else 0.0
    try:
        # The sockets first: whoever has them is the one supervisor, and may touch the state folder.
        sockets = Sockets(
            tuple(bind(listener.listen, patience) for listener in settings.submission.listener),
            tuple(bind(listener.listen, patience) for listener in settings.inbound.listener),
            bind(settings.web.listen, patience),
            bind(settings.metrics.listen, patience),
        )
        prepare(configuration)
    except StartFailed as error:
        _say(f"consentry did not start: {error}")
        return 1
    pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")
    try:
        return asyncio.run(_supervise(config.absolute(), configuration, sockets))
    finally:
        pid_file.unlink(missing_ok=True)


def _was_killed(pid_file: Path) -> bool:
    """Whether a former supervisor was killed: then its workers may still be draining at our addresses."""
    try:
        os.kill(int(pid_file.read_text(encoding="ascii")), 0)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return False


def prepare(configuration: Configuration) -> None:
    """Make the state folder and bring the store's tables up to date; raise StartFailed."""
    state = configuration.settings.gateway.state_dir
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / "spool").mkdir(mode=0o700, exist_ok=True)
        metrics.wipe(configuration.metrics_folder)
        forget_workers(state / "presence.shm", SystemEntropy())
        store = open_store(configuration.settings)
        store.upgrade()
        agree(store, configuration.settings.addresses.spelling)
        store.close()
    except OtherRules as error:
        raise StartFailed(str(error)) from error
    except (OSError, PublicError) as error:
        raise StartFailed(f"the state folder {state} cannot be used: {error}") from error


async def _supervise(config: Path, configuration: Configuration, sockets: Sockets) -> int:
    meter = metrics.PrometheusMeter(configuration.metrics_folder)
    return await Supervisor(config, configuration, sockets, meter).run(_say)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the operator's terminal, and what waits for the ready line
