"""What every ports.EventStore promises: in memory and over SQLite."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fresh_store import fresh_store
from sqlalchemy import select

from gateway.model.events import EventType, SealedEvent
from gateway.model.identity import new_id
from gateway.model.reply import StoreAway
from gateway.ports import EventStore
from gateway.store.database import open_store
from gateway.store.events import StoreEvents
from gateway.store.memory import MemoryEvents
from gateway.store.schema import EVENT


@dataclass
class Subject:
    events: EventStore
    kept: Callable[[], Sequence[SealedEvent]]
    go_away: Callable[[], object]
    come_back: Callable[[], object]


@pytest.fixture(params=["memory", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        memory = MemoryEvents()
        yield Subject(
            memory,
            lambda: memory.kept,
            lambda: setattr(memory, "away", StoreAway("away")),
            lambda: setattr(memory, "away", None),
        )
        return
    store = fresh_store(tmp_path / "store.sqlite", timeout=0.05)
    other = open_store(tmp_path / "store.sqlite")
    events = StoreEvents(store)
    holding = other.write()

    def kept() -> Sequence[SealedEvent]:
        with other.read() as connection:
            rows = connection.execute(select(EVENT).order_by(EVENT.c.id)).all()
        return tuple(_sealed(row) for row in rows)

    yield Subject(events, kept, holding.__enter__, lambda: holding.__exit__(None, None, None))
    events.close()
    store.close()
    other.close()


def _sealed(row: Sequence[object]) -> SealedEvent:
    values = [*row][1:]  # without its place
    return SealedEvent(str(values[0]), EventType(str(values[1])), *values[2:])  # type: ignore[arg-type]


def _event(number: int) -> SealedEvent:
    event_id = new_id(number, bytes([number]) * 10)
    return SealedEvent(
        event_id, EventType.DELIVERY, float(number), 1, "S", 0, None, '{"code":250}', b"\x01sealed"
    )


async def test_events_are_kept_as_they_are(subject: Subject) -> None:
    events = [_event(1), replace(_event(2), delivery_number=None, list_id=5, data=b"")]
    await subject.events.append(events)
    await subject.events.append([])
    assert list(subject.kept()) == events


async def test_an_event_is_applied_once(subject: Subject) -> None:
    await subject.events.append([_event(1), _event(1)])
    await subject.events.append([_event(1), replace(_event(1), facts="{}"), _event(2)])
    assert list(subject.kept()) == [_event(1), _event(2)]


async def test_many_may_append_at_once(subject: Subject) -> None:
    await asyncio.gather(
        *(subject.events.append([_event(number), _event(number + 1)]) for number in range(50))
    )
    assert [event.at for event in sorted(subject.kept(), key=lambda event: event.at)] == list(range(51))


async def test_away_keeps_nothing_and_is_over_when_it_is_over(subject: Subject) -> None:
    subject.go_away()
    with pytest.raises(StoreAway):
        await subject.events.append([_event(1)])
    subject.come_back()
    assert list(subject.kept()) == []
    await subject.events.append([_event(1)])
    assert list(subject.kept()) == [_event(1)]
