"""The web process: the public pages and the API; metrics and health on an address that is not public.

What it promises: a page that says "you have unsubscribed" is shown after the commit. It reads and writes the
store only; it never talks to the workers.
"""

import asyncio
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.types import ASGIApp

from gateway.app.api_imports import Receiving
from gateway.app.configuration import Configuration
from gateway.app.control import Control
from gateway.app.departing import StoreDeparting
from gateway.app.ending import Ending
from gateway.app.ending import Means as MeansOfEnding
from gateway.app.forgetting import forget_answers, forget_erased
from gateway.app.importing import ImportDesk, ImportRounds
from gateway.app.joining import Rounds, StoreJoining
from gateway.app.leaving import StoreLeaving
from gateway.app.link_check import LinkCheck
from gateway.app.recommending import StoreRecommending
from gateway.app.telling import Telling
from gateway.app.world import SystemClock, SystemEntropy
from gateway.observe import logs
from gateway.observe.exposition import Exposition
from gateway.observe.metrics import PrometheusMeter
from gateway.pipeline.links import Links
from gateway.settings.files import Files
from gateway.settings.reload import Reloadable
from gateway.settings.schema import Settings
from gateway.store.database import Store, open_store
from gateway.store.idempotency import Idempotency
from gateway.store.keys import StoreKeyring
from gateway.store.own_imports import StoreImports
from gateway.store.presence import forget_key
from gateway.store.quota import SharedQuota
from gateway.store.signup_rounds import SignupRounds
from gateway.web.api.app import Doors
from gateway.web.invitation_letter import InvitationLetters
from gateway.web.operations import Check, build_metrics, in_thread
from gateway.web.places import Places
from gateway.web.public import Means, build_public
from gateway.web.serve import serve as serve_app
from gateway.web.signup_letter import SignupLetters


@dataclass(frozen=True, slots=True)
class Books:
    """What everything in this process reads and writes, and how it is set now."""

    holder: Reloadable[Configuration]
    meter: PrometheusMeter
    store: Store
    keyring: StoreKeyring
    quota: SharedQuota

    def settings(self) -> Settings:
        """Return the settings in force."""
        return self.holder.current.settings

    def links(self) -> Links:
        """Return what signs links now."""
        return self.holder.current.links

    def letters_from(self) -> str:
        """Return who our letters are from."""
        return self.settings().letters_from

    def close(self) -> None:
        """Close all of them."""
        self.quota.close()
        self.store.close()
        self.meter.close()


async def serve(
    _number: int, sockets: Sequence[socket.socket], holder: Reloadable[Configuration], control: Control
) -> None:
    """Be the web process until told to drain."""
    books = _open_books(holder)
    store, keyring, meter = books.store, books.keyring, books.meter
    departing = StoreDeparting(store, keyring)
    link_check = LinkCheck(store, keyring, holder, meter)
    letters = SignupLetters(books.links, books.letters_from)
    joining = StoreJoining(store, keyring, meter, letters.compose, lambda: books.settings().signup)
    importing = ImportDesk(store, keyring, lambda: holder.current, SystemClock())
    imports = _import_rounds(books, importing, joining)
    receiving = Receiving(importing, StoreImports(store, keyring), imports.hand_over)
    telling = Telling(store, keyring, holder, meter, letters.compose, receiver=receiving)
    rounds = Rounds(
        SignupRounds(store, keyring), letters.compose, lambda: books.settings().signup, SystemClock(), meter
    )
    ending = Ending(_means_of_ending(store, keyring, holder, books.quota), meter)
    loops = (telling, link_check, rounds, ending, imports)
    apps: tuple[ASGIApp, ...] = (
        Doors(build_public(_public_means(books, departing, joining)), telling.api),
        build_metrics(Exposition(holder.current.metrics_folder), _checks(store, books.settings()), meter),
    )
    async with asyncio.TaskGroup() as tasks:
        behind = [tasks.create_task(one.run()) for one in loops]
        behind.append(tasks.create_task(forget_erased(keyring, telling.revision, store)))
        behind.append(tasks.create_task(forget_answers(Idempotency(store, keyring), SystemClock())))
        behind.append(tasks.create_task(control.listen(partial(_reload, holder))))
        tasks.create_task(telling.let_go(control.stopping))
        await _serve_apps(apps, sockets, books, control)
        for loop in behind:
            loop.cancel()
    await link_check.close()
    await telling.close()
    await departing.close()
    books.close()


