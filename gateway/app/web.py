"""The web process: the public pages and the API; metrics and health on an address that is not public.

What it promises: a page that says "you have unsubscribed" is shown after the commit. It reads and writes the
store only; it never talks to the workers.
"""

import asyncio
import shutil
import socket
from collections.abc import Sequence
from functools import partial

from starlette.types import ASGIApp

from gateway.app.configuration import Configuration
from gateway.app.control import Control
from gateway.app.departing import StoreDeparting
from gateway.app.ending import Ending
from gateway.app.ending import Means as MeansOfEnding
from gateway.app.forgetting import forget_erased
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
from gateway.settings.files import Files
from gateway.settings.reload import Reloadable
from gateway.settings.schema import Settings
from gateway.store.database import Store, open_store
from gateway.store.keys import StoreKeyring
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


async def serve(
    _number: int, sockets: Sequence[socket.socket], holder: Reloadable[Configuration], control: Control
) -> None:
    """Be the web process until told to drain."""
    configuration = holder.current
    settings = configuration.settings
    meter = PrometheusMeter(configuration.metrics_folder)
    store = open_store(settings)
    keyring = StoreKeyring(store, configuration.master_key, rules=settings.addresses.spelling)
    departing = StoreDeparting(store, keyring)
    link_check = LinkCheck(store, keyring, holder, meter)
    quota = SharedQuota(settings.gateway.state_dir / "quota.shm", SystemEntropy())
    letters = SignupLetters(lambda: holder.current.links, lambda: holder.current.settings.letters_from)
    telling = Telling(store, keyring, holder, meter, letters.compose)
    joining = StoreJoining(store, keyring, meter, letters.compose, lambda: holder.current.settings.signup)
    invitations = InvitationLetters(
        lambda: holder.current.links, lambda: holder.current.settings.letters_from
    )
    recommending = StoreRecommending(
        store, keyring, meter, invitations.compose, lambda: holder.current.settings.recommendation
    )
    rounds = Rounds(
        SignupRounds(store, keyring),
        letters.compose,
        lambda: holder.current.settings.signup,
        SystemClock(),
        meter,
    )
    desk = ImportDesk(store, keyring, lambda: holder.current, SystemClock())
    lock = settings.gateway.state_dir / "imports.lock"
    imports = ImportRounds(desk, joining.ask, lock, SystemClock(), meter)
    pages = build_public(
        Means(
            leaving=StoreLeaving(store, keyring, meter),
            departing=departing,
            keys=lambda: holder.current.tokens.keys,
            links=lambda: holder.current.links,
            quota=quota,
            clock=SystemClock(),
            meter=meter,
            settings=lambda: holder.current.settings.web,
            letters_from=lambda: holder.current.settings.letters_from,
            joining=joining,
            recommending=recommending,
            recommendation=lambda: holder.current.settings.recommendation,
            signup=lambda: holder.current.settings.signup,
            entropy=SystemEntropy(),
        )
    )
    ending = Ending(_means_of_ending(store, keyring, holder, quota), meter)
    operations = build_metrics(Exposition(configuration.metrics_folder), _checks(store, settings), meter)
    serving = _Ready(control, len(sockets))
    grace = settings.gateway.drain * 0.8
    served: tuple[ASGIApp, ...] = (Doors(pages, telling.api), operations)
    # Each socket has places of its own: a flood on the public one leaves the operators theirs.
    places = [Places(lambda: holder.current.settings.web, meter) for _ in served]
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(control.listen(partial(_reload, holder)))
        behind = [tasks.create_task(one.run()) for one in (telling, link_check, rounds, ending, imports)]
        behind.append(tasks.create_task(forget_erased(keyring, telling.revision, store)))
        tasks.create_task(telling.let_go(control.stopping))
        async with asyncio.TaskGroup() as apps:
            for app, sock, room in zip(served, sockets, places, strict=True):
                apps.create_task(
                    serve_app(
                        app, sock, control.stopping, places=room, grace=grace, listening=serving.one_more
                    )
                )
        listening.cancel()
        for loop in behind:
            loop.cancel()
    await link_check.close()
    await telling.close()
    await departing.close()
    quota.close()
    store.close()
    meter.close()


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
