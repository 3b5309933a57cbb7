"""A small world for the MX side: the real reception with its real desks, over a spool and a store in memory."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from submission_world import FakeClock, FakePresence, FakeQuota, Talk, make_tls, talk

from gateway.inbound.context import InboundContext
from gateway.inbound.forwarding import ForwardDesk, ForwardWorld
from gateway.inbound.house_mail import Outgoing
from gateway.inbound.leaving import Left, LeftBefore, Unknown
from gateway.inbound.mailboxes import ABUSE, POSTMASTER, UNSUBSCRIBE, Directory
from gateway.inbound.reception import Reception, ReceptionWorld
from gateway.inbound.service import InboundServer
from gateway.inbound.unsubscribing import UnsubscribeDesk, UnsubscribeWorld
from gateway.model import reply
from gateway.model.address import parse_address
from gateway.model.delivery import Recipient, Sender
from gateway.model.facts import Client
from gateway.model.ledger import Origin
from gateway.model.reply import Reply
from gateway.model.token import Purpose, Token, seal
from gateway.observe.memory import MemoryMeter
from gateway.ports import Parcel
from gateway.settings.schema import InboundLimitsSection, InboundSection, SmtpListenerSection
from gateway.settings.units import Endpoint
from gateway.smtp.contents import Contents
from gateway.spool.memory import MemorySpool
from gateway.store.memory import MemoryKeyring

__all__ = ["InboundServer", "Talk", "World", "make_tls", "serve", "talk"]

HOSTNAME = "mx.example.org"
MAILBOX = parse_address("unsubscribe@out.example.org")
ACCOUNT, LIST = 7, 9
KEYS = {3: b"k" * 32}
READER = parse_address("ann@example.net")


class Entropy:
    """Counts."""

    def __init__(self) -> None:
        self.drawn = 0

    def octets(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")

    def fraction(self) -> float:
        return 0.5


class Book:
    """A consent book in which one reader is on one list."""

    def __init__(self, subscribed: bytes) -> None:
        self.bonds = {(ACCOUNT, LIST, subscribed): True}
        self.away = False
        self.leaving = asyncio.Event()  # set when somebody asks to leave
        self.may_leave = asyncio.Event()
        self.may_leave.set()
        self.left = asyncio.Event()

    async def leave(self, token: Token, now: float, origin: Origin) -> Left | LeftBefore | Unknown:
        self.leaving.set()
        await self.may_leave.wait()
        if self.away:
            raise reply.StoreAway
        key = (token.account_id, token.list_id, token.address_hash)
        if key not in self.bonds:
            return Unknown()
        if not self.bonds[key]:
            return LeftBefore()
        self.bonds[key] = False
        self.left.set()
        return Left("acme", "Acme News")


class Spool(MemorySpool):
    """Keeps what was put into it, or has no room."""

    def __init__(self, keyring: MemoryKeyring, clock: FakeClock) -> None:
        super().__init__(keyring=keyring, clock=clock)
        self.parcels: list[Parcel] = []
        self.full = self.fails = False

    def check_room(self) -> None:
        if self.full:
            raise reply.SpoolFull

    async def put(self, parcel: Parcel) -> None:
        if self.full or self.fails:
            raise reply.SpoolFull
        await super().put(parcel)
        self.parcels.append(parcel)


class Dispatch:
    """Is told that there is something new."""

    def __init__(self) -> None:
        self.nudges = 0

    def has_room(self, account_id: int, copies: int, octets: int) -> bool:
        return False

    def offer(self, parcel: Parcel) -> None:
        raise AssertionError("mail of the house goes through the spool")

    def nudge(self) -> None:
        self.nudges += 1


@dataclass(slots=True)
class World:
    """What stands round the server, to be asked afterwards."""

    context: InboundContext
    book: Book
    spool: Spool
    dispatch: Dispatch
    quota: FakeQuota
    presence: FakePresence
    meter: MemoryMeter
    token: str  # the reader's

    @classmethod
    def make(cls, tls: ssl.SSLContext | None = None, **section: object) -> "World":
        clock, meter, quota, entropy = FakeClock(), MemoryMeter(), FakeQuota(), Entropy()
        keyring = MemoryKeyring(ACCOUNT)
        subscribed = keyring.address_hash(ACCOUNT, READER.identity)
        book, spool, dispatch = Book(subscribed), Spool(keyring, clock), Dispatch()
        limits = InboundLimitsSection(**section.pop("limits", {}))
        settings = InboundSection(limits=limits, **({"operator": "ops@example.com"} | section))
        outgoing = Outgoing(lambda: HOSTNAME, "", spool, dispatch, clock, entropy)
        leaving = UnsubscribeWorld(
            book, lambda: KEYS, lambda: MAILBOX, lambda: settings, keyring, quota, outgoing, clock, meter
        )
        forwarding = ForwardWorld(lambda: settings, quota, outgoing, clock)
        desks = {
            UNSUBSCRIBE: UnsubscribeDesk(leaving),
            POSTMASTER: ForwardDesk(POSTMASTER, forwarding),
            ABUSE: ForwardDesk(ABUSE, forwarding),
        }
        directory = Directory(HOSTNAME, settings.domains, MAILBOX)
        presence = FakePresence()
        context = InboundContext(
            hostname=HOSTNAME,
            section=settings,
            intake=Reception(ReceptionWorld(lambda: directory, desks, spool, clock, entropy, meter)),
            presence=presence,
            meter=meter,
            clock=clock,
            contents=Contents(lambda: limits.contents, meter),
            tls=tls,
        )
        token = seal(Token(Purpose.UNSUBSCRIBE, ACCOUNT, LIST, subscribed, b"s" * 16), 3, KEYS[3])
        return cls(context, book, spool, dispatch, quota, presence, meter, token)

    def token_of(self, **changes: object) -> str:
        """A genuine token that names something else."""
        subscribed = next(iter(self.book.bonds))[2]
        token = Token(Purpose.UNSUBSCRIBE, ACCOUNT, LIST, subscribed, b"s" * 16)
        return seal(replace(token, **changes), 3, KEYS[3])

    @property
    def has_left(self) -> bool:
        return not any(self.book.bonds.values())

    async def bring(self, content: bytes, sender: str = str(READER), recipient: str = str(MAILBOX)) -> Reply:
        """Bring a letter past the wire, as a session would."""
        intake = self.context.intake
        client = Client("192.0.2.1", 4000, "mail.example.net", "ESMTP", authenticated=False)
        envelope = intake.begin(client, Sender(parse_address(sender) if sender else None))
        answer = await intake.recipient(envelope, Recipient(parse_address(recipient)))
        return await intake.finish(envelope, content) if answer.is_positive else answer


@dataclass(slots=True)
class Service:
    """A running server with one listener."""

    server: InboundServer
    world: World
    port: int


@contextlib.asynccontextmanager
async def serve(world: World, **listener: object) -> AsyncIterator[Service]:
    """Run a server on a loopback port; at the end nothing may be left of it."""
    section = SmtpListenerSection(listen=Endpoint("127.0.0.1", 0), **listener)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        async with asyncio.TaskGroup() as tasks:
            server = InboundServer([(sock, section)], lambda: world.context, tasks)
            await server.start()
            try:
                yield Service(server, world, sock.getsockname()[1])
            finally:
                await server.drain(0)
    assert server.sessions == 0
    assert world.presence.left == world.presence.entered
