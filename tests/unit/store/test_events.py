from collections.abc import Iterator

import pytest

from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import Account
from gateway.model.identity import new_id
from gateway.store.database import Store
from gateway.store.events import EventHistory, StoreEvents
from gateway.store.keys import StoreKeyring


@pytest.fixture
def events(store: Store) -> Iterator[StoreEvents]:
    events = StoreEvents(store)
    yield events
    events.close()


@pytest.fixture
def history(store: Store, keyring: StoreKeyring) -> EventHistory:
    return EventHistory(store, keyring)


def _event(account: Account, kind: EventType, at: float, number: int = 0, submission: str = "") -> Event:
    return Event(
        new_id(at, bytes([number] * 10)),
        kind,
        at,
        account.id,
        submission,
        number,
        None,
        {"code": 250},
        {"rcpt": "bob@example.org"},
    )


async def test_a_submissions_events_are_told_in_order(
    events: StoreEvents, history: EventHistory, keyring: StoreKeyring, acme: Account
) -> None:
    told = [
        _event(acme, EventType.RECEPTION, 1.0, 0, "S1"),
        _event(acme, EventType.TRANSIENT_FAILURE, 2.0, 1, "S1"),
        _event(acme, EventType.DELIVERY, 3.0, 2, "S1"),
    ]
    other = _event(acme, EventType.RECEPTION, 2.5, 0, "S2")
    await events.append([seal_event(one, keyring.seal) for one in (told[2], other, told[0], told[1])])
    await events.append([])
    assert history.history("S1") == tuple(told)
    assert history.history("S3") == ()
    assert history.recent(acme.id, limit=2) == (told[2], other)
    assert history.recent(acme.id, types=[EventType.RECEPTION]) == (other, told[0])
    assert history.recent(99) == ()


async def test_old_events_go_and_proofs_of_consent_stay(
    events: StoreEvents,
    history: EventHistory,
    keyring: StoreKeyring,
    acme: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.store.events._CHUNK", 10)
    old = [_event(acme, EventType.DELIVERY, 1.0, number) for number in range(25)]
    kept = [
        _event(acme, EventType.SUBSCRIPTION, 2.0),
        _event(acme, EventType.FEEDBACK, 3.0),
        _event(acme, EventType.ACCOUNT_STATE, 4.0),
        _event(acme, EventType.BOUNCE, 100.0),
    ]
    await events.append([seal_event(one, keyring.seal) for one in (*old, *kept)])
    assert await events.expire(before=100.0) == 25
    assert await events.expire(before=100.0) == 0
    assert history.recent(acme.id) == tuple(reversed(kept))


async def test_without_the_accounts_key_events_name_nobody(
    events: StoreEvents, history: EventHistory, keyring: StoreKeyring, acme: Account, store: Store
) -> None:
    await events.append([seal_event(_event(acme, EventType.DELIVERY, 1.0), keyring.seal)])
    with store.write() as connection:
        keyring.destroy(connection, acme.id)
    [event] = history.recent(acme.id)
    assert (event.facts, event.data) == ({"code": 250}, {})
