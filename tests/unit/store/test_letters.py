"""Letters: kept, lent to one worker, sent at least once, one an hour."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.model.address import parse_address
from gateway.model.facts import Account
from gateway.model.letter import Letter, LetterKind
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.letters import Letters
from gateway.store.schema import LETTER

NOW = 1_800_000_000.0


@pytest.fixture
def letters(store: Store, keyring: StoreKeyring) -> Letters:
    return Letters(store, keyring)


@pytest.fixture
def letter(acme: Account) -> Letter:
    return Letter(
        LetterKind.LEAVING, acme.id, 3, bytes(16), parse_address("ann@example.net"), b"Subject: x\r\n\r\n\0y"
    )


def test_a_letter_goes_its_way(letters: Letters, letter: Letter) -> None:
    assert letters.take(NOW, 10) == ()
    assert letters.write(letter, NOW)
    (taken,) = letters.take(NOW, 10)
    assert taken.letter == letter
    assert letters.take(NOW, 10) == (), "it is lent to one worker only"
    letters.sent(taken)
    assert letters.take(NOW + 10_000, 10) == ()


def test_a_worker_that_dies_leaves_it_to_another(letters: Letters, letter: Letter) -> None:
    letters.write(letter, NOW)
    (first,) = letters.take(NOW, 10)
    assert letters.take(NOW + 59, 10) == ()
    (second,) = letters.take(NOW + 60, 10)
    assert second.letter == letter
    letters.sent(first)  # the first was slow, not dead: the second's loan stands
    (third,) = letters.take(NOW + 120, 10)
    letters.sent(third)
    assert letters.take(NOW + 1000, 10) == ()


def test_one_an_hour_for_a_list_and_an_address(letters: Letters, letter: Letter) -> None:
    assert letters.write(letter, NOW)
    assert not letters.write(letter, NOW + 3599)
    assert letters.write(replace(letter, list_id=4), NOW)
    assert letters.write(replace(letter, address_hash=b"\1" * 16), NOW)
    for taken in letters.take(NOW, 10):
        letters.sent(taken)
    assert not letters.write(letter, NOW + 3599), "one that was sent counts too"
    assert letters.write(letter, NOW + 3600)
    assert len(letters.take(NOW + 3600, 10)) == 1


def test_what_only_kept_count_goes(letters: Letters, letter: Letter) -> None:
    letters.write(letter, NOW)
    letters.write(replace(letter, list_id=4), NOW)
    letters.sent(letters.take(NOW, 1)[0])
    assert letters.expire(NOW + 3599) == 0
    assert letters.expire(NOW + 3600) == 1
    assert len(letters.take(NOW + 3600, 10)) == 1, "one that was not sent waits as long as it must"


def test_it_rests_sealed_and_is_gone_when_sent(letters: Letters, letter: Letter, store: Store) -> None:
    letters.write(letter, NOW)

    def at_rest() -> bytes:
        with store.read() as connection:
            return bytes(connection.execute(select(LETTER.c.sealed)).scalar_one())

    assert b"ann" not in at_rest()
    assert b"Subject" not in at_rest()
    letters.sent(letters.take(NOW, 1)[0])
    assert at_rest() == b""


def test_a_letter_of_a_deleted_account_goes_with_it(
    letters: Letters, letter: Letter, store: Store, keyring: StoreKeyring
) -> None:
    letters.write(letter, NOW)
    with store.write() as connection:
        keyring.destroy(connection, letter.account_id)
    assert letters.take(NOW, 10) == ()
    assert letters.take(NOW + 60, 10) == ()
    with store.read() as connection:
        assert connection.execute(select(LETTER)).all() == []


async def test_whether_any_is_due_is_known_at_a_glance(letters: Letters, letter: Letter) -> None:
    assert await letters.next_due() is None
    letters.write(letter, NOW)
    assert await letters.next_due() == NOW
    (taken,) = letters.take(NOW, 10)
    assert await letters.next_due() == taken.until
    letters.sent(taken)
    assert await letters.next_due() is None
