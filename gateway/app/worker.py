"""One worker: submission, the MX side, its own shard of the spool, and the relay, on one event loop.

What it promises: it is ready when its socket is served and its shard is open. Told to drain, it takes no more
connections, answers what is being sent, lets what is on the wire finish, ships its events, and ends within
``[gateway] drain``; what is not sent by then stands in the shard.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog

from gateway.app.configuration import Configuration
from gateway.app.control import Control
from gateway.app.forgetting import forget_erased
from gateway.app.inbound import Means as InboundMeans
from gateway.app.inbound import open_outgoing, open_reception
from gateway.app.mail_leaving import MailLeaving
from gateway.app.posting import Postman
from gateway.app.provider import WithProvider
from gateway.app.shipping import ship, ship_forever
from gateway.app.world import SystemClock, SystemEntropy
from gateway.inbound.context import InboundContext
from gateway.inbound.service import InboundServer
from gateway.model.address import Address
from gateway.model.facts import Bonds
from gateway.model.message import Message
from gateway.model.reply import PublicError
from gateway.model.way_out import Rewriting
from gateway.observe import logs
from gateway.observe.metrics import PrometheusMeter
from gateway.pipeline.accept import Intake, World
from gateway.pipeline.gather import Gatherer
from gateway.relay.reports import Reports
from gateway.relay.routes import Routes
from gateway.relay.scheduler import Scheduler
from gateway.relay.sending import Means
from gateway.settings.files import Files
from gateway.settings.reload import Reloadable
from gateway.settings.schema import Settings
from gateway.signing.signer import DkimSigner
from gateway.smtp.contents import Contents
from gateway.smtp.server import SmtpServer
from gateway.spool.adopt import adopt_orphans
from gateway.spool.opening import open_shard
from gateway.spool.sqlite import SqliteSpool
from gateway.store.accounts import StoreAccounts
from gateway.store.consent import StoreConsentBook
from gateway.store.database import Store, open_store
from gateway.store.dkim_keys import DkimKeyBook
from gateway.store.events import StoreEvents
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.passwords import Passwords
from gateway.store.presence import SharedPresence
from gateway.store.quota import SharedQuota
from gateway.submission.context import SubmissionContext
from gateway.submission.service import SubmissionServer
from gateway.submission.turns import Turns

log = structlog.get_logger("worker")

_ADOPT_PAUSE = 30.0  # seconds between two looks for shards whose worker is gone: one that restarts is sooner
_EXPIRE_PAUSE = 3600.0  # seconds between two looks for events that are older than they are kept
_SESSIONS_SHARE = 0.6  # of the drain's time is for sessions, the rest for what is on the wire


@dataclass(frozen=True, slots=True)
class Books:
    """What the worker reads and writes beside its spool."""

    accounts: StoreAccounts
    consent: StoreConsentBook
    events: StoreEvents
    keyring: StoreKeyring
    dkim_keys: DkimKeyBook
    letters: Letters
    quota: SharedQuota
    presence: SharedPresence
    leaving: MailLeaving
    meter: PrometheusMeter
    store: Store


async def serve(
    number: int, sockets: Sequence[socket.socket], holder: Reloadable[Configuration], control: Control
) -> None:
    """Be worker ``number`` until told to drain."""
    async with AsyncExitStack() as stack:
        worker = await Worker.open(number, sockets, holder, stack)
        await worker.run(control)


class Worker:
    """Everything that one worker process has."""

    def __init__(
        self,
        number: int,
        sockets: Sequence[socket.socket],
        holder: Reloadable[Configuration],
        books: Books,
        spool: SqliteSpool,
    ) -> None:
        self._number = number
        self._sockets = sockets
        self._holder = holder
        self._books = books
        self._meter = meter = books.meter
        self._spool = spool
        self._clock, self._entropy = SystemClock(), SystemEntropy()
        self._gatherer = Gatherer(books.consent)
        self._signer = DkimSigner(
            books.dkim_keys, self._clock, meter, holder.current.settings.signing.provider_domain
        )
        self._routes = Routes(
            self._settings, lambda: self._holder.current.files, self._clock, self._entropy, meter
        )
        self._scheduler = Scheduler(spool, self._means(), self._entropy, self._settings)
        self._intake = Intake(self._intake_world())
        self._contents = Contents(lambda: self._settings().submission.limits.contents, meter)
        self._letters = Contents(lambda: self._settings().inbound.limits.contents, meter)
        self._reception = open_reception(self._inbound_means())
        self._logins = Turns()
        self._postman = Postman(books.letters, open_outgoing(self._inbound_means()), meter)
        self._context = self._submission_context()
        self._inbound = self._inbound_context()

    @classmethod
    async def open(
        cls,
        number: int,
        sockets: Sequence[socket.socket],
        holder: Reloadable[Configuration],
        stack: AsyncExitStack,
    ) -> "Worker":
        """Open the books and the shard; the stack closes them, the shard first."""
        configuration = holder.current
        books = _open_books(number, configuration, stack)
        spool = await open_shard(
            configuration.settings.gateway.state_dir / "spool",
            number,
            keyring=books.keyring,
            clock=SystemClock(),
            meter=books.meter,
            settings=configuration.settings.spool,
        )
        stack.push_async_callback(spool.close)
        return cls(number, sockets, holder, books, spool)

    async def run(self, control: Control) -> None:
        """Serve until told to drain, then drain."""
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(control.listen(self._reload)),
                tasks.create_task(self._books.accounts.watch()),
                tasks.create_task(self._gatherer.run()),
                tasks.create_task(self._spool.watch(self._scheduler.nudge)),
                tasks.create_task(self._postman.run()),
                tasks.create_task(ship_forever(self._spool, self._books.events, self._meter)),
                tasks.create_task(self._adopt_forever()),
                tasks.create_task(self._expire_forever()),
                tasks.create_task(self._forget_erased()),
            ]
            relaying = tasks.create_task(self._scheduler.run())
            async with asyncio.TaskGroup() as sessions:
                servers = self._servers(sessions)
                for server in servers:
                    await server.start()
                control.ready()
                await control.stopping.wait()
                await self._drain(servers)
            await relaying
            for loop in loops:
                loop.cancel()

    async def _drain(self, servers: Sequence[SmtpServer]) -> None:
        bound = self._settings().gateway.drain
        async with asyncio.TaskGroup() as draining:
            for server in servers:
                draining.create_task(server.drain(bound * _SESSIONS_SHARE))
        await self._scheduler.drain(bound * (1 - _SESSIONS_SHARE) * 0.8)
        self._routes.close()
        try:
            async with asyncio.timeout(bound * (1 - _SESSIONS_SHARE) * 0.2):
                while await ship(self._spool, self._books.events, self._meter):
                    pass
        except (TimeoutError, PublicError) as error:
            log.info("events stay in the shard", why=repr(error))

    async def _forget_erased(self) -> None:
        """Let go of what was an erased account's."""
        books = self._books
        also = (self._signer.forget_keys, self._scheduler.forget_contents)
        await forget_erased(books.keyring, books.accounts.revision, books.store, also)

    def _reload(self, files: Files) -> list[str]:
        """Swap the configuration; return what is wrong."""
        problems = [str(problem) for problem in self._holder.reload(files)]
        if not problems:
            self._context, self._inbound = self._submission_context(), self._inbound_context()
            logs.set_level(self._settings().log.level)
        return problems

    def _settings(self) -> Settings:
        return self._holder.current.settings

    def _servers(self, sessions: asyncio.TaskGroup) -> tuple[SmtpServer, ...]:
        """Return both servers; the sockets come in the order of the config, submission's first."""
        settings = self._settings()
        tenants, strangers = settings.submission.listener, settings.inbound.listener
        sockets = self._sockets
        submission = list(zip(sockets[: len(tenants)], tenants, strict=True))
        inbound = list(zip(sockets[len(tenants) :], strangers, strict=True))
        return (
            SubmissionServer(submission, lambda: self._context, sessions),
            InboundServer(inbound, lambda: self._inbound, sessions),
        )

    def _submission_context(self) -> SubmissionContext:
        settings = self._settings()
        return SubmissionContext(
            hostname=settings.gateway.hostname,
            section=settings.submission,
            intake=self._intake,
            accounts=self._books.accounts,
            quota=self._books.quota,
            presence=self._books.presence,
            meter=self._meter,
            clock=self._clock,
            contents=self._contents,
            logins=self._logins,
            tls=self._holder.current.tls,
        )

    def _inbound_context(self) -> InboundContext:
        settings = self._settings()
        return InboundContext(
            hostname=settings.gateway.hostname,
            section=settings.inbound,
            intake=self._reception,
            presence=self._books.presence,
            meter=self._meter,
            clock=self._clock,
            contents=self._letters,
            tls=self._holder.current.tls,
        )

    def _inbound_means(self) -> InboundMeans:
        books = self._books
        return InboundMeans(
            configuration=lambda: self._holder.current,
            leaving=books.leaving,
            keyring=books.keyring,
            quota=books.quota,
            spool=self._spool,
            dispatch=self._scheduler,
            clock=self._clock,
            entropy=self._entropy,
            meter=self._meter,
        )

    def _means(self) -> Means:
        return Means(
            accounts=WithProvider(self._books.accounts),
            quota=self._books.quota,
            signer=self._signer,
            hop=self._routes,
            clock=self._clock,
            meter=self._meter,
            shelf=lambda: self._holder.current.shelf,
            bonds=self._bonds,
        )

    async def _bonds(self, account_id: int, address: Address) -> Bonds:
        address_hash = self._books.keyring.address_hash(account_id, address.identity)
        return await self._gatherer.bonds(account_id, address_hash)

    def _intake_world(self) -> World:
        reports = Reports(lambda: self._holder.current.hostname, self._clock, self._entropy)
        return World(
            accounts=self._books.accounts,
            gatherer=self._gatherer,
            keyring=self._books.keyring,
            quota=self._books.quota,
            spool=self._spool,
            dispatch=self._scheduler,
            clock=self._clock,
            entropy=self._entropy,
            meter=self._meter,
            shelf=lambda: self._holder.current.shelf,
            links=lambda: self._holder.current.links,
            hostname=lambda: self._holder.current.hostname,
            report_refusals=reports.refusals,
            describe_rewrite=self._describe_rewrite,
        )

    def _describe_rewrite(self, message: Message, ours: str) -> Rewriting:
        return self._holder.current.describe_rewrite(message, ours)

    async def _adopt_forever(self) -> None:
        """Take in the mail of shards whose worker does not come back."""
        while True:
            await asyncio.sleep(_ADOPT_PAUSE * (1 + self._entropy.fraction()))
            try:
                adopted = await adopt_orphans(self._spool, self._clock.now())
            except (PublicError, OSError) as error:  # OSError: no descriptor is left, or no room for a lock
                log.warning("orphans wait", why=str(error))
                continue
            if adopted:
                log.info("adopted a shard", submissions=adopted, worker=self._number)
                self._scheduler.nudge()

    async def _expire_forever(self) -> None:
        """Let the first worker take events away that are older than they are kept."""
        while self._number == 0:
            try:
                await self._books.events.expire(self._clock.now() - self._settings().store.keep_events)
                await self._postman.tidy()
            except PublicError as error:
                log.warning("old events stay for now", why=str(error))
            await asyncio.sleep(_EXPIRE_PAUSE)


def _open_books(number: int, configuration: Configuration, stack: AsyncExitStack) -> Books:
    settings, entropy = configuration.settings, SystemEntropy()
    state = settings.gateway.state_dir
    store = open_store(settings)
    stack.callback(store.close)
    keyring = StoreKeyring(store, configuration.master_key, rules=settings.addresses.spelling)
    accounts = StoreAccounts(store, Passwords(settings.submission.login_cache))
    books = Books(
        accounts=accounts,
        consent=StoreConsentBook(store),
        events=StoreEvents(store),
        keyring=keyring,
        dkim_keys=DkimKeyBook(store, keyring, accounts.revision),
        letters=Letters(store, keyring),
        quota=SharedQuota(state / "quota.shm", entropy),
        presence=SharedPresence(state / "presence.shm", entropy, number),
        leaving=MailLeaving(store, keyring),
        meter=PrometheusMeter(configuration.metrics_folder),
        store=store,
    )
    stack.push_async_callback(books.leaving.close)
    stack.callback(books.meter.close)
    logs.configure(settings.log.level, lost=partial(books.meter.count, "log_lines_lost_total"))
    for book in (books.accounts, books.consent, books.events, books.quota, books.presence):
        stack.callback(book.close)
    return books
