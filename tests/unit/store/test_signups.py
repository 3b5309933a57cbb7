"""Sign-ups: asked once, answered once, erased in the end."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select

from gateway.model.address import parse_address
from gateway.model.events import EventType
from gateway.model.facts import Account, AccountState, Basis, MailList, SubscriptionState
from gateway.model.ledger import BEGINNING, Entry, Origin, open_entry, text_hash, what_is_wrong
from gateway.model.letter import LetterKind
from gateway.model.signup import Fate, Pending, Terms, Wish
from gateway.store.database import Store
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters, Taken
from gateway.store.refusals import NoSuchList, Suspended
from gateway.store.registry import Registry
from gateway.store.schema import EVENT, LEDGER, LETTER, METADATA, SIGNUP, SUBSCRIPTION, SUPPRESSION
from gateway.store.signup_rounds import SignupRounds
from gateway.store.signups import Confirmed, ConfirmedBefore, Over, Refused, Signups
from gateway.store.subscription_rows import Bond
from gateway.store.subscriptions import Subscriptions
from gateway.store.wishes import Wishes

S = SubscriptionState
NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86_400.0
TERMS = Terms(expires=7 * DAY, reminder=2 * DAY, person_hour=3, person_day=4)
ANN = parse_address("Ann@example.net")
FAIR = Origin("operator test", "fair")
FORM = Origin("subscriber", "https://acme.example", "192.0.2.7", "Browser/1.0", "You subscribe to News.")


def write(kind: LetterKind, pending: Pending, now: float) -> bytes:
    return f"Subject: {kind} {pending.mail_list} {pending.ip}\r\n\r\n{pending.id.hex()}".encode()


class Desk:
    """A list, and what was asked of it."""

    def __init__(self, store: Store, keyring: StoreKeyring, registry: Registry, news: MailList) -> None:
        self.store, self.keyring, self.registry, self.news = store, keyring, registry, news
        self.signups = Signups(store, keyring)
        self.rounds = SignupRounds(store, keyring)
        self.letters = Letters(store, keyring)
        self.subscriptions = Subscriptions(store, keyring)
        self.events = EventHistory(store, keyring)
        self.wish = Wish(news.account_id, news.id, ANN, "de", FORM)
        self.bond = self.bond_of(news)

    def bond_of(self, mail_list: MailList) -> Bond:
        names = mail_list.account_id, mail_list.id
        return Bond(*names, self.keyring.address_hash(mail_list.account_id, ANN.identity))

    def ask(self, now: float = NOW, **changes: object) -> Fate:
        return self.signups.ask(replace(self.wish, **changes), write, TERMS, now)

    def sent(self, now: float = NOW) -> list[Taken]:
        taken = list(self.letters.take(now, 100))
        for one in taken:
            self.letters.sent(one)
        return taken

    def asked(self, now: float = NOW) -> bytes:
        """Ask, and return what the letter's link names."""
        assert self.ask(now) is Fate.LETTER
        (taken,) = self.sent(now)
        return bytes.fromhex(taken.letter.content.rpartition(b"\r\n")[2].decode())

    def state(self) -> tuple[str, str] | None:
        with self.store.read() as connection:
            query = select(SUBSCRIPTION.c.state, SUBSCRIPTION.c.basis).where(self.bond.here)
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.state, row.basis)

    def suppressed(self) -> str:
        with self.store.read() as connection:
            return connection.execute(select(SUPPRESSION.c.reason)).scalar_one_or_none() or ""

    def count(self, table: object) -> int:
        with self.store.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def entries(self) -> list[tuple[str, dict[str, object]]]:
        """Return what the consent ledger tells."""
        with self.store.read() as connection:
            rows = connection.execute(select(LEDGER).order_by(LEDGER.c.number)).all()
        return [(row.act, open_entry(Entry(*row), self.keyring.open)) for row in rows]

    def results(self) -> list[object]:
        told = self.events.recent(self.news.account_id, types=[EventType.SIGN_UP])
        return [one.facts["result"] for one in reversed(told)]