def _open_books(holder: Reloadable[Configuration]) -> Books:
    configuration = holder.current
    settings = configuration.settings
    meter, store = PrometheusMeter(configuration.metrics_folder), open_store(settings)
    keyring = StoreKeyring(store, configuration.master_key, rules=settings.addresses.spelling)
    quota = SharedQuota(settings.gateway.state_dir / "quota.shm", SystemEntropy())
    return Books(holder, meter, store, keyring, quota)


async def _serve_apps(
    apps: Sequence[ASGIApp], sockets: Sequence[socket.socket], books: Books, control: Control
) -> None:
    """Serve each application at its socket until told to drain."""
    serving = _Ready(control, len(sockets))
    grace = books.settings().gateway.drain * 0.8
    async with asyncio.TaskGroup() as tasks:
        for app, sock in zip(apps, sockets, strict=True):
            # Each socket has places of its own: a flood on the public one leaves the operators theirs.
            places = Places(lambda: books.settings().web, books.meter)
            tasks.create_task(
                serve_app(app, sock, control.stopping, places=places, grace=grace, listening=serving.one_more)
            )


def _public_means(books: Books, departing: StoreDeparting, joining: StoreJoining) -> Means:
    """Return what the pages stand on."""
    store, keyring, meter = books.store, books.keyring, books.meter
    invitations = InvitationLetters(books.links, books.letters_from)
    return Means(
        leaving=StoreLeaving(store, keyring, meter),
        departing=departing,
        keys=lambda: books.holder.current.tokens.keys,
        links=books.links,
        quota=books.quota,
        clock=SystemClock(),
        meter=meter,
        settings=lambda: books.settings().web,
        letters_from=books.letters_from,
        joining=joining,
        recommending=StoreRecommending(
            store, keyring, meter, invitations.compose, lambda: books.settings().recommendation
        ),
        recommendation=lambda: books.settings().recommendation,
        signup=lambda: books.settings().signup,
        entropy=SystemEntropy(),
    )


def _import_rounds(books: Books, desk: ImportDesk, joining: StoreJoining) -> ImportRounds:
    lock = books.settings().gateway.state_dir / "imports.lock"
    return ImportRounds(desk, joining.ask, lock, SystemClock(), books.meter)


def _means_of_ending(
    store: Store, keyring: StoreKeyring, holder: Reloadable[Configuration], quota: SharedQuota
) -> MeansOfEnding:
    settings, entropy = holder.current.settings, SystemEntropy()
    state = settings.gateway.state_dir
    return MeansOfEnding(
        store=store,
        keyring=keyring,
        state=state,
        settings=lambda: holder.current.settings.accounts,
        rules=settings.addresses.spelling,
        forget=(quota.forget, partial(forget_key, state / "presence.shm", entropy)),
        clock=SystemClock(),
        octets=entropy.octets,
    )


class _Ready:
    """Says ready when every socket is served."""

    def __init__(self, control: Control, sockets: int) -> None:
        self._control = control
        self._missing = sockets

    def one_more(self) -> None:
        self._missing -= 1
        if self._missing == 0:
            self._control.ready()


def _reload(holder: Reloadable[Configuration], files: Files) -> list[str]:
    problems = [str(problem) for problem in holder.reload(files)]
    if not problems:
        logs.set_level(holder.current.settings.log.level)
    return problems


def _checks(store: Store, settings: Settings) -> dict[str, Check]:
    """Return what must be well for the gateway to be ready."""

    def look_at_store() -> str:
        store.health()
        return ""

    def look_at_disk() -> str:
        free = shutil.disk_usage(settings.gateway.state_dir).free
        if free < settings.spool.min_free:
            raise OSError(f"{free} octets are free, the spool wants {settings.spool.min_free}")
        return f"{free} octets free"

    async def knock() -> str:
        """Ask the first listener for its greeting: the workers' own word that they are there."""
        listen = settings.submission.listener[0].listen
        if settings.submission.listener[0].tls == "implicit" or settings.submission.listener[0].proxy_from:
            return "not asked: the first listener does not greet at once"
        reader, writer = await asyncio.open_connection(*listen)
        try:
            greeting = await reader.readline()
        finally:
            writer.close()
        if not greeting.startswith(b"220"):
            raise ConnectionError("no greeting")
        return ""

    return {"store": in_thread(look_at_store), "spool": in_thread(look_at_disk), "workers": knock}
