"""Tampering with a ledger behind the program's back, all of it found; and a ledger that is whole, whatever was done."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from gateway.model.address import parse_address
from gateway.model.facts import Account, Basis, MailList
from gateway.model.ledger import BEGINNING, Act, Deed, Entry, Origin, SealedDeed, chain
from gateway.store import audit
from gateway.store.audit import Auditor, Noted, Wrong
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.ledger import append, empty, erase
from gateway.store.schema import LEDGER, LEDGER_HEAD, SHOWN_TEXT
from gateway.store.subscription_rows import Bond
from gateway.store.subscriptions import Subscriptions
from gateway.store.wishes import Wishes

ANN, BOB = b"a" * 16, b"b" * 16
PAGE = Origin("subscriber", "page", "192.0.2.7")
FORM = Origin("subscriber", "https://acme.example/form", "192.0.2.7", text="News, once a week.")
ACTS = (Act.ADDED, Act.PAUSED, Act.RESUMED, Act.UNSUBSCRIBED, Act.UNDONE)


@dataclass
class Book:
    """A ledger of ten entries, five of each of two people, and a pen for forgers."""

    store: Store
    keyring: StoreKeyring
    account_id: int

    @property
    def auditor(self) -> Auditor:
        return Auditor(self.store, self.keyring)

    def write(self, *deeds: Deed, at: float = 5.0) -> None:
        with self.store.write() as connection:
            append(connection, self.keyring, self.account_id, deeds, at)

    def change(self, number: int, **values: object) -> None:
        with self.store.write() as connection:
            connection.execute(update(LEDGER).where(LEDGER.c.number == number).values(**values))

    def remove(self, *numbers: int) -> None:
        with self.store.write() as connection:
            connection.execute(delete(LEDGER).where(LEDGER.c.number.in_(numbers)))

    def entries(self) -> list[Entry]:
        return list(self.auditor.latest(self.account_id, 1000))

    def put(self, entries: list[Entry]) -> None:
        """Write the whole ledger anew, with its head: what somebody with the database could do."""
        last = entries[-1]
        with self.store.write() as connection:
            connection.execute(delete(LEDGER))
            connection.execute(LEDGER.insert(), [values_of(one) for one in entries])
            connection.execute(update(LEDGER_HEAD).values(number=last.number, hash=last.hash))

    def wrong(self, noted: Noted | None = None) -> Wrong | None:
        return self.auditor.check(self.account_id, noted).wrong


@pytest.fixture
def book(store: Store, keyring: StoreKeyring, acme: Account) -> Book:
    book = Book(store, keyring, acme.id)
    for index, act in enumerate(ACTS):
        book.write(
            *(Deed(act, 3, who, FORM if act is Act.ADDED else PAGE) for who in (ANN, BOB)), at=5.0 + index
        )
    return book


def values_of(entry: Entry) -> dict[str, object]:
    return {column.name: getattr(entry, column.name) for column in LEDGER.c}


def rechain(entries: list[Entry]) -> list[Entry]:
    """Make all numbers, digests and hashes anew."""
    deeds = [SealedDeed(one.at, one.list_id, one.act, one.subject, one.sealed, "") for one in entries]  # type: ignore[arg-type]
    return list(chain(entries[0].account_id, 0, BEGINNING, deeds))


def test_a_whole_ledger(book: Book) -> None:
    found = book.auditor.check(book.account_id)
    last = book.entries()[-1]
    assert (found.count, found.head, found.emptied, found.wrong) == (10, last.hash, 0, None)
    assert book.wrong(Noted(last.hash)) is None
    assert book.wrong(Noted(book.entries()[4].hash, 5)) is None


def test_an_empty_ledger(store: Store, keyring: StoreKeyring) -> None:
    found = Auditor(store, keyring).check(77, Noted(BEGINNING))
    assert (found.count, found.head, found.wrong) == (0, BEGINNING, None)


@pytest.mark.parametrize(
    "values",
    [
        {"at": 99.0},
        {"list_id": 4},
        {"act": "confirmed"},
        {"subject": b"c" * 16},
        {"sealed": b"\x01forged"},
        {"sealed": b""},
        {"digest": bytes(32)},
        {"hash": bytes(32)},
        {"subject": b""},
    ],
    ids="-".join,
)
def test_a_changed_field_is_found_at_its_entry(book: Book, values: dict[str, object]) -> None:
    book.change(4, **values)
    wrong = book.wrong()
    assert wrong
    assert wrong.number == 4
    assert book.auditor.check(book.account_id).count == 3


def test_one_changed_octet_of_what_is_sealed_is_found(book: Book) -> None:
    sealed = book.entries()[6].sealed
    book.change(7, sealed=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    wrong = book.wrong()
    assert wrong
    assert wrong.number == 7


@pytest.mark.parametrize("number", [1, 5, 9])
def test_a_removed_entry_is_found(book: Book, number: int) -> None:
    book.remove(number)
    assert book.wrong() == Wrong(number, f"entry {number} is missing")


def test_two_swapped_entries_are_found(book: Book) -> None:
    entries = book.entries()
    entries[2], entries[3] = replace(entries[3], number=3), replace(entries[2], number=4)
    book.put(entries)
    wrong = book.wrong()
    assert wrong
    assert wrong.number == 3


def test_a_tail_that_was_cut_off_is_found_by_the_head(book: Book) -> None:
    book.remove(8, 9, 10)
    assert book.wrong() == Wrong(8, "it is missing, with all up to entry 10")


def test_a_tail_that_was_cut_off_with_its_head_is_found_by_a_noted_one(book: Book) -> None:
    noted = book.entries()[-1].hash
    book.put(book.entries()[:7])
    assert book.wrong() is None
    assert book.wrong(Noted(noted, 10)) == Wrong(8, "it is missing; entry 10 was the head once")
    assert book.wrong(Noted(noted)) == Wrong(0, "no entry has the hash that was noted")


def test_an_entry_left_out_with_all_hashes_made_anew_is_found_by_a_noted_head(book: Book) -> None:
    entries = book.entries()
    noted = entries[-1].hash
    book.put(rechain(entries[:3] + entries[4:]))
    assert book.wrong() is None
    assert book.wrong(Noted(noted, 9)) == Wrong(9, "it has another hash than the one that was noted")


def test_an_entry_behind_the_head_is_found(book: Book) -> None:
    (added,) = chain(
        book.account_id, 10, book.entries()[-1].hash, [SealedDeed(9.0, 3, Act.CONFIRMED, ANN, b"\x01x", "")]
    )
    with book.store.write() as connection:
        connection.execute(LEDGER.insert().values(values_of(added)))
    wrong = book.wrong()
    assert wrong
    assert wrong.number == 11


def test_a_head_that_was_changed_is_found(book: Book) -> None:
    with book.store.write() as connection:
        connection.execute(update(LEDGER_HEAD).values(hash=bytes(32)))
    assert book.wrong() == Wrong(10, "it is not the head that was written last")
    with book.store.write() as connection:
        connection.execute(update(LEDGER_HEAD).values(number=9, hash=book.entries()[8].hash))
    assert book.wrong() == Wrong(10, "it was added behind the head, which is entry 9")


@pytest.mark.parametrize("changes", [{"act": "confirmed"}, {"subject": BOB}, {"list_id": 4}, {"at": 1.0}])
def test_who_has_the_database_but_not_the_key_can_write_no_entry(
    book: Book, changes: dict[str, object]
) -> None:
    entries = book.entries()
    entries[4] = replace(entries[4], **changes)
    book.put(rechain(entries))
    why = "its confidential part was not written with the account's key, or for another entry"
    assert book.wrong() == Wrong(5, why)


def test_entries_emptied_without_an_erasure_are_found(book: Book) -> None:
    book.change(5, subject=b"", sealed=b"")
    assert book.wrong() == Wrong(5, "1 entries are empty, and the ledger tells of 0 that were erased")


def test_an_erasure_leaves_a_whole_ledger(book: Book) -> None:
    with book.store.write() as connection:
        assert erase(connection, book.keyring, book.account_id, ANN, 20.0) == 5
    found = book.auditor.check(book.account_id)
    assert (found.count, found.emptied, found.wrong) == (11, 5, None)
    assert book.auditor.entries_of(book.account_id, ANN) == ()
    assert len(book.auditor.entries_of(book.account_id, BOB)) == 5
    book.change(2, subject=b"", sealed=b"")  # under cover of it
    assert book.wrong() == Wrong(1, "6 entries are empty, and the ledger tells of 5 that were erased")


def test_a_sign_up_that_came_to_nothing_is_counted_too(book: Book) -> None:
    asked = Deed(Act.SIGNED_UP, 3, b"c" * 16, FORM)
    book.write(asked, at=30.0)
    with book.store.write() as connection:
        emptied = empty(connection, book.account_id, asked, 30.0)
    book.write(Deed(Act.EXPIRED, 3, b"", Origin("system", "nobody confirmed"), {"entries": emptied}), at=40.0)
    found = book.auditor.check(book.account_id)
    assert (found.emptied, found.wrong) == (1, None)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda connection: connection.execute(delete(SHOWN_TEXT)), "the text that was shown is gone"),
        (
            lambda connection: connection.execute(update(SHOWN_TEXT).values(sealed=b"\x01" + bytes(40))),
            "the text that was shown was changed",
        ),
    ],
)
def test_a_text_that_was_lost_or_changed_is_found(book: Book, harm: Callable[..., object], why: str) -> None:
    with book.store.write() as connection:
        harm(connection)
    assert book.wrong() == Wrong(1, why)


def test_a_text_in_the_place_of_another_is_found(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    with book.store.read() as connection:
        digest = connection.execute(select(SHOWN_TEXT.c.hash)).scalar_one()
    forged = book.keyring.seal(book.account_id, b"Something else.", audit.text_context(digest))
    with book.store.write() as connection:
        connection.execute(update(SHOWN_TEXT).values(sealed=forged))
    assert book.wrong() == Wrong(1, "the text that was shown was changed")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "confirm", "leave", "leave all", "undo", "pause", "resume", "report", "load", "erase"]
        ),
        st.integers(0, 3),
    ),
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(steps=STEPS)
def test_whatever_is_done_the_ledger_is_whole(  # noqa: PLR0917 - fixtures
    steps: list[tuple[str, int]],
    store: Store,
    keyring: StoreKeyring,
    news: MailList,
    acme: Account,
    monkeypatch,
) -> None:
    monkeypatch.setattr(audit, "_PAGE", 7)
    subscriptions, wishes = Subscriptions(store, keyring), Wishes(store, keyring)
    auditor, head = Auditor(store, keyring), BEGINNING
    for now, (step, number) in enumerate(steps, 100):
        address = parse_address(f"r{number}@example.net")
        bond = Bond(acme.id, news.id, keyring.address_hash(acme.id, address.identity))
        where, at = (acme.id, news.id), float(now)
        match step:
            case "add" | "load":
                subscriptions.load(*where, [str(address)], Basis.ASSERTED, FORM, at)
            case "confirm":
                subscriptions.add(*where, address, Basis.DOUBLE_OPT_IN, FORM, at)
            case "leave":
                subscriptions.unsubscribe(*where, bond.address_hash, at, PAGE)
            case "leave all":
                wishes.leave_all(bond, at, PAGE)
            case "undo":
                wishes.undo_leaving(bond.of_all_lists, at - 1, at, PAGE)
            case "pause":
                wishes.pause(bond, 500.0, at, PAGE)
            case "resume":
                wishes.undo_pause(bond, 500.0, at, PAGE)
            case "report":
                subscriptions.report(*where, bond.address_hash, at, PAGE)
            case "erase":
                with store.write() as connection:
                    erase(connection, keyring, acme.id, bond.address_hash, at)
        found = auditor.check(acme.id, Noted(head))
        assert found.wrong is None
        head = found.head
