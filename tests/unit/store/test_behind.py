"""Commits that go on while the next batch is made ready: their order, and what becomes of a failure."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, event, select, text

from gateway.model.reply import StoreAway
from gateway.store.behind import CommitsBehind
from gateway.store.database import Store, open_store
from gateway.store.schema import REVISION


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    store = open_store(tmp_path / "store.sqlite")
    store.upgrade()
    yield store
    store.close()


def put(number: int):
    def work(connection: Connection) -> int:
        connection.execute(REVISION.insert().values(name=f"n{number}", value=number))
        return number

    return work


def write_all(store: Store, *works) -> None:
    with CommitsBehind(store) as behind:
        for work in works:
            behind.write(work)


def numbers(store: Store) -> list[int]:
    with store.read() as connection:
        return sorted(
            connection.execute(select(REVISION.c.value).where(REVISION.c.name.like("n%"))).scalars()
        )


def test_all_is_committed_at_the_end(store):
    with CommitsBehind(store) as behind:
        assert [behind.write(put(number)) for number in range(3)] == [0, 1, 2]
        behind.wait()
        assert numbers(store) == [0, 1, 2]
        behind.write(put(3))
    assert numbers(store) == [0, 1, 2, 3]


def test_work_that_fails_leaves_what_was_before_it(store):
    def fail(connection: Connection) -> None:
        put(1)(connection)
        connection.execute(text("SELECT 1"))
        raise KeyError("moved")

    with pytest.raises(KeyError):
        write_all(store, put(0), fail)
    assert numbers(store) == [0]
    with CommitsBehind(store) as behind:
        behind.write(put(2))
    assert numbers(store) == [0, 2]


def test_a_commit_that_fails_is_told_before_anything_follows(store):
    left = [1]

    @event.listens_for(store.engine, "commit")
    def full(_: Connection) -> None:
        if not left:
            raise OSError("no space left on device")
        left.pop()

    with pytest.raises(StoreAway, match="no space"):
        write_all(store, put(0), put(1), put(2))  # the commit of the second fails
    assert numbers(store) == [0]


def test_the_last_commit_is_waited_for_and_its_failure_told(store):
    @event.listens_for(store.engine, "commit")
    def full(_: Connection) -> None:
        raise OSError("no space left on device")

    with pytest.raises(StoreAway, match="no space"):
        write_all(store, put(0))
    assert numbers(store) == []
