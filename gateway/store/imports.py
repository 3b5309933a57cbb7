"""Imports: many addresses of a tenant as a case, from the first row to the last subscription; sync.

What it promises: nothing of an import counts before its report and a decision. Whatever is killed at any
moment is resumed where it stood: ``stage`` with the line after the last one kept, ``examine`` from its
beginning, ``apply`` behind its last transaction. Several processes may work on one case: one of them moves it
on, the others get CaseMoved. It fails with a ``StoreRefusal`` whose text is for the one who asked, with
UnreadableFile, and with StoreAway.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import delete, func, select

from gateway.imports import risk
from gateway.imports.case import ENDED, TO_DO, CaseEvent, CaseState
from gateway.imports.known import Known
from gateway.imports.mail_domains import Taking
from gateway.imports.reading import Form
from gateway.imports.risk import Domains, Overlap, Report
from gateway.imports.tally import Tally
from gateway.model.events import Event, EventType, Scalar, SealedEvent, seal_event
from gateway.model.facts import Basis
from gateway.model.identity import new_id
from gateway.model.import_rules import Decision, ImportRules
from gateway.store.account_rows import read_account
from gateway.store.database import Store
from gateway.store.event_ids import EventIds, Octets
from gateway.store.events import insert_events
from gateway.store.import_applying import Application
from gateway.store.import_asking import Ask, Asking
from gateway.store.import_cases import (
    Case,
    CaseMoved,
    Details,
    NoSuchImport,
    advance,
    case_of,
    change,
    read_case,
    read_tally,
    seal_case,
)
from gateway.store.import_examination import BUCKETS, standing_of
from gateway.store.import_staging import Progress, Staging
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import TooMany
from gateway.store.schema import ACCOUNT, IMPORT_CASE, IMPORT_FAULT, IMPORT_ROW
from gateway.store.subscription_rows import check_list

import msgspec  # isort: skip

LookUp = Callable[[Sequence[str], float], Mapping[str, Taking]]
"""Asks the DNS about domains, for so many seconds: ``MailDomains.ask``."""

POLICY = "policy"

_AT_ONCE = 20  # imports of one account that have not ended
_CHUNK = 10_000  # rows deleted in one transaction
_LEFT_ALONE = 120.0  # seconds without a batch: whoever worked on it is gone
_A_FEW = 30.0  # seconds between two rounds of letters that ask
_GIVEN_UP = 604_800.0  # seconds after which nobody sends the rest of a file
_NAMED = 5  # overlaps that are told as events
_SUSPICIOUS = 0.2  # of an import that certainly is another list
_EVENTS = {
    Decision.ACCEPT: CaseEvent.ACCEPT,
    Decision.ASK: CaseEvent.ASK,
    Decision.HOLD: CaseEvent.HOLD,
    Decision.REFUSE: CaseEvent.REFUSE,
}


def in_silence(_: int) -> None:
    """Nobody watches."""


class Imports:
    """The imports of all accounts."""

    def __init__(self, store: Store, keyring: StoreKeyring, octets: Octets = os.urandom) -> None:
        self._store = store
        self._keyring = keyring
        self._octets = octets
        self._ids = EventIds(octets)

    def open(  # noqa: PLR0917 - what there is to say of one; callers name them
        self,
        account_id: int,
        list_id: int,
        basis: Basis,
        source: str,
        file: str,
        form: Form,
        opened_by: str,
        now: float,
    ) -> Case:
        """Begin an import; raise NoSuchList, TooMany."""
        case_id = new_id(now, self._octets(10))
        details = Details(source, file, opened_by, form)
        sealed = seal_case(self._keyring, account_id, case_id, details)
        with self._store.write() as connection:
            check_list(connection, account_id, list_id)
            going = select(func.count()).where(
                IMPORT_CASE.c.account_id == account_id, IMPORT_CASE.c.state.not_in(map(str, ENDED))
            )
            if connection.execute(going).scalar_one() >= _AT_ONCE:
                raise TooMany(f"the account has {_AT_ONCE} imports that have not ended yet")
            counts = dict.fromkeys(
                ("line", "rows", "faults", "bucket", "asked", "added", "changed", "unchanged", "left_out"), 0
            )
            connection.execute(
                IMPORT_CASE.insert().values(
                    id=case_id,
                    account_id=account_id,
                    list_id=list_id,
                    state=str(CaseState.RECEIVING),
                    basis=str(basis),
                    asks=False,
                    sealed=sealed,
                    opened_at=now,
                    touched_at=now,
                    digest=b"",
                    tally=b"",
                    report="",
                    **counts,
                )
            )
            return read_case(connection, self._keyring, case_id)

    def show(self, case_id: str, account_id: int | None = None) -> Case:
        """Return an import, one of this account's where one is given; raise NoSuchImport."""
        with self._store.read() as connection:
            case = read_case(connection, self._keyring, case_id)
        if account_id not in {None, case.account_id}:
            raise NoSuchImport(f"there is no import {case_id}")
        return case

    def list(
        self,
        account_id: int | None = None,
        states: Iterable[CaseState] = (),
        before: int = 0,
        limit: int = 100,
    ) -> Sequence[Case]:
        """Return imports, the newest first; ``before``: with smaller numbers only."""
        this = IMPORT_CASE.c
        query = select(IMPORT_CASE).order_by(this.number.desc()).limit(limit)
        if account_id is not None:
            query = query.where(this.account_id == account_id)
        if wanted := [str(state) for state in states]:
            query = query.where(this.state.in_(wanted))
        if before:
            query = query.where(this.number < before)
        with self._store.read() as connection:
            return [case_of(row, self._keyring) for row in connection.execute(query).all()]

    def faults(self, case: Case, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, str]]:
        """Return (line, reason) of the lines that were not taken, behind a line."""
        this = IMPORT_FAULT.c
        query = (
            select(this.line, this.reason)
            .where(this.case_number == case.number, this.line > after)
            .order_by(this.line)
            .limit(limit)
        )
        with self._store.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    def stage(  # noqa: PLR0917 - what there is to say of it
        self,
        case: Case,
        chunks: Iterable[bytes],
        known: Known,
        limit: int,
        now: float,
        progress: Progress = in_silence,
    ) -> Case:
        """Take the rows of a file, from its beginning: what was taken before is passed over.

        Raise UnreadableFile, CaseMoved, and whatever ``chunks`` raises; the batches before are kept then.
        """
        return Staging(self._store, self._keyring, known, case, limit).run(chunks, now, progress)

    def complete(self, case: Case, now: float) -> Case:
        """Say that all rows are there; raise CaseMoved."""
        return self._advance(case, CaseEvent.COMPLETE, now)

    def examine(
        self, case: Case, known: Known, rules: ImportRules, look_up: LookUp | None, now: float
    ) -> Case:
        """Write the report; ``look_up`` None: nothing is asked of the DNS."""
        with self._store.read() as connection:
            tally = read_tally(connection, self._keyring, case)
        standing = standing_of(self._store, case, now)
        domains = Domains() if look_up is None or not rules.look_up else _domains(tally, rules, look_up)
        report = risk.examine(tally, standing, domains, known, rules)
        text = msgspec.json.encode(report).decode()
        with self._store.write() as connection:
            advance(connection, case, CaseEvent.EXAMINE, now, {"report": text, "tally": b""})
            insert_events(connection, list(self._overlaps(case, report, now)))
        return self.show(case.id)

    def judge(self, case: Case, rules: ImportRules, now: float) -> Case:
        """Let policy decide about an examined import."""
        if case.report is None:
            raise CaseMoved(f"import {case.id} is {case.state}: it was not examined yet")
        with self._store.read() as connection:
            account = read_account(connection, ACCOUNT.c.id == case.account_id)
        if account is None:
            raise NoSuchImport(f"the account of import {case.id} is gone")
        decision = rules.decide(case.report.score, case.basis, account.account.consent)
        return self.decide(case, decision, POLICY, f"a score of {case.report.score:g}", now)

    def decide(self, case: Case, decision: Decision, by: str, reason: str, now: float) -> Case:
        """Say what becomes of an import; raise CaseMoved where that is settled already."""
        old = case.details
        details = Details(old.source, old.file, old.opened_by, old.form, by, reason)
        values = {
            "sealed": seal_case(self._keyring, case.account_id, case.id, details),
            "decided_at": now,
            "asks": decision is Decision.ASK,
        }
        with self._store.write() as connection:
            advance(connection, case, _EVENTS[decision], now, values)
            after = read_case(connection, self._keyring, case.id)
            insert_events(connection, [self._told(after, now)])
        if after.state is CaseState.REFUSED:
            self.clear(after, now)
        return after

    def apply(self, case: Case, now: float, progress: Progress = in_silence) -> Case:
        """Make subscriptions of an accepted import, or of what is left of it; raise CaseMoved."""
        return self._finish(Application(self._store, self._keyring, case).run(now, progress), now)

    def ask(self, case: Case, ask: Ask, limit: int, now: float) -> Case:
        """Ask the owners of up to ``limit`` rows of an import that was accepted so; raise CaseMoved."""
        after, more = Asking(self._store, self._keyring, case).run(ask, limit, now)
        return after if more else self._finish(after, now)

    def clear(self, case: Case, now: float) -> int:
        """Delete the rows of an import that was refused, a chunk a transaction; return how many."""
        this, deleted = IMPORT_ROW.c, 0
        for bucket in range(BUCKETS):
            mine = (this.case_number == case.number, this.bucket == bucket)
            gone = _CHUNK
            while gone == _CHUNK:
                with self._store.write() as connection:
                    some = select(this.line).where(*mine).order_by(this.line).limit(_CHUNK)
                    gone = connection.execute(delete(IMPORT_ROW).where(*mine, this.line.in_(some))).rowcount
                deleted += gone
        with self._store.write() as connection:
            change(connection, case, now, {"bucket": BUCKETS, "tally": b""})
        return deleted

    def to_do(self, now: float, handed: Iterable[str] = ()) -> Sequence[Case]:
        """Return the imports that go on by themselves, and those that were left: nobody works on them now.

        ``handed``: the ids of some that whoever worked on them has handed over.
        """
        this = IMPORT_CASE.c
        left_alone = this.state.in_(map(str, TO_DO)) & (this.touched_at < now - _LEFT_ALONE)
        # Nobody else asks: a few at a time, and not before a few are due.
        to_ask = (this.state == str(CaseState.PENDING)) | (
            (this.state == str(CaseState.APPLYING)) & this.asks & (this.touched_at < now - _A_FEW)
        )
        forgotten = (this.state == str(CaseState.RECEIVING)) & (this.touched_at < now - _GIVEN_UP)
        to_clear = (this.state == str(CaseState.REFUSED)) & (this.bucket < BUCKETS)
        query = (
            select(IMPORT_CASE)
            .where(left_alone | to_ask | forgotten | to_clear | this.id.in_(handed))
            .order_by(this.number)
            .limit(100)
        )
        with self._store.read() as connection:
            return [case_of(row, self._keyring) for row in connection.execute(query).all()]

    def held(self) -> int:
        """Return how many imports wait for an operator."""
        query = select(func.count()).where(IMPORT_CASE.c.state == str(CaseState.HELD))
        with self._store.read() as connection:
            return int(connection.execute(query).scalar_one())

    def _finish(self, case: Case, now: float) -> Case:
        with self._store.write() as connection:
            advance(connection, case, CaseEvent.FINISH, now)
            after = read_case(connection, self._keyring, case.id)
            insert_events(connection, [self._told(after, now)])
        return after

    def _advance(self, case: Case, event: CaseEvent, now: float) -> Case:
        with self._store.write() as connection:
            advance(connection, case, event, now)
            return read_case(connection, self._keyring, case.id)

    def _told(self, case: Case, now: float) -> SealedEvent:
        """Return the one event of what became of a case."""
        facts: dict[str, Scalar] = {
            "import": case.id,
            "state": str(case.state),
            "rows": case.rows,
            "faults": case.faults,
            "asked": case.asked,
            "added": case.added,
            "changed": case.changed,
            "unchanged": case.unchanged,
            "left_out": case.left_out,
        }
        return self._event(EventType.IMPORT, case, facts, {"by": case.details.decided_by}, now)

    def _overlaps(self, case: Case, report: Report, now: float) -> Iterable[SealedEvent]:
        """Yield what the operator is told of lists that an import may come from."""
        certain = [
            one for one in report.overlaps if one.bounds[0] >= _SUSPICIOUS and not _harmless(one, case)
        ]
        for one in certain[:_NAMED]:
            low, high = one.bounds
            facts: dict[str, Scalar] = {
                "import": case.id,
                "account": one.account_id,
                "list": one.list_id,
                "share": round(one.share, 3),
                "low": round(low, 3),
                "high": round(high, 3),
            }
            yield self._event(EventType.OVERLAP, case, facts, {}, now)

    def _event(
        self, kind: EventType, case: Case, facts: Mapping[str, Scalar], data: Mapping[str, str], now: float
    ) -> SealedEvent:
        event = Event(
            self._ids.next(now), kind, now, case.account_id, list_id=case.list_id, facts=facts, data=data
        )
        return seal_event(event, self._keyring.seal)


def _harmless(one: Overlap, case: Case) -> bool:
    """Whether it is the very list that the import is for."""
    return (one.account_id, one.list_id) == (case.account_id, case.list_id)


def _domains(tally: Tally, rules: ImportRules, look_up: LookUp) -> Domains:
    """Look the largest domains up, and count their rows."""
    largest = sorted(tally.domains, key=lambda domain: -tally.domains[domain])[: rules.domains]
    taking = look_up(largest, rules.seconds)
    known = {domain: one for domain, one in taking.items() if one is not Taking.UNKNOWN}
    return Domains(
        sum(tally.domains[domain] for domain in known),
        sum(tally.domains[domain] for domain, one in known.items() if one is not Taking.YES),
    )