@pytest.fixture
def desk(store: Store, keyring: StoreKeyring, registry: Registry, news: MailList) -> Desk:
    return Desk(store, keyring, registry, news)


def test_a_wish_becomes_a_letter_and_a_pending_subscription(desk: Desk) -> None:
    assert desk.ask() is Fate.LETTER
    assert desk.state() == ("pending", "double-opt-in")
    (taken,) = desk.sent()
    assert (taken.letter.kind, taken.letter.to) == (LetterKind.SIGNUP, ANN)
    assert taken.letter.content.startswith(b"Subject: signup News 192.0.2.7\r\n")
    (told,) = desk.events.recent(desk.news.account_id, types=[EventType.SUBSCRIPTION])
    assert told.facts["state"] == "pending"
    assert told.data == {}, "what outlives a sign-up that nobody confirms holds no address"
    ((act, details),) = desk.entries()
    assert act == "signed-up"
    assert details == {
        "actor": "subscriber",
        "source": "https://acme.example",
        "ip": "192.0.2.7",
        "user_agent": "Browser/1.0",
        "text": text_hash("You subscribe to News.").hex(),
    }, "nor does its entry"


def test_each_answer_has_its_entry(desk: Desk) -> None:
    mail_program = Origin("subscriber", "one-click", "192.0.2.9")
    desk.signups.refuse(desk.bond, desk.asked(), mail_program, "cancelled", NOW + 60)
    later = NOW + 31 * DAY
    desk.asked(later)
    assert desk.rounds.expire(later + 30 * DAY) == 1
    last = later + 31 * DAY
    desk.signups.confirm(desk.bond, desk.asked(last), Origin("subscriber", "link", "192.0.2.8"), last + 1)
    told = desk.entries()
    assert [act for act, _ in told] == [
        *("signed-up", "refused"),
        *("signed-up", "expired"),
        *("signed-up", "confirmed"),
    ]
    assert told[1][1] == {
        "actor": "subscriber", "source": "one-click", "ip": "192.0.2.9", "result": "cancelled"
    }  # fmt: skip
    assert told[3][1] == {"actor": "system", "source": "nobody confirmed", "entries": 1}
    who = {"address": str(ANN), "state": "confirmed", "basis": "double-opt-in"}
    assert told[5][1] == {"actor": "subscriber", "source": "link", "ip": "192.0.2.8"} | who


def test_sign_ups_of_an_account_without_a_key_expire_all_the_same(desk: Desk) -> None:
    desk.asked()
    with desk.store.write() as connection:
        desk.keyring.destroy(connection, desk.news.account_id)
    assert desk.rounds.expire(NOW + 30 * DAY) == 1
    assert desk.count(SIGNUP) == 0


def test_a_yes_confirms_with_the_proof(desk: Desk) -> None:
    signup_id = desk.asked()
    found = desk.signups.find(desk.bond, signup_id, NOW + 60)
    assert isinstance(found, Pending)
    assert (found.address, found.language, found.source, found.ip) == (
        ANN,
        "de",
        "https://acme.example",
        "192.0.2.7",
    )
    assert desk.signups.confirm(desk.bond, signup_id, FORM, NOW + 60) == Confirmed()
    assert desk.state() == ("confirmed", "double-opt-in")
    (shown,) = desk.subscriptions.show(desk.news.account_id, ANN)
    assert (shown.address, shown.source, shown.changed_at) == (str(ANN), "https://acme.example", NOW + 60)
    assert desk.count(SIGNUP) == 0
    assert desk.signups.confirm(desk.bond, signup_id, FORM, NOW + 90) == ConfirmedBefore(NOW + 60)
    assert desk.signups.find(desk.bond, signup_id, NOW + 90) == ConfirmedBefore(NOW + 60)
    assert desk.signups.refuse(desk.bond, signup_id, FORM, "refused", NOW + 90) == Over()
    assert desk.state() == ("confirmed", "double-opt-in")
    assert desk.ask(NOW + 99) is Fate.SUBSCRIBED
    assert desk.sent(NOW + 99) == []
    assert desk.results() == ["letter", "confirmed", "subscribed"]


