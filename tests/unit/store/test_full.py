"""A disk that takes no more: what is asked of the store meanwhile fails whole, by name, and passes later."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.model.address import parse_address
from gateway.model.facts import MailList
from gateway.model.ledger import Origin
from gateway.model.letter import LetterKind
from gateway.model.reply import StoreAway
from gateway.model.signup import Pending, Terms, Wish
from gateway.store.database import Store
from gateway.store.erasures import Erasures
from gateway.store.idempotency import Idempotency, Once
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.schema import METADATA
from gateway.store.signup_rounds import SignupRounds
from gateway.store.signups import Signups
from gateway.store.subscription_rows import Bond

NOW = 1_800_000_000.0
TERMS = Terms(expires=100.0, reminder=50.0, person_hour=9, person_day=9)
ANN, BEN = parse_address("ann@example.net"), parse_address("ben@example.net")
FORM = Origin("subscriber", "https://acme.example", "192.0.2.7", "Browser/1.0", "You subscribe to News.")


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file of this process grow beyond a page; Python ignores SIGXFSZ, so that a write fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in METADATA.sorted_tables
        }


class Asked:
    """A list with a sign-up that waits for its owner, and what can be done then."""

    def __init__(self, store: Store, keyring: StoreKeyring, news: MailList) -> None:
        self.store, self.keyring = store, keyring
        self.signups, self.rounds = Signups(store, keyring), SignupRounds(store, keyring)
        self.wish = Wish(news.account_id, news.id, ANN, "en", FORM)
        self.bond = Bond(news.account_id, news.id, keyring.address_hash(news.account_id, ANN.identity))
        self.id = b""
        self.signups.ask(self.wish, self.write, TERMS, NOW)

    def write(self, _kind: LetterKind, pending: Pending, _now: float) -> bytes:
        self.id = self.id or pending.id
        return b"Subject: is it you?\r\n\r\n"

    def ask(self) -> None:
        other = Wish(self.wish.account_id, self.wish.list_id, BEN, "en", FORM)
        self.signups.ask(other, self.write, TERMS, NOW + 1)

    def confirm(self) -> None:
        self.signups.confirm(self.bond, self.id, FORM, NOW + 1)

    def refuse(self) -> None:
        self.signups.refuse(self.bond, self.id, FORM, "refused", NOW + 1)

    def expire(self) -> None:
        self.rounds.expire(NOW + 200)

    def remind(self) -> None:
        self.rounds.remind(self.write, TERMS, NOW + 60)

    def sent(self) -> None:
        letters = Letters(self.store, self.keyring)
        for taken in letters.take(NOW + 1, 10):
            letters.sent(taken)

    def once(self) -> None:
        once = Once(self.wish.account_id, b"m" * 16, b"p" * 32)
        Idempotency(self.store, self.keyring).do(once, lambda _store: b"{}", NOW + 1)

    def erase(self) -> None:
        Erasures(self.store, self.keyring).ask_for_person("ann@example.net", None, "", NOW + 1)


@pytest.mark.parametrize("act", ["ask", "confirm", "refuse", "expire", "remind", "sent", "once", "erase"])
def test_nothing_is_half_done_and_it_goes_on_without_a_restart(
    store: Store, keyring: StoreKeyring, news: MailList, act: str
) -> None:
    asked = Asked(store, keyring, news)
    Erasures(store, keyring).ask_for_person("zoe@example.net", None, "", NOW)  # the provider's key is there
    before = rows(store)
    with no_room(), pytest.raises(StoreAway):
        getattr(asked, act)()
    assert rows(store) == before
    getattr(asked, act)()
    assert rows(store) != before
