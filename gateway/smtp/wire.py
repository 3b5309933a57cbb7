"""The octets of one connection: aiosmtpd's protocol with a faster way in and out.

What it promises: a line or a content is waited for once, however it is chopped up; replies leave in order,
and in one write where more input was there already (RFC 2920 section 3.2); what comes in ahead of its turn is
bounded; a peer that does not read is not written to without end. Nothing here ever cancels whoever waits:
a connection that is lost, a time-out and the wish to shut down are told to the reader at its next wait, so
that what is being written to the spool meanwhile goes on undisturbed.
How it fails: ``Interrupted`` in its three kinds, and ``LineTooLong``.

Of aiosmtpd's ``SMTP`` it keeps the table of ``smtp_*`` methods, the session and the settings; not its
StreamReader (2,002 octets of room), its timer for each command, its TLS upgrade (private parts of asyncio
that uvloop does not have) nor its answer to a half-closed connection (it cancels the handler: replies lost).
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, cast

from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Session as SmtpSession

HANDSHAKE_TIMEOUT = 30.0  # seconds
_LINGER = 5.0  # seconds that a peer has to take our last words
_ROOM = 262_144  # octets that may wait for their turn
_KEEP_READING = 65_536  # octets of them below which reading goes on

# aiosmtpd writes every command, addresses included, and every PROXY header's fault to these.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
logging.getLogger("mail.debug").setLevel(logging.CRITICAL)


class Interrupted(Exception):
    """Waiting for the peer ended otherwise than with octets."""


class Gone(Interrupted):
    """The peer has closed the connection, or it was lost."""


class TimedOut(Interrupted):
    """The peer said nothing, or took nothing, for too long."""


class Retired(Interrupted):
    """The server is shutting down, and this session is between two commands."""


class LineTooLong(Exception):
    """A line over the limit; it was read to its end and thrown away."""


class _NoHooks:
    """aiosmtpd's handler, which has no hooks here."""

    def __dir__(self) -> Iterable[str]:
        return ()