def test_two_answers_at_once_are_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    signup_id = desk.asked()
    found = desk.signups.find(desk.bond, signup_id, NOW)
    monkeypatch.setattr(desk.signups, "find", lambda *_: found)  # as a process saw it that was slower
    desk.signups.refuse(desk.bond, signup_id, FORM, "refused", NOW + 1)
    assert desk.signups.confirm(desk.bond, signup_id, FORM, NOW + 2) == Over()
    assert desk.state() is None
    assert desk.results() == ["letter", "refused"]


def test_a_yes_that_finds_no_subscription_makes_one(desk: Desk, store: Store) -> None:
    signup_id = desk.asked()
    with store.write() as connection:
        connection.execute(delete(SUBSCRIPTION))
    assert desk.signups.confirm(desk.bond, signup_id, FORM, NOW + 1) == Confirmed()
    assert desk.state() == ("confirmed", "double-opt-in")


def test_not_me_ends_it_and_keeps_forms_away(desk: Desk) -> None:
    signup_id = desk.asked()
    assert desk.signups.refuse(desk.bond, signup_id, FORM, "refused", NOW + 60) == Refused()
    assert desk.state() is None, "there was a subscription for the question only"
    assert desk.suppressed() == "refused a sign-up on 2027-01-15"
    assert desk.signups.confirm(desk.bond, signup_id, FORM, NOW + 61) == Over()
    assert desk.ask(NOW + 29 * DAY) is Fate.SUPPRESSED
    assert desk.sent(NOW + 29 * DAY) == []
    assert desk.results() == ["letter", "refused", "suppressed"]
    later = desk.asked(NOW + 31 * DAY)
    assert desk.signups.confirm(desk.bond, later, FORM, NOW + 31 * DAY) == Confirmed()
    assert desk.suppressed() == "", "their own yes is stronger than their own no of long ago"


@pytest.mark.parametrize("state", [S.UNSUBSCRIBED, S.COMPLAINED, S.BOUNCED])
def test_who_has_left_keeps_their_row_until_they_say_yes(desk: Desk, state: S) -> None:
    desk.subscriptions.add(desk.news.account_id, desk.news.id, ANN, Basis.ASSERTED, FAIR, 1.0, state)
    signup_id = desk.asked()
    assert desk.state() == (state, "asserted")
    assert desk.signups.confirm(desk.bond, signup_id, FORM, NOW + 60) == Confirmed()
    assert desk.state() == ("confirmed", "double-opt-in")


def test_who_has_left_is_where_they_were_after_a_no_and_after_the_end(desk: Desk) -> None:
    desk.subscriptions.add(desk.news.account_id, desk.news.id, ANN, Basis.ASSERTED, FAIR, 1.0, S.UNSUBSCRIBED)
    desk.asked()
    desk.rounds.expire(NOW + 8 * DAY)
    assert desk.state() == ("unsubscribed", "asserted")
    signup_id = desk.asked(NOW + 9 * DAY)
    desk.signups.refuse(desk.bond, signup_id, FORM, "cancelled", NOW + 9 * DAY)
    assert desk.state() == ("unsubscribed", "asserted")


def test_a_farewell_is_lifted_by_a_yes_and_other_suppressions_are_not(desk: Desk, store: Store) -> None:
    desk.subscriptions.add(desk.news.account_id, desk.news.id, ANN, Basis.ASSERTED, FAIR, 1.0)
    Wishes(store, desk.keyring).leave_all(desk.bond, 2.0, Origin("subscriber", "page"))
    signup_id = desk.asked()
    assert desk.suppressed().startswith("unsubscribed from all lists")
    desk.signups.confirm(desk.bond, signup_id, FORM, NOW)
    assert desk.suppressed() == ""
    with store.write() as connection:
        names = {"account_id": desk.news.account_id, "address_hash": desk.bond.address_hash}
        connection.execute(SUPPRESSION.insert().values(**names, reason="by the operator", since=1.0))
    assert desk.ask(NOW + 90 * DAY) is Fate.SUPPRESSED


