"""Loading many addresses into a list: a batch a transaction, a reason for each line that is not taken.

What it promises: what ``Subscriptions.add`` would do for each line, only quicker; a load that was cut off is
finished by running it again, for what is there already changes nothing. Parsing and sealing are done before
the transaction, so that others wait for the inserts only.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Connection

from gateway.model.address import Address, MalformedAddress, parse_address
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Act, Deed, Origin, SealedDeed, seal_deed
from gateway.ports import Keyring
from gateway.store.bond import Change, Left, subscribe, why_left
from gateway.store.database import Store
from gateway.store.do_not_mail import OF_THEIR_OWN, anybody, kept_among, why_kept
from gateway.store.events import insert_events
from gateway.store.ledger import append_sealed
from gateway.store.person_sample import remember
from gateway.store.schema import PROVIDER_ID
from gateway.store.subscription_rows import (
    Bond,
    Entry,
    Scribe,
    add_rows,
    change_row,
    check_list,
    seal_details,
    standings,
)

Progress = Callable[[int], None]
"""Told after each batch how many lines are done."""

_BATCH = 10_000  # lines
_REASONS = 10_000  # refused lines that are named; all are counted


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the lines. ``refused`` has (line number, reason), the first 10,000 of them."""

    added: int
    changed: int
    unchanged: int
    refused_count: int
    refused: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """Where the addresses go, and why they may be written to."""

    account_id: int
    list_id: int
    basis: Basis
    origin: Origin
    now: float
    state: SubscriptionState = SubscriptionState.CONFIRMED


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    entry: Entry
    person: bytes
    deed: SealedDeed


@dataclass(slots=True)
class _Tally:
    changes: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(Change, 0))
    refused_count: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, number: int, reason: str) -> None:
        self.refused_count += 1
        if len(self.refused) < _REASONS:
            self.refused.append((number, reason))

    def total(self) -> Loaded:
        return Loaded(
            self.changes[Change.ADDED],
            self.changes[Change.CHANGED],
            self.changes[Change.UNCHANGED],
            self.refused_count,
            tuple(sorted(self.refused)),
        )


class Loader:
    """One load."""

    def __init__(self, store: Store, keyring: Keyring, scribe: Scribe, job: Job) -> None:
        self._store = store
        self._keyring = keyring
        self._scribe = scribe
        self._job = job
        self._tally = _Tally()

    def run(self, addresses: Iterable[str], progress: Progress) -> Loaded:
        """Load an address a line, empty lines left out; raise NoSuchList, StoreAway."""
        lines = enumerate(addresses, 1)
        while batch := list(islice(lines, _BATCH)):
            prepared = self._without_kept(list(self._prepare(batch)))
            with self._store.write() as connection:
                check_list(connection, self._job.account_id, self._job.list_id)
                self._put(connection, prepared)
            progress(batch[-1][0])
        return self._tally.total()

    def _prepare(self, batch: list[tuple[int, str]]) -> Iterator[_Line]:
        for number, text in batch:
            if stripped := text.strip():
                try:
                    address = parse_address(stripped)
                    identity = address.identity
                except MalformedAddress as error:
                    self._tally.refuse(number, str(error))
                else:
                    yield self._seal(number, address, identity)

    def _seal(self, number: int, address: Address, identity: str) -> _Line:
        job, written = self._job, str(address)
        bond = Bond(job.account_id, job.list_id, self._keyring.address_hash(job.account_id, identity))
        sealed = self._keyring.seal(job.account_id, seal_details(written, job.origin.source), bond.context)
        entry = Entry(bond, job.state, job.basis, sealed)
        facts = {"address": written, "state": str(job.state), "basis": str(job.basis)}
        deed = Deed(Act.IMPORTED, job.list_id, bond.address_hash, job.origin, facts)
        person = self._keyring.address_hash(PROVIDER_ID, identity)
        return _Line(number, entry, person, seal_deed(deed, job.account_id, job.now, self._keyring.seal))

    def _without_kept(self, lines: list[_Line]) -> list[_Line]:
        """Refuse whom no statement brings back; mostly there is nobody at all, and it costs nothing."""
        if self._job.basis in OF_THEIR_OWN:
            return lines
        with self._store.read() as connection:
            if not anybody(connection):
                return lines
            kept = kept_among(connection, [line.person for line in lines])
        for line in lines:
            if line.person in kept:
                self._tally.refuse(line.number, why_kept(kept[line.person]))
        return [line for line in lines if line.person not in kept]

    def _put(self, connection: Connection, lines: list[_Line]) -> None:
        job = self._job
        hashes = sorted({line.entry.bond.address_hash for line in lines})
        there = standings(connection, job.account_id, job.list_id, hashes)
        new: dict[bytes, _Line] = {}
        deeds: list[SealedDeed] = []
        for line in lines:
            address_hash = line.entry.bond.address_hash
            before = there.get(address_hash)
            change = Change.UNCHANGED if address_hash in new else subscribe(before, job.state, job.basis)
            if isinstance(change, Left):
                self._tally.refuse(line.number, why_left(change))
                continue
            self._tally.changes[change] += 1
            if change is Change.UNCHANGED:
                continue
            deeds.append(line.deed)
            if before is None:
                new[address_hash] = line
            else:
                there[address_hash] = change_row(connection, line.entry, before, job.now)
        # In the order of the key, each page of the tree is written once.
        add_rows(connection, (new[address_hash].entry for address_hash in sorted(new)), job.now)
        remember(connection, job.account_id, job.list_id, [line.person for line in new.values()])
        append_sealed(connection, self._keyring, job.account_id, sorted(deeds, key=_subject))
        if deeds:
            where = Bond(job.account_id, job.list_id, b"")
            changed = len(deeds) - len(new)
            insert_events(connection, [self._scribe.imported(where, len(new), changed, job.origin, job.now)])


def _subject(deed: SealedDeed) -> bytes:
    """Sort the entries as their index is sorted: each page of it is written once."""
    return deed.subject
