"""One listening socket, inherited and shared with other workers, and the way of a connection from accept on.

What it promises: one connection is accepted for each readiness event, so that workers that share the socket
share the load; a PROXY header is read before anything else sees the socket; what was counted for a
connection is given back exactly once, whatever happens to it.
How it fails: out of descriptors it pauses for a second and goes on; a fault in one connection is logged and
ends that connection only.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

import structlog

from gateway.model import reply
from gateway.settings.schema import SmtpListenerSection
from gateway.smtp.commands import Conversation
from gateway.smtp.context import Peer, SmtpContext
from gateway.smtp.proxy import BadProxyHeader, read_proxy_header
from gateway.smtp.session import Visit
from gateway.smtp.wire import HANDSHAKE_TIMEOUT

log = structlog.get_logger("smtp")

PROXY_TIMEOUT = 5.0  # seconds
_PAUSE = 1.0  # seconds without accepting when the process has no descriptor left
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Welcome = Callable[["Listener", socket.socket, Peer], None]
"""Takes over a connection that was accepted."""


class Listener:
    """Accepts; what becomes of a connection is the server's matter."""

    def __init__(self, sock: socket.socket, section: SmtpListenerSection, welcome: Welcome) -> None:
        self.section = section
        self._sock = sock
        self._welcome = welcome
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin, or go on, to accept."""
        self._pause = None
        self._sock.setblocking(False)
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more; the socket stays open, for it belongs to whoever bound it."""
        self._loop.remove_reader(self._sock.fileno())
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _accept(self) -> None:
        try:
            sock, address = self._sock.accept()
        except OSError as error:
            self._not_accepted(error)
            return
        sock.setblocking(False)
        self._welcome(self, sock, Peer.of(address[0], address[1]))

    def _not_accepted(self, error: OSError) -> None:
        if error.errno not in _EXHAUSTED:
            return  # another worker was quicker, or the client has left already
        # The socket stays readable: without a pause this would be called without end.
        log.error("cannot accept", listener=str(self.section.listen), error=error.strerror)
        self._loop.remove_reader(self._sock.fileno())
        self._pause = self._loop.call_later(_PAUSE, self.open)


def turn_away(sock: socket.socket, section: SmtpListenerSection) -> None:
    """Say that there are too many connections, where that can be said in the clear."""
    if section.tls != "implicit":  # there, a handshake would cost more than the session
        with contextlib.suppress(OSError):
            sock.send(reply.GREETING_BUSY.wire())


class Arrival:
    """One connection on its way: PROXY header, limits, TLS, conversation."""

    def __init__(
        self, sock: socket.socket, own: Peer, listener: SmtpListenerSection, kind: type[Conversation]
    ) -> None:
        self._sock = sock
        self._kind = kind
        self._own = own
        self._listener = listener
        self._task: asyncio.Task[None] | None = None
        self._conversation: Conversation | None = None
        self._handed_over = False  # the socket belongs to a transport
        self._loop = asyncio.get_running_loop()

    def begin(self, tasks: asyncio.TaskGroup, context: SmtpContext, left: Callable[[], None]) -> None:
        """Go on in a task of the group; ``left`` is called when the connection is over."""
        self._task = tasks.create_task(self._guarded(context))
        # Not in a finally of the task: one that is cancelled before its first step has none.
        self._task.add_done_callback(lambda _: self._let_go(left))

    def _let_go(self, left: Callable[[], None]) -> None:
        if self._conversation is not None:
            self._conversation.abort()  # does nothing where the conversation has ended as it should
        if not self._handed_over:
            self._sock.close()
        left()

    def retire(self) -> None:
        """End as soon as it can be done politely; before the greeting, at once."""
        if self._conversation is not None:
            self._conversation.retire()
        elif self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        """Cut the connection; a content that is being kept already is kept."""
        if self._conversation is not None:
            self._conversation.abort()
        elif self._task is not None:
            self._task.cancel()

    async def _guarded(self, context: SmtpContext) -> None:
        try:
            await self._enter(context)
        except Exception:
            log.exception("connection failed", listener=str(self._listener.listen))

    async def _enter(self, context: SmtpContext) -> None:
        peer = await self._real_peer(context)
        if peer is None:
            return
        key = context.source_prefix + peer.source
        if not context.presence.enter(key, context.section.limits.connections_per_source):
            self._turn_away(context)
            return
        try:
            await self._converse(Visit(context, self._listener, peer))
        finally:
            context.presence.leave(key)

    async def _real_peer(self, context: SmtpContext) -> Peer | None:
        """Return where the connection comes from; None where its PROXY header is no good."""
        if not any(self._own.address in network for network in self._listener.proxy_from):
            return self._own
        try:
            async with asyncio.timeout(PROXY_TIMEOUT):
                return await read_proxy_header(self._sock, self._own)
        except BadProxyHeader as error:
            reason = str(error)
        except TimeoutError:
            reason = "no header in time"
        context.meter.count("proxy_errors_total")
        log.warning("PROXY header refused", proxy=self._own.ip, reason=reason)
        return None

    def _turn_away(self, context: SmtpContext) -> None:
        context.meter.count("connections_denied_total", reason="source")
        turn_away(self._sock, self._listener)

    async def _converse(self, visit: Visit) -> None:
        tls = visit.context.tls if self._listener.tls == "implicit" else None
        if tls is None and self._listener.tls == "implicit":
            visit.context.meter.count("connections_denied_total", reason="no certificate")
            return
        conversation = self._kind(visit, self._loop)
        timeout = None if tls is None else HANDSHAKE_TIMEOUT
        self._handed_over = True
        try:
            await self._loop.connect_accepted_socket(
                lambda: conversation, self._sock, ssl=tls, ssl_handshake_timeout=timeout
            )
        except OSError as error:
            if tls is not None:
                visit.context.meter.count("tls_handshake_failures_total", service=visit.context.service)
            log.info("connection lost at its start", ip=visit.peer.ip, reason=type(error).__name__)
            return
        self._conversation = conversation
        await conversation.converse()
