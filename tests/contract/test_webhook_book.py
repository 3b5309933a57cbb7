"""What every webhooks.book.WebhookBook promises: in memory and over SQLite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fresh_store import fresh_store

from gateway.model.facts import ConsentLevel, OverQuota
from gateway.model.webhook import Webhook, WebhookState
from gateway.store.keys import StoreKeyring
from gateway.store.memory import MemoryWebhooks
from gateway.store.registry import Registry
from gateway.store.webhooks import Webhooks
from gateway.webhooks.book import WebhookBook


@dataclass
class Subject:
    book: WebhookBook
    make: Callable[[], Webhook]
    find: Callable[[str], Webhook]


@pytest.fixture(params=["memory", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "memory":
        memory, numbers = MemoryWebhooks(), iter(range(100))

        def put() -> Webhook:
            made = Webhook(
                f"wh_{next(numbers)}", 1, "https://hooks.example/", b"s" * 32, frozenset(),
                WebhookState.ACTIVE, 0, 0, None, 0.0, "", None, 1.0,
            )  # fmt: skip
            memory.put(made)
            return made

        yield Subject(memory, put, memory.of)
        return
    store = fresh_store(tmp_path / "store.sqlite")
    keyring = StoreKeyring(store, bytes(32))
    Registry(store, keyring).add_account(
        "acme", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, now=1.0
    )
    book = Webhooks(store, keyring)
    yield Subject(book, lambda: book.add(1, "https://hooks.example/", frozenset(), 1.0), book.find)
    store.close()


def test_progress_is_kept_and_goes_forwards_only(subject: Subject) -> None:
    made = subject.make()
    after = subject.book.told(made, 50, 9.0)
    assert after == subject.find(made.id)
    assert (after.place, after.told_at) == (50, 9.0)
    subject.book.told(made, 40, 8.0)  # another process, which was behind
    assert subject.find(made.id).place == 50
    assert subject.book.passed(after, 60).place == subject.find(made.id).place == 60
    assert subject.find(made.id).told_at == 9.0


def test_failures_are_counted_until_it_works(subject: Subject) -> None:
    made = subject.make()
    once = subject.book.failed(made, "HTTP 500", 15.0, 10.0)
    twice = subject.book.failed(once, "no connection", 25.0, 20.0)
    assert twice == subject.find(made.id)
    assert (twice.failures, twice.failing_since, twice.failure, twice.due_at) == (
        2,
        10.0,
        "no connection",
        25.0,
    )
    well = subject.book.told(twice, 5, 30.0)
    assert well == subject.find(made.id)
    assert (well.failures, well.failing_since, well.failure, well.due_at) == (0, None, "", 0.0)


def test_one_that_was_given_up_is_active_no_more(subject: Subject) -> None:
    made, other = subject.make(), subject.make()
    assert {one.id for one in subject.book.active()} == {made.id, other.id}
    subject.book.disable(made, "HTTP 410", 10.0)
    assert [one.id for one in subject.book.active()] == [other.id]
    kept = subject.find(made.id)
    assert (kept.state, kept.failure, kept.failing_since) == (WebhookState.DISABLED, "HTTP 410", 10.0)
