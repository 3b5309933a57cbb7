"""The octets of one open connection: ask so many things in one write, hear so many replies.

What it promises: a reply is never taken for the answer to another question. A connection that spoke unasked,
made no sense, went silent or was left in the middle is dead, and stays so; ``why`` says what happened.
"""

import asyncio
from collections.abc import Sequence

from gateway.relay.wire import QUIT, BadReply, ReplyParser, WireReply


class Dialogue(asyncio.Protocol):
    """Takes over a transport whose SMTP session is set up."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.why = ""  # "" while it lives
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parser = ReplyParser()
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._patience = 0.0  # seconds, of the question that is open
        self._deadline = 0.0  # by the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        """Whether something may be asked."""
        return not self.why and not self._transport.is_closing()

    @property
    def unsent(self) -> bool:
        """Whether octets that were written still wait in memory."""
        return self._transport.get_write_buffer_size() > 0

    async def ask(self, octets: Sequence[bytes], count: int, timeout: float) -> list[WireReply]:  # noqa: ASYNC109 - one timer serves many questions
        """Write, and return ``count`` replies; fewer only when the hop is gone, or said 421."""
        if not self.alive:
            self.die("the hop has closed the connection")
            return []
        self._wanted = count
        self._waiter = waiter = self._loop.create_future()
        self._transport.writelines(octets)
        self._watch(timeout)
        try:
            await waiter
        except asyncio.CancelledError:
            self.die("left in the middle")
            raise
        finally:
            self._wanted, self._waiter = 0, None
        return self._collect(count)

    def _watch(self, patience: float) -> None:
        """Set the time that the answer has. The timer is kept from question to question."""
        self._patience, self._deadline = patience, self._loop.time() + patience
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._is_it_time)

    def _is_it_time(self) -> None:
        """End what has waited for too long; a question that was asked since then has its own time."""
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() >= self._deadline:
            self.die(f"no reply in {self._patience:g} seconds")
        else:
            self._timer = self._loop.call_at(self._deadline, self._is_it_time)

    def _forget_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _collect(self, count: int) -> list[WireReply]:
        replies = list(self._parser.replies)
        self._parser.replies.clear()
        if len(replies) > count or not self._parser.between_replies:
            self.die("more was said than was asked")
        elif replies and replies[-1].code == 421:
            self.die("the hop said 421")  # RFC 5321 section 3.8: it closes
        return replies[:count]

    def die(self, why: str) -> None:
        """Drop the connection; what has arrived already is still heard."""
        if not self.why:
            self.why = why
        self._forget_time()
        self._transport.abort()
        self._wake()

    def farewell(self) -> None:
        """Say QUIT and close, without waiting for the answer: there is nothing left to learn."""
        if self.alive:
            self.why = "closed"
            self._forget_time()
            self._transport.write(QUIT)
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what the hop says; to say something unasked is the end."""
        if self.why:
            return
        if not self._wanted:
            self.die("the hop spoke unasked")
            return
        try:
            self._parser.feed(data)
        except BadReply as error:
            self.die(str(error))
            return
        replies = self._parser.replies
        if len(replies) >= self._wanted or (replies and replies[-1].code == 421):
            self._wake()

    def eof_received(self) -> None:
        """Notice that the hop says no more; the transport closes itself."""
        self.why = self.why or "the hop has closed the connection"
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notice that the connection is gone."""
        self.why = self.why or (
            f"the connection broke: {exc}" if exc else "the hop has closed the connection"
        )
        self._forget_time()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