class Wire(SMTP):
    """One connection, before and after STARTTLS. ``idle``: seconds that a wait may last."""

    transport: asyncio.Transport | None
    session: SmtpSession
    _commands: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Find the commands once; see ``__dir__``."""
        cls._commands = tuple(name for name in dir(cls) if name.startswith("smtp_"))

    def __init__(self, hostname: str, idle: float, line_limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_NoHooks(), hostname=hostname, ident="Consentry", loop=loop)
        self.session = self._create_session()
        self._idle = idle
        self._line_limit = line_limit
        self._inbox = bytearray()
        self._outbox: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._ended = False  # the peer will say nothing more
        self._lost = False  # nor can it be told anything
        self._deaf = False  # it is not listened to
        self._full = False  # reading is paused
        self._stalled = False  # writing is
        self._upgrading = False
        self._between_commands = False
        self._retiring = False

    def __dir__(self) -> Iterable[str]:
        """Return the names of commands only: aiosmtpd looks through all names at every connection."""
        return self._commands

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport. Unlike aiosmtpd's, this starts no task: the listener's task converses."""
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep octets for their turn."""
        if self._deaf:
            return
        self._inbox += data
        if len(self._inbox) > _ROOM and not self._full and not self._upgrading:
            self._full = True
            assert self.transport is not None
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note that the peer has said all; True keeps the way out open for the replies."""
        self._ended = True
        self._wake()
        return not self.is_encrypted

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """Note that the peer is gone."""
        self._ended = self._lost = True
        if self._timer is not None:  # it would keep the session in memory until it rings
            self._timer.cancel()
            self._timer = None
        self._wake()

    def pause_writing(self) -> None:
        """Note that the peer does not read."""
        self._stalled = True

    def resume_writing(self) -> None:
        """Note that it reads again."""
        self._stalled = False
        self._wake()

    # Waiting

    def _wake(self, error: Interrupted | None = None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)

    async def _wait(self, deadline: float) -> None:
        """Wait until something happens; raise TimedOut at the deadline (the loop's time)."""
        self._waiter = waiter = self.loop.create_future()
        self._deadline = deadline
        # One timer for many waits: it looks at the deadline when it rings, which has mostly moved on.
        timer = self._timer
        if timer is None:
            self._timer = self.loop.call_at(deadline, self._ring)
        elif timer.when() > deadline:
            timer.cancel()
            self._timer = self.loop.call_at(deadline, self._ring)
        await waiter

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None:
            return  # busy, and no longer waiting for the peer
        if self.loop.time() >= self._deadline:
            self._wake(TimedOut())
        else:
            self._timer = self.loop.call_at(self._deadline, self._ring)

    async def _more(self, deadline: float) -> None:
        """Say what there is to say, then wait for more octets."""
        self.flush()
        if self._full and len(self._inbox) < _KEEP_READING and not self._lost:
            self._full = False
            assert self.transport is not None
            self.transport.resume_reading()
        while self._stalled and not self._lost:
            await self._wait(deadline)
        if self._ended:
            raise Gone
        await self._wait(deadline)

    # Reading

    async def line(self) -> bytes:
        """Return the next line without its end; a bare LF ends a command too, as everywhere."""
        if self._retiring:
            raise Retired
        inbox, limit = self._inbox, self._line_limit
        end = inbox.find(b"\n")
        if end < 0:
            end = await self._rest_of_line()
        line = bytes(inbox[:end])
        del inbox[: end + 1]
        if len(line) > limit:
            raise LineTooLong
        return line.removesuffix(b"\r")

    async def _rest_of_line(self) -> int:
        """Wait for a line's end and return its place; of a line that is too long, throw away the rest."""
        inbox, deadline = self._inbox, self.loop.time() + self._idle
        self._between_commands = True
        try:
            while True:
                seen = len(inbox)
                if seen > 2 * self._line_limit:
                    seen = self._line_limit + 1
                    del inbox[seen:]
                await self._more(deadline)
                end = inbox.find(b"\n", seen)
                if end >= 0:
                    return end
        finally:
            self._between_commands = False

    async def read_content(self, take: Callable[[bytearray], bool], seconds: float) -> None:
        """Feed octets to ``take`` until it has enough; all of it in ``seconds``, and never idle for long."""
        now = self.loop.time()
        end = now + seconds
        while not take(self._inbox):
            await self._more(min(end, now + self._idle))
            now = self.loop.time()

    @property
    def has_more(self) -> bool:
        """Whether the peer has said something ahead of its turn."""
        return bool(self._inbox)

    # Writing

    def write(self, octets: bytes) -> None:
        """Say something at the next flush: at the latest before we wait for the peer."""
        self._outbox.append(octets)

    def flush(self) -> None:
        """Hand everything to the transport, in one piece."""
        if not self._outbox:
            return
        if not self._lost:
            assert self.transport is not None
            self.transport.write(b"".join(self._outbox))
        self._outbox.clear()

    # TLS and the end

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is active."""
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is not None

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Upgrade to TLS; raise Gone when the handshake fails.

        Whatever came in before is not looked at: RFC 3207 section 4.2, and the flaw of CVE-2011-0411.
        """
        assert self.transport is not None
        self.flush()
        self._inbox.clear()
        self._upgrading = True
        try:
            upgraded = await self.loop.start_tls(
                self.transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            )
        except (OSError, EOFError) as error:
            raise Gone from error
        finally:
            self._upgrading = False
        if upgraded is None:
            raise Gone
        self.transport = upgraded

    def retire(self) -> None:
        """End the session with ``Retired`` as soon as it is between two commands, which may be now."""
        self._retiring = True
        if self._between_commands:
            self._wake(Retired())

    def abort(self) -> None:
        """Cut the connection; nothing where it is gone: asyncio's TLS of Python 3.11.2 would fail at that."""
        if self.transport is not None and not self._lost:
            self.transport.abort()

    async def hang_up(self) -> None:
        """Say the last words, see that they are heard, and close."""
        await self._part(self._let_peer_finish)

    async def close(self) -> None:
        """Close on a peer that has said all: it is not waited for."""
        await self._part(None)

    async def _part(self, farewell: Callable[[float], Awaitable[None]] | None) -> None:
        self.flush()
        self._deaf = True
        if self.transport is None or self._lost:
            return
        deadline = self.loop.time() + _LINGER
        try:
            if farewell is not None:
                await farewell(deadline)
            self.transport.close()
            while not self._lost:
                await self._wait(deadline)
        except TimedOut:  # a peer that does not take our last words
            self.transport.abort()

    async def _let_peer_finish(self, deadline: float) -> None:
        """Read on until the peer ends: closing over octets that wait unread would destroy our last reply."""
        assert self.transport is not None
        if self._ended or not self.transport.can_write_eof():
            return
        if self._full:
            self._full = False
            self.transport.resume_reading()
        self.transport.write_eof()
        while not self._ended:
            await self._wait(deadline)
