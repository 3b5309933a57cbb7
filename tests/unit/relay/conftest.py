"""A hop that follows a script over a real loopback socket, and values to send through it."""

import asyncio
import datetime as dt
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.model.address import parse_address
from gateway.model.delivery import Delivery, DeliveryState, Recipient, Sender, Submission
from gateway.observe.memory import MemoryMeter
from gateway.ports import Copy
from gateway.settings.schema import RelaySection, Settings

CONTENT = b"From: a@example.com\r\nSubject: hello\r\n\r\nThe body.\r\n"
ALL = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
HANG, CLOSE = "hang", "close"


@dataclass
class FakeClock:
    time: float = 1_700_000_000.0

    def now(self) -> float:
        return self.time


class FakeEntropy:
    def __init__(self) -> None:
        self._count = 0

    def octets(self, count: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(count, "big")

    def fraction(self) -> float:
        return 0.0


@dataclass
class Taken:
    """A message that the hop has got."""

    mail: str
    rcpt: str
    content: bytes


@dataclass
class FakeHop:
    """Says its lines: ``says`` maps a command to what is said at it, in order; the last one stays.

    A command is GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, CONTENT, RSET. A line is an SMTP reply (or
    octets, sent as they are), HANG or CLOSE.
    """

    offers: tuple[str, ...] = ALL
    says: dict[str, list[str | bytes]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    taken: list[Taken] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    segments: list[bytes] = field(default_factory=list)
    sessions: int = 0
    port: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        context = self.tls if self.implicit else None
        self._server = await asyncio.start_server(
            self._session, "127.0.0.1", self.port, ssl=context, limit=1 << 24
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    def drop_sessions(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def speak(self, octets: bytes) -> None:
        for writer in list(self._writers):
            writer.write(octets)
            await writer.drain()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for what the hop hears to make it true."""
        async with asyncio.timeout(20):
            while not true():
                self.changed.clear()
                await self.changed.wait()

    def _line(self, command: str, default: str) -> str | bytes:
        lines = self.says.get(command)
        if not lines:
            return default
        return lines.pop(0) if len(lines) > 1 else lines[0]

    async def _say(self, writer: asyncio.StreamWriter, command: str, default: str) -> bool:
        """Say the line; False: the session is over."""
        line = self._line(command, default)
        if line == HANG:
            await asyncio.Event().wait()
        if line == CLOSE:
            return False
        writer.write(line if isinstance(line, bytes) else f"{line}\r\n".encode())
        await writer.drain()
        return not (isinstance(line, str) and line.startswith("421"))

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        self.changed.set()
        self._writers.add(writer)
        try:
            if await self._say(writer, "GREETING", "220 hop ESMTP"):
                await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort() if self._server is None else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        took: dict[str, str] = {}
        offers = self.offers
        while line := await reader.readline():
            text = line.decode().rstrip("\r\n")
            self.heard.append(text)
            self.changed.set()
            verb = text.upper().split(" ")[0].split(":")[0]
            if verb == "QUIT":
                return
            default = self._default(verb, offers, took)
            said = self.says.get(verb, [default])[0]
            if not await self._say(writer, verb, default):
                return
            if isinstance(said, str) and said[0] in "23":
                took[verb] = text
            if verb == "STARTTLS" and self.tls is not None:
                await writer.start_tls(self.tls)
                offers = tuple(word for word in offers if word != "STARTTLS")
            elif verb == "RSET":
                took.clear()
            elif verb == "DATA" and isinstance(said, str) and said.startswith("354"):
                if not await self._take(reader, writer, took):
                    return
                took.clear()

    @staticmethod
    def _default(verb: str, offers: tuple[str, ...], took: dict[str, str]) -> str:
        match verb:
            case "EHLO":
                return "\r\n".join([*(f"250-{word}" for word in ("hop", *offers)), "250 HELP"])
            case "STARTTLS":
                return "220 go"
            case "AUTH":
                return "235 2.7.0 welcome"
            case "RCPT" if "MAIL" not in took:
                return "503 5.5.1 MAIL first"
            case "DATA":
                return "354 go on" if "RCPT" in took else "503 5.5.1 RCPT first"
        return "250 2.0.0 Ok"

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, took: dict[str, str]
    ) -> bool:
        """Read the content; False: the session is over."""
        content = await self._content(reader)
        self.heard.append("CONTENT")
        self.changed.set()
        keep = self.says.get("CONTENT", ["250"])[0]
        alive = await self._say(writer, "CONTENT", "250 2.0.0 taken")
        if isinstance(keep, str) and keep.startswith("250"):
            self.taken.append(Taken(took.get("MAIL", ""), took.get("RCPT", ""), content))
        self.changed.set()
        return alive

    async def _content(self, reader: asyncio.StreamReader) -> bytes:
        raw = b"\r\n"
        while not raw.endswith(b"\r\n.\r\n"):
            raw += await reader.readline() or _fail()
        return raw.replace(b"\r\n..", b"\r\n.")[2:-3]


def _fail() -> bytes:
    raise ConnectionError


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Ten thousand deliveries are ten thousand lines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO), processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def entropy() -> FakeEntropy:
    return FakeEntropy()


@pytest.fixture
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
async def hop() -> AsyncIterator[FakeHop]:
    hop = FakeHop()
    await hop.start()
    yield hop
    await hop.stop()


MakeHop = Callable[..., Awaitable[FakeHop]]


@pytest.fixture
async def make_hop() -> AsyncIterator[MakeHop]:
    hops: list[FakeHop] = []

    async def make(**what: object) -> FakeHop:
        hop = FakeHop(**what)  # type: ignore[arg-type]
        await hop.start()
        hops.append(hop)
        return hop

    yield make
    for hop in hops:
        await hop.stop()


def make_submission(
    number: int = 1, *, account_id: int = 7, sender: Sender | None = None, **what: object
) -> Submission:
    submission = Submission(
        id=f"01HF7YAT00{number:016d}",
        account_id=account_id,
        received_at=1_700_000_000.0,
        sender=sender or Sender(parse_address("sender@example.com")),
        size=len(CONTENT),
        list_id=3,
        signing_domain="example.com",
    )
    return replace(submission, **what)  # type: ignore[arg-type]


def make_delivery(
    submission: Submission | None = None, number: int = 0, address: str = "friend@example.net", **what: object
) -> Delivery:
    recipient = what.pop("recipient", None) or Recipient(parse_address(address))
    delivery = Delivery(submission or make_submission(), number, recipient, (), DeliveryState.ACTIVE)  # type: ignore[arg-type]
    return replace(delivery, **what)  # type: ignore[arg-type]


def make_copy(
    content: bytes = CONTENT,
    address: str = "friend@example.net",
    sender: Sender | None = None,
    **what: object,
) -> Copy:
    submission = make_submission(sender=sender)
    return Copy(submission.sender, make_delivery(submission, address=address, **what), content)


def make_settings(*hosts: dict[str, object], **relay: object) -> Settings:
    timeouts = {"connect": 5.0, "command": 5.0, "data": 5.0, "idle": 30.0} | relay.pop("timeouts", {})  # type: ignore[operator]
    section = RelaySection(smarthost=hosts, timeouts=timeouts, **relay)  # type: ignore[arg-type]
    return Settings(gateway={"hostname": "gateway.example"}, relay=section)  # type: ignore[arg-type]


def host(hop: FakeHop, **what: object) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": hop.port, "tls": "none"} | what


@dataclass(frozen=True)
class Certificate:
    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hop.example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return Certificate(cert_file, context)


@pytest.fixture
def mail() -> SimpleNamespace:
    """The makers of values, as one fixture: test files import no conftest."""
    return SimpleNamespace(
        CONTENT=CONTENT,
        ALL=ALL,
        HANG=HANG,
        CLOSE=CLOSE,
        submission=make_submission,
        delivery=make_delivery,
        copy=make_copy,
        settings=make_settings,
        host=host,
        fake_hop=FakeHop,
    )
