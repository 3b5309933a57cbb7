"""Imports, put together: the store's cases, the operator's policy, the DNS, the letters that ask.

``ImportDesk.proceed`` does whatever a case needs next and needs nobody for; the command line calls it, the
API does, and ``ImportRounds`` in the web process calls it for what a killed process has left behind.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import structlog

import policies.imports
from gateway.app.configuration import Configuration
from gateway.app.sole import sole
from gateway.imports.case import ENDED, CaseState
from gateway.imports.known import Known, load_known
from gateway.imports.mail_domains import MailDomains
from gateway.imports.reading import Form
from gateway.model.address import Address
from gateway.model.facts import Basis
from gateway.model.import_rules import Decision, ImportRules
from gateway.model.ledger import Origin
from gateway.model.reply import PublicError
from gateway.model.signup import Fate, Wish
from gateway.ports import Clock, Meter
from gateway.store.database import Store
from gateway.store.import_cases import Case, CaseMoved
from gateway.store.import_staging import Progress
from gateway.store.imports import Imports, in_silence
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import StoreRefusal

log = structlog.get_logger("imports")

_PAUSE = 5.0  # seconds between two rounds
_LONGEST = 300.0  # seconds of asking that a round makes up for, at most
_ASKED = frozenset({Fate.LETTER, Fate.REMINDER, Fate.WAITING})

AskOwner = Callable[[Wish, float], Fate]
"""Takes a wish to subscribe: ``StoreJoining.ask``."""


class ImportDesk:
    """Takes imports and brings them on. Blocks: callers in an event loop use threads. Safe for threads."""

    def __init__(
        self, store: Store, keyring: StoreKeyring, configuration: Callable[[], Configuration], clock: Clock
    ) -> None:
        self.cases = Imports(store, keyring)
        self._configuration = configuration
        self._clock = clock
        self._domains = MailDomains(configuration().settings.imports.resolvers)

    @property
    def rules(self) -> ImportRules:
        """What policy.toml says of imports."""
        return policies.imports.rules(self._configuration().loaded.policy.get("imports", {}))

    @property
    def known(self) -> Known:
        """What is known of names; raise OSError, ValueError for the operator's file of traps."""
        traps = self._configuration().settings.imports.spam_traps
        return _known(traps, traps.stat().st_mtime if traps else 0.0)

    def now(self) -> float:
        """Return the time, as all that is done here sees it."""
        return self._clock.now()

    def begin(  # noqa: PLR0917 - what there is to say of one; callers name them
        self, account_id: int, list_id: int, basis: Basis, source: str, file: str, form: Form, opened_by: str
    ) -> Case:
        """Open a case; raise NoSuchList, TooMany, StoreAway."""
        return self.cases.open(account_id, list_id, basis, source, file, form, opened_by, self._clock.now())

    def receive(self, case: Case, chunks: Iterable[bytes], progress: Progress = in_silence) -> Case:
        """Take a file from its beginning; what was taken before is passed over.

        Raise UnreadableFile, CaseMoved, StoreAway; what was taken stays, and it can be sent again.
        """
        now = self._clock.now()
        staged = self.cases.stage(case, chunks, self.known, self.rules.rows, now, progress)
        return self.cases.complete(staged, self._clock.now())

    def proceed(self, case: Case, progress: Progress = in_silence) -> Case:
        """Do what a case needs and what needs nobody: examine, judge, apply; raise CaseMoved, StoreAway."""
        now = self._clock.now()
        if case.state is CaseState.RECEIVED:
            case = self.cases.examine(case, self.known, self.rules, self._domains.ask, now)
        if case.state is CaseState.EXAMINED:
            case = self.cases.judge(case, self.rules, self._clock.now())
        if case.state is CaseState.ACCEPTED or (case.state is CaseState.APPLYING and not case.asks):
            case = self.cases.apply(case, self._clock.now(), progress)
        return case

    def ask_some(self, case: Case, ask: AskOwner, seconds: float) -> Case:
        """Ask as many owners as policy lets in so many seconds; raise CaseMoved, StoreAway."""
        now = self._clock.now()

        def one(case: Case, address: Address, ip: str) -> bool:
            origin = Origin(case.actor, case.details.source, ip)
            wish = Wish(case.account_id, case.list_id, address, "", origin)
            return ask(wish, now) in _ASKED

        return self.cases.ask(case, one, max(1, int(self.rules.asks * seconds / 3600)), now)

    def end(self, case: Case) -> Case:
        """Refuse a file whose rest never came, and delete the rows of what was refused."""
        now = self._clock.now()
        if case.state is CaseState.RECEIVING:
            return self.cases.decide(case, Decision.REFUSE, "system", "the rest of the file never came", now)
        self.cases.clear(case, now)
        return case


@lru_cache(maxsize=1)
def _known(traps: Path | None, _changed_at: float) -> Known:
    return load_known(traps)


class _Stopping(Exception):
    """The process is to end."""


class ImportRounds:
    """The loop behind: it brings on what nobody is at. One web process at a time runs it."""

    def __init__(self, desk: ImportDesk, ask: AskOwner, lock: Path, clock: Clock, meter: Meter) -> None:
        self._desk = desk
        self._ask = ask
        self._lock = lock
        self._clock = clock
        self._meter = meter
        self._stopping = False
        self._handed: set[str] = set()
        self._wake = asyncio.Event()

    def hand_over(self, import_id: str) -> None:
        """Bring an import on at once: whoever brought its rows is done with it."""
        self._handed.add(import_id)
        self._wake.set()

    async def run(self) -> None:
        """Go round until cancelled; what is being applied then stops behind its next transaction."""
        try:
            while True:
                try:
                    async with sole(self._lock):
                        await self._go_round()
                except OSError as error:  # no room for the lock's file
                    log.warning("imports wait for their lock", why=str(error))
                await asyncio.sleep(_PAUSE)
        finally:
            self._stopping = True

    async def _go_round(self) -> None:
        while True:
            self._wake.clear()
            handed, self._handed = self._handed, set()
            await asyncio.to_thread(self.round, handed)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _PAUSE)

    def round(self, handed: Iterable[str] = ()) -> None:
        """Bring every case on that waits for nobody; one that fails holds up itself only."""
        try:
            cases = self._desk.cases.to_do(self._clock.now(), handed)
            self._meter.gauge("imports_held", self._desk.cases.held())
        except PublicError as error:
            log.warning("imports wait for the store", why=str(error))
            return
        for case in cases:
            try:
                after = self._step(case)
            except CaseMoved:
                continue  # somebody else is at it
            except _Stopping:
                return
            except (PublicError, StoreRefusal, KeyError, ValueError, OSError) as error:
                log.warning("an import waits", case=case.id, why=type(error).__name__)
                continue
            if after.state in ENDED:
                self._meter.count("imports_total", state=str(after.state))

    def _step(self, case: Case) -> Case:
        if case.state in {CaseState.RECEIVING, CaseState.REFUSED}:
            return self._desk.end(case)
        if case.state is CaseState.PENDING or (case.state is CaseState.APPLYING and case.asks):
            since = min(_LONGEST, self._clock.now() - case.touched_at)
            return self._desk.ask_some(case, self._ask, since)
        return self._desk.proceed(case, self._look_up)

    def _look_up(self, _: int) -> None:
        if self._stopping:
            raise _Stopping
