"""Idempotency-Key: once, whatever happens between the request and its answer."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from gateway.store.database import open_store
from gateway.store.idempotency import Idempotency, Kept, Once
from gateway.store.joined import JoinedStore
from gateway.store.schema import IDEMPOTENCY, MAIL_LIST
from gateway.web.api.once import Answer
from tests.unit.web.api.conftest import ACME, CAFE, KEYS
from tests.unit.web.api.test_lists import BREAD, problem

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def lists(house) -> int:
    with house.store.read() as connection:
        return connection.execute(select(func.count()).select_from(MAIL_LIST)).scalar_one() - 2


async def make(api, key: str = KEY, body: object = BREAD, account: int = ACME):
    return await api.send("POST", "/lists", body, key=KEYS[account], Idempotency_Key=key)


async def test_the_same_request_gets_the_answer_of_the_first_time(api, house, world) -> None:
    first = await make(api)
    await api.send("PATCH", "/lists/bread.acme.example", {"name": "Rolls"})
    again = [await make(api, form) for form in (KEY, f'"{KEY}"')]
    for one in again:
        assert (one.status_code, one.content, one.headers) == (201, first.content, first.headers)
    assert lists(house) == 1
    assert world.meter.value("api_repetitions_total", result="again") == 2


async def test_without_a_key_the_second_is_another_request(api) -> None:
    await api.send("POST", "/lists", BREAD)
    assert problem(await api.send("POST", "/lists", BREAD)) == (409, "list-exists")


@pytest.mark.parametrize("body", [BREAD | {"name": "Rolls"}, BREAD | {"list": "rolls.acme.example"}])
async def test_another_request_with_the_same_key(api, house, body) -> None:
    await make(api)
    assert problem(await make(api, body=body)) == (422, "idempotency-key-reused")
    other = await api.send("DELETE", "/lists/bread.acme.example", Idempotency_Key=KEY)
    assert problem(other) == (422, "idempotency-key-reused")
    assert lists(house) == 1


async def test_a_key_is_its_accounts_own(api, house) -> None:
    await make(api)
    body = {"list": "bread.cafe.example"}
    assert (await make(api, body=body, account=CAFE)).status_code == 201
    assert lists(house) == 2


async def test_a_refusal_is_not_kept(api, house) -> None:
    foreign = BREAD | {"list": "bread.new.example"}
    assert problem(await make(api, body=foreign)) == (422, "foreign-list-id")
    house.registry.add_domain("acme", "new.example", verified=True, now=1.0)
    assert (await make(api, body=foreign)).status_code == 201


async def test_a_key_is_forgotten_after_a_day(api, house, world) -> None:
    await make(api)
    world.clock.time += 86_399
    assert (await make(api)).status_code == 201
    world.clock.time += 1
    assert problem(await make(api)) == (409, "list-exists")
    await make(api, "other", {"list": "rolls.acme.example"})
    with house.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(IDEMPOTENCY)).scalar_one() == 1


@pytest.mark.parametrize("key", ["", " ", '"', '"a', 'a"', "a b", "a" * 65, "\u00e9", "a;b=1", "a,b"])
async def test_what_is_no_key(api, house, key: str) -> None:
    answer = await api.client.post(
        "/api/v1/lists",
        json=BREAD,
        headers=[("Authorization", "Bearer ck_acme"), ("Idempotency-Key", key.encode("utf-8"))],
    )
    assert problem(answer) == (400, "bad-idempotency-key")
    assert not lists(house)


async def test_two_keys_are_none(api) -> None:
    answer = await api.client.post(
        "/api/v1/lists",
        json=BREAD,
        headers=[("Authorization", "Bearer ck_acme"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")],
    )
    assert problem(answer) == (400, "bad-idempotency-key")


async def test_while_the_first_is_answered(api, counter, house, monkeypatch) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    loop, ledgers = asyncio.get_running_loop(), type(counter.ledgers)
    do_once = ledgers.do_once

    def slowly(self, *asked: object):
        loop.call_soon_threadsafe(inside.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        return do_once(self, *asked)

    monkeypatch.setattr(ledgers, "do_once", slowly)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(make(api))
        await inside.wait()
        second = await make(api)
        go_on.set()
    assert problem(second) == (409, "still-running")
    assert second.headers["retry-after"] == "1"
    assert first.result().status_code == 201
    assert (await make(api)).status_code == 201
    assert lists(house) == 1


def test_equal_requests_at_once_in_several_processes(house) -> None:
    """What a process remembers of running requests is no help against another one: the store decides."""
    stores = [open_store(house.store.path) for _ in range(4)]
    together = threading.Barrier(len(stores))
    house.keyring.of(ACME)

    def ask(store) -> Kept:
        together.wait()
        return Idempotency(store, house.keyring).do(Once(ACME, b"mark", b"print"), make_a_list, 1.0)

    def make_a_list(store: JoinedStore) -> bytes:
        with store.write() as connection:
            values = {"account_id": ACME, "list_id": "bread.acme.example", "folded": "b", "name": ""}
            made = connection.execute(MAIL_LIST.insert().values(values))
        return str(made.inserted_primary_key[0]).encode()

    with ThreadPoolExecutor(len(stores)) as threads:
        kept = list(threads.map(ask, stores))
    for store in stores:
        store.close()
    assert sorted(one.again for one in kept) == [False, True, True, True]
    assert len({one.answer for one in kept}) == 1
    assert lists(house) == 1


async def test_an_answer_that_was_erased_is_told_and_nothing_is_done(api, house, world) -> None:
    await make(api)
    await api.send("DELETE", "/lists/bread.acme.example")
    with house.store.write() as connection:
        connection.execute(update(IDEMPOTENCY).values(sealed=b""))
    assert problem(await make(api)) == (410, "answer-erased")
    assert not lists(house)
    assert world.meter.value("api_repetitions_total", result="erased") == 1
    assert problem(await make(api, body=BREAD | {"name": "Rolls"})) == (422, "idempotency-key-reused")


async def test_what_dies_between_the_change_and_the_answer_has_done_nothing(api, house, monkeypatch) -> None:
    """The answer is made where the change is written; a process that dies there commits neither."""

    def dies(_: Answer) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Answer, "to_octets", dies)
        assert problem(await make(api)) == (500, "internal")
    assert not lists(house)
    assert (await make(api)).status_code == 201
    assert lists(house) == 1


async def test_what_rests_names_nobody(api, house) -> None:
    await make(api)
    with house.store.read() as connection:
        (row,) = connection.execute(select(IDEMPOTENCY)).all()
    rest = b"".join(part for part in row if isinstance(part, bytes))
    assert KEY.encode() not in rest
    assert b"bread" not in rest