def test_a_member_by_statement_becomes_one_by_their_own_word(desk: Desk) -> None:
    desk.subscriptions.add(desk.news.account_id, desk.news.id, ANN, Basis.ASSERTED, FAIR, 1.0)
    signup_id = desk.asked()
    assert desk.state() == ("confirmed", "asserted")
    desk.signups.confirm(desk.bond, signup_id, FORM, NOW)
    assert desk.state() == ("confirmed", "double-opt-in")


def test_once_and_one_reminder_for_who_asks_again(desk: Desk) -> None:
    desk.asked()
    assert desk.ask(NOW + HOUR - 1) is Fate.WAITING
    assert desk.ask(NOW + HOUR, language="fr") is Fate.REMINDER
    (taken,) = desk.sent(NOW + HOUR)
    assert taken.letter.kind is LetterKind.REMINDER
    assert [desk.ask(NOW + one * DAY) for one in (1, 2, 3)] == [Fate.WAITING] * 3
    assert desk.rounds.remind(write, TERMS, NOW + 3 * DAY) == 0
    assert desk.sent(NOW + 3 * DAY) == []


def test_a_reminder_by_itself_once(desk: Desk) -> None:
    signup_id = desk.asked()
    assert desk.rounds.remind(write, TERMS, NOW + 2 * DAY - 1) == 0
    assert desk.rounds.remind(write, replace(TERMS, reminder=0.0), NOW + 2 * DAY) == 0
    assert desk.rounds.remind(write, TERMS, NOW + 2 * DAY) == 1
    (taken,) = desk.sent(NOW + 2 * DAY)
    assert taken.letter.content.endswith(signup_id.hex().encode()), "it leads to the same question"
    assert desk.rounds.remind(write, TERMS, NOW + 3 * DAY) == 0


def test_no_reminder_for_an_account_that_may_not_write(desk: Desk) -> None:
    desk.asked()
    for state, reminded in ((AccountState.SUSPENDED, 0), (AccountState.ACTIVE, 1)):
        desk.registry.set_state("acme", state, "so", "ops", NOW + DAY)
        assert desk.rounds.remind(write, TERMS, NOW + 3 * DAY) == reminded


def test_a_reminder_that_cannot_be_written_holds_up_no_other(desk: Desk) -> None:
    desk.asked()
    desk.ask(address=parse_address("bob@example.net"))
    desk.sent()

    def choosy(kind: LetterKind, pending: Pending, now: float) -> bytes:
        if pending.address == ANN:
            raise ValueError("a name that no field can hold")
        return write(kind, pending, now)

    assert desk.rounds.remind(choosy, TERMS, NOW + 2 * DAY) == 1
    (taken,) = desk.sent(NOW + 2 * DAY)
    assert str(taken.letter.to) == "bob@example.net"
    assert desk.rounds.remind(write, TERMS, NOW + 2 * DAY) == 0, "nor is it tried for ever"


def test_what_nobody_answers_is_erased(desk: Desk, store: Store) -> None:
    signup_id = desk.asked()
    assert desk.rounds.expire(NOW + 7 * DAY - 1) == 0
    assert desk.rounds.expire(NOW + 7 * DAY) == 1
    assert desk.rounds.expire(NOW + 7 * DAY) == 0
    assert desk.state() is None
    assert desk.suppressed() == ""
    assert desk.signups.confirm(desk.bond, signup_id, FORM, NOW + 7 * DAY) == Over()
    assert desk.results() == ["letter", "expired"]
    for table in (SIGNUP, SUBSCRIPTION, LETTER):
        assert desk.count(table) == 0
    nobody = {"actor": "system", "source": "nobody confirmed", "entries": 1}
    assert desk.entries() == [("signed-up", {}), ("expired", nobody)], "whoever asked is erased as well"
    with store.read() as connection:
        entries = [Entry(*row) for row in connection.execute(select(LEDGER).order_by(LEDGER.c.number))]
    assert [one.subject for one in entries] == [b"", b""]
    assert what_is_wrong(entries[0], 1, BEGINNING) == ""
    assert what_is_wrong(entries[1], 2, entries[0].hash) == "", "and the chain holds"
    with store.read() as connection:
        kept = connection.execute(select(EVENT.c.data, EVENT.c.facts)).all()
    assert [data for data, _ in kept] == [b""] * 3
    assert all("example.net" not in json.loads(facts).values() for _, facts in kept)


