"""Plays the transcripts of this folder; README.md says how they are written."""

import ssl
from pathlib import Path
from types import ModuleType

import pytest

from gateway.model import reply

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))
INBOUND = sorted(Path(__file__).parent.glob("inbound/*.txt"))


def _octets(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def _pairs(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words)


class Stage:
    """What the ``!`` lines set up."""

    def __init__(self, lines: list[str]) -> None:
        self.section: dict[str, object] = {}
        self.listener: dict[str, object] = {}
        self.switches: set[str] = set()
        trusted = []
        for line in lines:
            kind, *words = line[1:].split()
            match kind:
                case "limits":
                    self.section["limits"] = _pairs(words)
                case "section":
                    self.section |= _pairs(words)
                case "nobody":
                    self.section["operator"] = ""
                case "listener":
                    self.listener |= _pairs(words)
                case "trusted":
                    trusted.append({"network": words[0], "account": words[1]})
                case "full" | "away" | "login":
                    self.switches.add(kind)
                case _:
                    raise ValueError(line)
        if trusted:
            self.section["trusted"] = tuple(trusted)


class Player:
    """Plays the other lines."""

    def __init__(self, world, talk) -> None:
        self.world, self.talk = world, talk
        self.kept = 0

    async def play(self, lines: list[str]) -> None:
        outgoing = b""
        for number, line in enumerate(lines, 1):
            kind, _, rest = line.partition(" ")
            if kind in {"C", "C~"}:
                outgoing += rest.encode() + b"\r\n" if kind == "C" else _octets(rest)
                continue
            if outgoing:
                self.talk.send(outgoing)
                outgoing = b""
            try:
                await self.step(kind, rest)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"line {number}: {line}: {error!r}") from error
        assert not outgoing, "a transcript ends with what the server does"

    async def step(self, kind: str, rest: str) -> None:
        match kind:
            case "S":
                said = await self.talk.line()
                assert said.startswith(rest.removesuffix("...").rstrip()), f"the server said {said!r}"
            case "TLS":
                await self.talk.encrypt()
            case "EOF":
                self.talk.writer.write_eof()
            case "CLOSED":
                assert await self.talk.ended(), "the server said more"
            case "KEPT":
                assert self.world.intake.finished[self.kept][1] == _octets(rest)
                self.kept += 1
            case "WITH":
                assert self.world.intake.begun[-1].client.protocol == rest
            case "ABANDONED":
                assert len(self.world.intake.abandoned) == int(rest)
            case "COUNTED":
                name, *labels, count = rest.split("|")  # a value may hold spaces
                assert self.world.meter.value(name, **_pairs(labels)) == int(count)
            case _:
                raise ValueError(kind)


class Stranger(Player):
    """Plays against the MX side; ``{token}`` is the reader's own."""

    async def play(self, lines: list[str]) -> None:
        await super().play([line.replace("{token}", self.world.token) for line in lines])

    async def step(self, kind: str, rest: str) -> None:
        match kind:
            case "LEFT":
                assert self.world.has_left == (rest == "yes")
            case "SENT":
                sent = [one for parcel in self.world.spool.parcels for one in parcel.deliveries]
                assert [str(one.recipient.address) for one in sent] == rest.split()
            case _:
                await super().step(kind, rest)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_transcript(path: Path, world: ModuleType, tls: ssl.SSLContext) -> None:
    lines = _lines(path)
    stage = Stage([line for line in lines if line.startswith("!")])
    around = world.World.make(tls, **stage.section)
    around.accounts.away = "away" in stage.switches
    around.intake.room = reply.SPOOL_FULL if "full" in stage.switches else None
    async with world.serve(around, **stage.listener) as service, world.talk(service.port) as talk:
        if "login" in stage.switches:
            await talk.hello()
        await Player(around, talk).play([line for line in lines if not line.startswith("!")])


@pytest.mark.parametrize("path", INBOUND, ids=lambda path: path.stem)
async def test_transcript_of_a_stranger(path: Path, strangers: ModuleType, tls: ssl.SSLContext) -> None:
    lines = _lines(path)
    stage = Stage([line for line in lines if line.startswith("!")])
    around = strangers.World.make(tls, **stage.section)
    around.book.away = "away" in stage.switches
    around.spool.full = "full" in stage.switches
    async with strangers.serve(around, **stage.listener) as service, strangers.talk(service.port) as talk:
        await Stranger(around, talk).play([line for line in lines if not line.startswith("!")])


def test_there_are_transcripts_and_each_says_what_it_shows() -> None:
    assert len(TRANSCRIPTS) > 30
    assert len(INBOUND) > 15
    assert [path.name for path in (*TRANSCRIPTS, *INBOUND) if not path.read_text().startswith("# ")] == []
