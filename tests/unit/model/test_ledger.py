"""The chain of the consent ledger, and what is sealed in it."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ledger import (
    BEGINNING,
    LONGEST,
    Act,
    Deed,
    Entry,
    Origin,
    SealedDeed,
    chain,
    digest_of,
    found_before,
    open_entry,
    seal_deed,
    subscription_context,
    text_hash,
    what_is_wrong,
)

ANN = b"a" * 16
ORIGIN = Origin("subscriber", "https://news.example/form", "192.0.2.7", "Browser/1", "You will get news.")


def seal(account_id: int, plain: bytes, context: bytes) -> bytes:
    return b"\x01%d|%s|%s" % (account_id, context.hex().encode(), plain)


def unseal(account_id: int, sealed: bytes, context: bytes) -> bytes:
    head = b"\x01%d|%s|" % (account_id, context.hex().encode())
    if not sealed.startswith(head):
        raise ValueError("belongs elsewhere")
    return sealed.removeprefix(head)


def entry_of(deed: SealedDeed) -> Entry:
    (entry,) = chain(7, 0, BEGINNING, [deed])
    return entry


def first_wrong(entries: Sequence[Entry]) -> int:
    """Return the place of the first entry that is wrong, 0 where none is."""
    last = BEGINNING
    for number, entry in enumerate(entries, 1):
        if what_is_wrong(entry, number, last):
            return number
        last = entry.hash
    return 0


def test_an_entry_tells_what_was_sealed_in_it() -> None:
    deed = seal_deed(Deed(Act.SIGNED_UP, 3, ANN, ORIGIN, {"state": "pending"}), 7, 5.0, seal)
    assert deed.text == ORIGIN.text
    assert open_entry(entry_of(deed), unseal) == {
        "actor": "subscriber",
        "source": "https://news.example/form",
        "ip": "192.0.2.7",
        "user_agent": "Browser/1",
        "text": text_hash("You will get news.").hex(),
        "state": "pending",
    }


def test_what_is_not_known_is_not_written_and_what_is_too_long_is_cut() -> None:
    plain = seal_deed(Deed(Act.ADDED, 3, ANN, Origin("operator ops", "fair")), 7, 5.0, seal)
    assert open_entry(entry_of(plain), unseal) == {"actor": "operator ops", "source": "fair"}
    long = seal_deed(Deed(Act.PAUSED, 3, ANN, replace(ORIGIN, user_agent="x" * 9999)), 7, 5.0, seal)
    assert open_entry(entry_of(long), unseal)["user_agent"] == "x" * LONGEST


@pytest.mark.parametrize(
    "elsewhere",
    [{"at": 6.0}, {"list_id": 4}, {"act": Act.CONFIRMED}, {"subject": b"b" * 16}, {"account_id": 8}],
)
def test_what_is_sealed_opens_in_no_other_entry(elsewhere: dict[str, object]) -> None:
    entry = entry_of(seal_deed(Deed(Act.ADDED, 3, ANN, ORIGIN), 7, 5.0, seal))
    with pytest.raises(ValueError, match="elsewhere"):
        open_entry(replace(entry, **elsewhere), unseal)


def test_a_subscription_that_is_older_than_the_ledger() -> None:
    sealed = seal(7, b"ann@example.net\0fair", subscription_context(3, ANN))
    deed = SealedDeed(5.0, 3, Act.FOUND, ANN, found_before(sealed, state="confirmed", created_at=1.5), "")
    assert open_entry(entry_of(deed), unseal) == {
        "state": "confirmed",
        "created_at": 1.5,
        "address": "ann@example.net",
        "source": "fair",
    }


@pytest.mark.parametrize(
    ("origin", "via"),
    [
        (Origin("subscriber", "one-click"), "one-click"),
        (Origin("operator ann@example.net", "ann@example.net asked by telephone"), "operator"),
        (Origin("api-key 77", "somebody@example.net"), "api-key"),
        (Origin("system", "expired"), "system"),
    ],
)
def test_the_way_is_a_word_and_never_free_text(origin: Origin, via: str) -> None:
    assert origin.via == via


def test_the_form_of_the_chain_is_the_one_that_is_written_down() -> None:
    # Computed apart from the code, as docs/howto/prove-consent.md describes it.
    first, second = chain(
        7,
        0,
        BEGINNING,
        [SealedDeed(1.5, 3, Act.ADDED, ANN, b"s", ""), SealedDeed(2.5, 3, Act.PAUSED, ANN, b"t", "")],
    )
    start = hashlib.sha256(b"consentry ledger 1").digest()
    digest = hashlib.sha256(ANN + b"s").digest()
    one = hashlib.sha256(start + struct.pack(">QQdQ", 7, 1, 1.5, 3) + b"added" + digest).digest()
    digest = hashlib.sha256(ANN + b"t").digest()
    two = hashlib.sha256(one + struct.pack(">QQdQ", 7, 2, 2.5, 3) + b"paused" + digest).digest()
    assert [first.hash, second.hash] == [one, two]


def test_an_emptied_entry_holds_the_chain() -> None:
    entry = entry_of(seal_deed(Deed(Act.ADDED, 3, ANN, ORIGIN), 7, 5.0, seal))
    emptied = replace(entry, subject=b"", sealed=b"")
    assert emptied.is_emptied
    assert not entry.is_emptied
    assert what_is_wrong(emptied, 1, BEGINNING) == ""
    assert open_entry(emptied, unseal) == {}


deeds = st.builds(
    SealedDeed,
    at=st.floats(0, 4e9),
    list_id=st.integers(0, 2**31),
    act=st.sampled_from(Act),
    subject=st.binary(min_size=16, max_size=16),
    sealed=st.binary(min_size=1, max_size=40),
    text=st.just(""),
)


@given(st.lists(deeds, max_size=12), st.integers(0, 12))
def test_a_chain_is_the_same_written_at_once_or_in_pieces(some: list[SealedDeed], cut: int) -> None:
    whole = list(chain(7, 0, BEGINNING, some))
    begun = list(chain(7, 0, BEGINNING, some[:cut]))
    last = begun[-1] if begun else None
    number, before = (last.number, last.hash) if last else (0, BEGINNING)
    assert begun + list(chain(7, number, before, some[cut:])) == whole
    assert first_wrong(whole) == 0


@given(st.lists(deeds, min_size=2, max_size=8), st.data())
def test_any_change_is_found_at_its_place(some: list[SealedDeed], data: st.DataObject) -> None:
    entries = list(chain(7, 0, BEGINNING, some))
    place = data.draw(st.integers(0, len(entries) - 1))
    one = entries[place]
    match data.draw(
        st.sampled_from(["at", "list", "act", "subject", "sealed", "digest", "hash", "gone", "swap"])
    ):
        case "at":
            entries[place] = replace(one, at=one.at + 1.0)
        case "list":
            entries[place] = replace(one, list_id=one.list_id + 1)
        case "act":
            entries[place] = replace(one, act=data.draw(st.sampled_from(sorted(set(Act) - {one.act}))))
        case "subject":
            entries[place] = replace(one, subject=bytes([one.subject[0] ^ 1]) + one.subject[1:])
        case "sealed":
            entries[place] = replace(one, sealed=one.sealed + b"x")
        case "digest":  # and what is confidential with it
            entries[place] = replace(one, sealed=b"forged", digest=digest_of(one.subject, b"forged"))
        case "hash":
            entries[place] = replace(one, hash=bytes(32))
        case "gone":
            place = min(place, len(entries) - 2)  # without the last the chain is whole; the head tells
            del entries[place]
        case "swap":
            place = min(place, len(entries) - 2)
            entries[place], entries[place + 1] = entries[place + 1], entries[place]
    assert first_wrong(entries) == place + 1
