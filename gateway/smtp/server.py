"""An SMTP server of one worker: its listeners and its sessions.

What it promises: ``drain`` ends within its bound; within it, a content that is being sent is still taken and
answered, and every other session hears 421. Sessions are tasks of the group that the composition root owns,
and none of them ever raises into it.
"""

import asyncio
import resource
import socket
import sys
from collections.abc import Callable, Sequence
from typing import ClassVar

import structlog

from gateway.settings.schema import SmtpListenerSection
from gateway.smtp.commands import Conversation
from gateway.smtp.context import Peer, SmtpContext
from gateway.smtp.listener import Arrival, Listener, turn_away

log = structlog.get_logger("smtp")

_SHARE = 0.75  # of the process's descriptors, for sessions: the relay and the spool need some too


class SmtpServer:
    """Serves listening sockets that others have bound. ``context`` is asked once for each connection."""

    conversation: ClassVar[type[Conversation]]

    def __init__(
        self,
        listening: Sequence[tuple[socket.socket, SmtpListenerSection]],
        context: Callable[[], SmtpContext],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._listening = listening
        self._context = context
        self._tasks = tasks
        self._listeners: list[Listener] = []
        self._arrivals: set[Arrival] = set()
        self._most = _most_sessions()
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self) -> None:
        """Begin to accept."""
        self._listeners = [Listener(sock, section, self._welcome) for sock, section in self._listening]
        for listener in self._listeners:
            listener.open()

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 - the bound is this call's very subject
        """Accept no more and let sessions end; return how many had to be cut after ``timeout`` seconds."""
        for listener in self._listeners:
            listener.close()
        for arrival in tuple(self._arrivals):
            arrival.retire()
        try:
            async with asyncio.timeout(timeout):
                await self._empty.wait()
        except TimeoutError:
            log.warning("sessions cut at the end of the drain", sessions=len(self._arrivals))
        cut = len(self._arrivals)
        self.close()
        return cut

    def close(self) -> None:
        """Stop at once: accept no more and cut every connection. The sockets stay open."""
        for listener in self._listeners:
            listener.close()
        for arrival in tuple(self._arrivals):
            arrival.abort()

    @property
    def sessions(self) -> int:
        """How many connections there are."""
        return len(self._arrivals)

    def _welcome(self, listener: Listener, sock: socket.socket, peer: Peer) -> None:
        context = self._context()
        if len(self._arrivals) >= self._most:
            context.meter.count("connections_denied_total", reason="descriptors")
            turn_away(sock, listener.section)
            sock.close()
            return
        arrival = Arrival(sock, peer, listener.section, self.conversation)
        self._arrivals.add(arrival)
        self._empty.clear()
        context.meter.count("connections_total", listener=str(listener.section.listen))
        self._tell_count(context)
        arrival.begin(self._tasks, context, lambda: self._left(arrival, context))

    def _left(self, arrival: Arrival, context: SmtpContext) -> None:
        self._arrivals.discard(arrival)
        self._tell_count(context)
        if not self._arrivals:
            self._empty.set()

    def _tell_count(self, context: SmtpContext) -> None:
        context.meter.gauge("connection_count", len(self._arrivals), service=context.service)


def _most_sessions() -> int:
    """Return how many connections there may be before descriptors run out."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if descriptors == resource.RLIM_INFINITY else int(descriptors * _SHARE)
