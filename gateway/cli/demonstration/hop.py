"""The demonstration's next hop: an SMTP server that keeps what it receives in a folder, a file each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that came in."""

    recipient: str
    content: bytes
    file: Path


@dataclass  # without slots: aiosmtpd asks for all members, and Python 3.11.2 has one too many where there are
class Hop:
    """Where it listens, and what has arrived and was not looked at yet."""

    folder: Path
    port: int = 0
    arrivals: asyncio.Queue[Arrival] = field(default_factory=asyncio.Queue)
    _count: int = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one message."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self._count += 1
        file = self.folder / f"{self._count:03d}.eml"
        file.write_bytes(content)
        self.arrivals.put_nowait(Arrival(", ".join(map(str, envelope.rcpt_tos)), content, file))
        return f"250 2.0.0 Kept as {file.name}"


@contextlib.asynccontextmanager
async def next_hop(folder: Path) -> AsyncIterator[Hop]:
    """Listen on a free port of the loopback interface for as long as the block runs."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing else runs yet
    hop = Hop(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(hop, hostname="next-hop.example", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    hop.port = server.sockets[0].getsockname()[1]
    try:
        yield hop
    finally:
        server.close()
