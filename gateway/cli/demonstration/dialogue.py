"""A tenant's mail program that says aloud what it says: the SMTP dialogue of the demonstration."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from gateway.cli.say import Refused
from gateway.settings.units import Endpoint

_PATIENCE = 15.0  # seconds for each reply
_SHOWN_LINES = 8  # of the content

Say = Callable[[str, str], None]
"""(who, text): "C" for us, "S" for the gateway."""


class DialogueFailed(Refused):
    """The gateway did not answer as the demonstration needs it."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a tenant's mail program is set up with."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What the gateway answered: to each recipient, and to the content."""

    recipients: dict[str, str]
    content: str


async def send(login: Login, sender: str, recipients: Sequence[str], content: bytes, say: Say) -> Sent:
    """Hand in one message, whoever of the recipients is taken; raise DialogueFailed."""
    async with _talk(login.host, login.port, say) as talk:
        await _log_in(talk, login)
        await talk.ask(f"MAIL FROM:<{sender}>", "250")
        replies = {one: await talk.ask(f"RCPT TO:<{one}>", "") for one in recipients}
        await talk.ask("DATA", "354")
        reply = await talk.content(content)
        await talk.ask("QUIT", "221")
    return Sent(replies, reply)


async def ask_for(login: Login, sender: str, recipient: str) -> str:
    """Say in silence what RCPT answers for a recipient; raise DialogueFailed."""
    async with _talk(login.host, login.port, lambda _who, _text: None) as talk:
        await _log_in(talk, login)
        await talk.ask(f"MAIL FROM:<{sender}>", "250")
        reply = await talk.ask(f"RCPT TO:<{recipient}>", "")
        await talk.ask("QUIT", "221")
    return reply


async def bring(place: Endpoint, sender: str, recipient: str, content: bytes, say: Say) -> str:
    """Bring a letter as any mail system does, and return what became of it; raise DialogueFailed."""
    async with _talk(place.host, place.port, say) as talk:
        await talk.ask("EHLO mail.example.org", "250")
        await talk.ask(f"MAIL FROM:<{sender}>", "250")
        await talk.ask(f"RCPT TO:<{recipient}>", "250")
        await talk.ask("DATA", "354")
        reply = await talk.content(content)
        await talk.ask("QUIT", "221")
    return reply


@contextlib.asynccontextmanager
async def _talk(host: str, port: int, say: Say) -> AsyncIterator["_Talk"]:
    """Connect, and hear the greeting."""
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise DialogueFailed(f"nobody listens at {host}:{port}") from error
    try:
        talk = _Talk(reader, writer, say)
        await talk.hear("220")
        yield talk
    finally:
        writer.close()


async def _log_in(talk: "_Talk", login: Login) -> None:
    await talk.ask("EHLO laptop.example", "250")
    secret = base64.b64encode(f"\0{login.user}\0{login.password}".encode()).decode()
    await talk.ask(f"AUTH PLAIN {secret}", "235", shown="AUTH PLAIN (user and password)")


class _Talk:
    """One session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, say: Say) -> None:
        self._reader = reader
        self._writer = writer
        self._say = say

    async def ask(self, command: str, wanted: str, shown: str = "") -> str:
        self._say("C", shown or command)
        self._writer.write(command.encode() + b"\r\n")
        return await self.hear(wanted)

    async def content(self, content: bytes) -> str:
        lines = content.decode("utf-8", "replace").splitlines()
        for line in lines[:_SHOWN_LINES]:
            self._say("C", line)
        if len(lines) > _SHOWN_LINES:
            self._say("C", f"... ({len(lines) - _SHOWN_LINES} more lines)")
        stuffed = b"".join(  # RFC 5321 section 4.5.2
            b"." + line if line.startswith(b".") else line for line in content.splitlines(keepends=True)
        )
        self._writer.write(stuffed)
        return await self.ask(".", "250")

    async def hear(self, wanted: str) -> str:
        """Return the last line of a reply; raise DialogueFailed where it is not the one wanted."""
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    line = (await self._reader.readline()).decode("utf-8", "replace").rstrip("\r\n")
            except (OSError, TimeoutError) as error:
                raise DialogueFailed(f"the gateway did not answer within {_PATIENCE:.0f} s") from error
            if not line:
                raise DialogueFailed("the gateway closed the connection")
            self._say("S", line)
            if line[3:4] != "-":
                break
        if not line.startswith(wanted):
            raise DialogueFailed(f"the gateway said {line!r}, not {wanted}")
        return line