def test_time_is_over_before_the_round_comes(desk: Desk) -> None:
    signup_id = desk.asked()
    late = NOW + 7 * DAY
    assert desk.signups.find(desk.bond, signup_id, late) == Over()
    assert desk.signups.confirm(desk.bond, signup_id, FORM, late) == Over()
    assert desk.asked(late) != signup_id, "and another may begin"
    assert desk.signups.confirm(desk.bond, signup_id, FORM, late) == Over(), "the old link opens no new one"


@pytest.mark.parametrize("end", ["refuse", "expire", "confirm"])
def test_a_letter_that_waits_is_not_sent_when_it_is_over(desk: Desk, end: str) -> None:
    desk.ask()
    with desk.store.read() as connection:
        signup_id = connection.execute(select(SIGNUP.c.id)).scalar_one()
    match end:
        case "refuse":
            desk.signups.refuse(desk.bond, signup_id, FORM, "refused", NOW)
        case "expire":
            desk.rounds.expire(NOW + 7 * DAY)
        case "confirm":
            desk.signups.confirm(desk.bond, signup_id, FORM, NOW)
    assert desk.sent(NOW + 7 * DAY) == []


def test_bombing_stops_whatever_the_lists_and_accounts(desk: Desk, keyring: StoreKeyring) -> None:
    more = [desk.registry.add_list("acme", f"l{one}.example.org", "", default=False) for one in range(4)]
    fates = [desk.ask(NOW + one, list_id=made.id) for one, made in enumerate(more)]
    assert fates == [Fate.LETTER] * 3 + [Fate.BOMBING]
    assert desk.count(SIGNUP) == 3, "nothing is kept of what was stopped"
    assert desk.ask(NOW + 4, list_id=more[3].id, address=parse_address("bob@example.net")) is Fate.LETTER
    assert desk.ask(NOW + HOUR + 1, list_id=more[3].id) is Fate.LETTER
    assert desk.ask(NOW + HOUR + 2 * HOUR) is Fate.BOMBING, "four a day"
    assert desk.ask(NOW + DAY + 2 * HOUR) is Fate.LETTER
    told = desk.events.recent(desk.news.account_id, types=[EventType.SIGN_UP])
    persons = [one.facts.get("person") for one in told if one.facts["result"] == "bombing"]
    assert persons == [keyring.address_hash(0, ANN.identity).hex()] * 2


def test_another_spelling_is_the_same_person(desk: Desk) -> None:
    desk.asked()
    assert desk.ask(NOW + 1, address=parse_address("ANN@EXAMPLE.NET")) is Fate.WAITING


def test_a_list_that_is_not_there_and_an_account_that_is_stopped(desk: Desk, acme: Account) -> None:
    with pytest.raises(NoSuchList):
        desk.ask(list_id=99)
    with pytest.raises(NoSuchList):
        desk.ask(account_id=acme.id + 1)
    desk.registry.set_state("acme", AccountState.SUSPENDED, "spam", "operator", NOW)
    with pytest.raises(Suspended, match="acme may not write"):
        desk.ask()


def test_what_rests_names_nobody(desk: Desk, store: Store) -> None:
    desk.ask()
    with store.read() as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(select(table)).all():
                assert b"ann@" not in repr(tuple(row)).lower().encode(), table.name
                assert b"192.0.2.7" not in repr(tuple(row)).encode(), table.name


def test_what_cannot_be_opened_is_erased_all_the_same(desk: Desk, store: Store) -> None:
    signup_id = desk.asked()
    with store.write() as connection:
        desk.keyring.destroy(connection, desk.news.account_id)
    assert desk.signups.find(desk.bond, signup_id, NOW) == Over()
    assert desk.rounds.remind(write, TERMS, NOW + 3 * DAY) == 0
    with store.read() as connection:
        assert connection.execute(select(SIGNUP.c.reminded_at)).scalar_one() == NOW + 3 * DAY
