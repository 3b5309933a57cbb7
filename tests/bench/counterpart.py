"""The other end of the step benchmark's connections, in a process of its own, so that its CPU is its own.

counterpart.py sink               takes mail; says its port
counterpart.py source PORT FILE   for each line "N" on standard input sends N messages over kept-open
                                  sessions, as smtp-source does: one command, one reply; then says "done"
"""

import asyncio
import sys
from pathlib import Path

from peers import SENDER

SESSIONS = 20
REPLIES = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"


class Sink(asyncio.Protocol):
    """Says yes to everything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.rest, self.in_data = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while self.rest:
            if self.in_data:
                if not self.rest.endswith(b"\r\n.\r\n"):
                    return
                self.in_data, self.rest = False, b""
                self.transport.write(b"250 2.0.0 Ok\r\n")
                return
            line, end, self.rest = self.rest.partition(b"\r\n")
            if not end:
                self.rest = line
                return
            self.transport.write(self.answer(line[:4].upper()))

    def answer(self, verb: bytes) -> bytes:
        self.in_data = verb == b"DATA"
        return {b"EHLO": REPLIES, b"DATA": b"354 Go on\r\n", b"QUIT": b"221 Bye\r\n"}.get(verb, b"250 Ok\r\n")


async def sink() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def source(port: int, content: bytes) -> None:
    sessions = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SESSIONS)]
    for reader, writer in sessions:
        await reader.readline()
        writer.write(b"EHLO source\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        share = int(line) // SESSIONS
        async with asyncio.TaskGroup() as group:
            for reader, writer in sessions:
                group.create_task(converse(reader, writer, content, share))
        print("done", flush=True)


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytes, count: int
) -> None:
    commands = (
        f"MAIL FROM:<{SENDER}>\r\n".encode(),
        b"RCPT TO:<%dreader@example.net>\r\n",
        b"DATA\r\n",
        content,
    )
    for number in range(count):
        for command in commands:
            writer.write(command % number if b"%d" in command[:20] else command)
            reply = await reader.readline()
            if reply[:1] not in b"23":
                raise SystemExit(f"{command[:60]!r}: {reply!r}")


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        asyncio.run(sink())
    else:
        asyncio.run(source(int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
