"""A next hop that misbehaves, always in the same way, when a dialogue comes to a certain stage."""

import contextlib
import socket
import socketserver
import threading
from dataclasses import dataclass
from typing import Self

from scene.waiting import PATIENCE

STAGES = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "content")


@dataclass(frozen=True)
class Mood:
    """What a connection does when it comes to a stage: hang, close, talk nonsense, or be busy."""

    stage: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.stage}"


class Hop(socketserver.ThreadingTCPServer):
    """Serves until left; counts how often its mood was shown."""

    daemon_threads = True

    def __init__(self, mood: Mood) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.mood = mood
        self.shown = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Say nothing: that a client breaks off is part of the play."""


class _Over(Exception):
    """The connection ends here."""


class _Dialogue(socketserver.StreamRequestHandler):
    """One connection."""

    server: Hop

    def handle(self) -> None:
        with contextlib.suppress(_Over, OSError):
            self._answer("greeting", "220 hop.example ESMTP")
            while line := self.rfile.readline():
                self._obey(line)

    def _obey(self, line: bytes) -> None:
        match line[:4].upper().strip():
            case b"EHLO":
                self._answer(
                    "EHLO", "250-hop.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000"
                )
            case b"MAIL":
                self._answer("MAIL", "250 2.1.0 OK")
            case b"RCPT":
                self._answer("RCPT", "250 2.1.5 OK")
            case b"DATA":
                self._answer("DATA", "354 go on")
                self._read_content()
                self._answer("content", "")
            case b"RSET" | b"NOOP":
                self._say("250 2.0.0 OK")
            case b"QUIT":
                self._say("221 2.0.0 bye")
                raise _Over
            case _:
                self._say("500 5.5.1 what?")

    def _read_content(self) -> None:
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _Over

    def _answer(self, stage: str, reply: str) -> None:
        mood = self.server.mood
        if mood.stage != stage:
            self._say(reply)
            return
        self.server.shown += 1
        match mood.kind:
            case "hang":
                self._until_left()
            case "nonsense":
                self._say("banana; 250?\r\n25\x00 x")
                self._until_left()
            case "busy":
                self._say("421 4.3.2 too busy")
            case "close":
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
        raise _Over

    def _say(self, reply: str) -> None:
        self.wfile.write(reply.encode("latin-1") + b"\r\n")

    def _until_left(self) -> None:
        """Read and say nothing until the client goes."""
        self.connection.settimeout(PATIENCE)
        while self.connection.recv(65536):
            pass
