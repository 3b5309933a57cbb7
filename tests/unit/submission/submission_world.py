"""A small world for a submission server: fakes of the ports, a client on a plain socket, a certificate."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.model import reply
from gateway.model.delivery import Recipient, Sender
from gateway.model.facts import Account, AccountState, Client, ConsentLevel, OverQuota, QuotaFact
from gateway.model.reply import Reply
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import LimitsSection, ListenerSection, SubmissionSection, TlsSection
from gateway.settings.units import Endpoint
from gateway.smtp.contents import Contents
from gateway.smtp.tls import server_context
from gateway.submission.context import SubmissionContext
from gateway.submission.service import SubmissionServer
from gateway.submission.turns import Turns

HOSTNAME = "mx.example.org"
NAME, PASSWORD = "shop", "open sesame"


def account(name: str = NAME, number: int = 1) -> Account:
    return Account(
        id=number,
        name=name,
        state=AccountState.ACTIVE,
        state_reason="",
        consent=ConsentLevel.CONFIRMED,
        rates=(),
        burst=0,
        over_quota=OverQuota.REFUSE,
        domains=frozenset(),
        lists=(),
        default_list=None,
    )


@dataclass(slots=True)
class FakeTransaction:
    client: Client
    account_id: int
    sender: Sender
    recipients: list[Recipient] = field(default_factory=list)


class FakeIntake:
    """Keeps what it is given. Local parts steer it: refused, away, broken."""

    def __init__(self) -> None:
        self.finished: list[tuple[FakeTransaction, bytes]] = []
        self.abandoned: list[FakeTransaction] = []
        self.begun: list[FakeTransaction] = []
        self.room: Reply | None = None
        self.finishing = asyncio.Event()  # set when finish has begun
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.kept = asyncio.Event()
        self.given_back = asyncio.Event()

    async def begin(self, client: Client, account_id: int, sender: Sender) -> FakeTransaction | Reply:
        match sender.address and sender.address.local:
            case "refused":
                return reply.ACCOUNT_SUSPENDED.fill(why="test")
            case "away":
                raise reply.StoreAway
            case "broken":
                raise RuntimeError("secret cause")
        transaction = FakeTransaction(client, account_id, sender)
        self.begun.append(transaction)
        return transaction

    async def recipient(self, transaction: FakeTransaction, recipient: Recipient) -> Reply:
        match recipient.address.local:
            case "refused":
                return reply.NO_CONSENT
            case "away":
                raise reply.StoreAway
            case "broken":
                raise RuntimeError("secret cause")
        transaction.recipients.append(recipient)
        return reply.RECIPIENT_OK

    def check_room(self) -> Reply | None:
        return self.room

    async def finish(self, transaction: FakeTransaction, content: bytes) -> Reply:
        self.finishing.set()
        await self.may_finish.wait()
        if b"X-Break: " in content:
            raise RuntimeError("secret cause")
        self.finished.append((transaction, content))
        self.kept.set()
        return reply.QUEUED.fill(id=len(self.finished))

    def abandon(self, transaction: FakeTransaction) -> None:
        self.abandoned.append(transaction)
        self.given_back.set()


class FakeAccounts:
    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.cancelled = False  # those who have logged in before

    async def authenticate(self, name: str, password: str) -> Account | None:
        self.asked += 1
        if self.away:
            raise reply.StoreAway
        return account() if (name, password) == (NAME, PASSWORD) else None

    async def by_name(self, name: str) -> Account | None:
        return account(name, 2) if name == "trusted" else None

    async def by_id(self, account_id: int) -> Account | None:
        if self.away:
            raise reply.StoreAway
        state = AccountState.CANCELLED if self.cancelled else AccountState.ACTIVE
        return replace(account(number=account_id), state=state)


class FakeQuota:
    """Takes ``allowed`` reservations of a key, whatever the rates."""

    def __init__(self, allowed: int = 10) -> None:
        self.allowed = allowed
        self.taken: Counter[bytes] = Counter()

    def reserve(self, key, rates, burst, now, count=1) -> QuotaFact:
        fact = self.check(key, rates, burst, now)
        if not fact.wait:
            self.taken[key] += count
        return fact

    def check(self, key, rates, burst, now) -> QuotaFact:
        return QuotaFact(29.5, "10/min") if self.taken[key] >= self.allowed else QuotaFact()

    def give_back(self, key, rates, count=1) -> None:
        self.taken[key] -= count


class FakePresence:
    def __init__(self) -> None:
        self.present: Counter[bytes] = Counter()
        self.entered = 0
        self.someone = asyncio.Event()
        self.left = 0

    def enter(self, key: bytes, limit: int) -> bool:
        if self.present[key] >= limit:
            return False
        self.present[key] += 1
        self.entered += 1
        self.someone.set()
        return True

    def leave(self, key: bytes) -> None:
        self.present[key] -= 1
        self.left += 1
        assert self.present[key] >= 0, f"left more often than entered: {key!r}"


class FakeClock:
    def now(self) -> float:
        return 1_700_000_000.0


@dataclass(slots=True)
class World:
    """What stands round the server, to be asked afterwards."""

    context: SubmissionContext
    intake: FakeIntake
    accounts: FakeAccounts
    quota: FakeQuota
    presence: FakePresence
    meter: MemoryMeter

    @classmethod
    def make(cls, tls: ssl.SSLContext | None = None, **section: object) -> "World":
        limits = section.pop("limits", {})
        fakes = FakeIntake(), FakeAccounts(), FakeQuota(), FakePresence(), MemoryMeter()
        intake, accounts, quota, presence, meter = fakes
        settings = SubmissionSection(limits=LimitsSection(**limits), **section)
        contents = Contents(lambda: settings.limits.contents, meter)
        context = SubmissionContext(
            hostname=HOSTNAME,
            section=settings,
            intake=intake,
            accounts=accounts,
            quota=quota,
            presence=presence,
            meter=meter,
            clock=FakeClock(),
            contents=contents,
            logins=Turns(),
            tls=tls,
        )
        return cls(context, *fakes)

    def reload(self, **changes: object) -> None:
        self.context = replace(self.context, **changes)


@dataclass(slots=True)
class Service:
    """A running server with one listener."""

    server: SubmissionServer
    world: World
    port: int


@contextlib.asynccontextmanager
async def serve(world: World, **listener: object) -> AsyncIterator[Service]:
    """Run a server on a random port; at the end nothing may be left of it."""
    section = ListenerSection(listen=Endpoint("127.0.0.1", 0), **({"auth_without_tls": True} | listener))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        async with asyncio.TaskGroup() as tasks:
            server = SubmissionServer([(sock, section)], lambda: world.context, tasks)
            await server.start()
            try:
                yield Service(server, world, sock.getsockname()[1])
            finally:
                await server.drain(0)
    assert server.sessions == 0
    assert len(world.context.logins) == 0, "someone still waits to log in"
    assert world.context.contents.octets == 0, "a content that nobody has any more takes room"
    assert +world.presence.present == Counter(), "someone is still counted as present"
    assert world.presence.left == world.presence.entered


class Talk:
    """A client: lines out, lines in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def line(self) -> str:
        """The next line; "" at the end."""
        return (await asyncio.wait_for(self.reader.readline(), 10)).decode().removesuffix("\r\n")

    async def reply(self) -> str:
        """The next reply; of one with several lines, all of them."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return "\n".join(lines)

    async def ask(self, text: str) -> str:
        self.send(text.encode() + b"\r\n")
        return await self.reply()

    async def encrypt(self) -> None:
        await self.writer.start_tls(trusting(), server_hostname="localhost")

    async def hello(self) -> str:
        """Greeting, EHLO, and a login."""
        assert (await self.line()).startswith("220 ")
        answer = await self.ask("EHLO client.example")
        assert (await self.ask("AUTH PLAIN AHNob3AAb3BlbiBzZXNhbWU=")).startswith("235 ")
        return answer

    async def deliver(self, content: bytes) -> str:
        """One whole transaction, command by command."""
        assert (await self.ask("MAIL FROM:<news@example.com>")).startswith("250 ")
        assert (await self.ask("RCPT TO:<friend@example.net>")).startswith("250 ")
        assert (await self.ask("DATA")).startswith("354 ")
        self.send(content)
        return await self.reply()

    async def ended(self) -> bool:
        """Whether the server closes; waits for it."""
        try:
            return await asyncio.wait_for(self.reader.read(), 10) == b""
        except ConnectionError:
            return True


@contextlib.asynccontextmanager
async def talk(
    port: int, tls: ssl.SSLContext | None = None, source: str = "127.0.0.1"
) -> AsyncIterator[Talk]:
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname=name, local_addr=(source, 0)
    )
    try:
        yield Talk(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def trusting() -> ssl.SSLContext:
    """A client's context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def make_certificate(folder: Path) -> TlsSection:
    """Write a self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTNAME)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return TlsSection(certificate=pem, key=key_pem)


def make_tls(folder: Path) -> ssl.SSLContext:
    context = server_context(make_certificate(folder))
    assert context is not None
    return context
