"""GET /api/v1/events."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.model.events import EventType
from gateway.model.reply import StoreAway
from gateway.web.api.events import WaitingRoom

CAFE_KEY = "ck_cafe"


async def test_an_event_in_full(api, world) -> None:
    world.tell(
        1, kind=EventType.BOUNCE, code=550, enhanced="5.1.1", bounce_class="InvalidRecipient", attempts=1
    )
    answer = await api.get()
    assert answer.status_code == 200
    assert answer.json()["data"] == [
        {
            "id": "00000000Z8000000000000000" + "1",
            "type": "message.bounced",
            "timestamp": "1970-01-01T00:00:01.000Z",
            "data": {
                "message": "S",
                "delivery": 0,
                "recipient": "r1@example.net",
                "list": "news.example.org",
                "attempts": 1,
                "code": 550,
                "enhanced": "5.1.1",
                "reply": None,
                "bounce_class": "InvalidRecipient",
            },
        }
    ]
    assert answer.json()["has_more"] is False


async def test_page_by_page(api, world) -> None:
    for number in range(25):
        world.tell(100 - number)
        world.tell(number, account=8)
    seen, after, more = [], "", True
    while more:
        page = (await api.get(limit=10, after=after)).json()
        seen += [one["data"]["recipient"] for one in page["data"]]
        after, more = page["next"], page["has_more"]
    assert seen == [f"r{100 - number}@example.net" for number in range(25)]
    world.tell(5)  # it happened before all of them
    assert [one["data"]["recipient"] for one in (await api.get(after=after)).json()["data"]] == [
        "r5@example.net"
    ]


async def test_by_type(api, world) -> None:
    world.tell(1)
    world.tell(2, kind=EventType.SUBSCRIPTION, state="unsubscribed", via="one-click")
    world.tell(3, kind=EventType.BOUNCE)
    page = (await api.get(type=["subscription.unsubscribed", "message.bounced"])).json()
    assert [one["type"] for one in page["data"]] == ["subscription.unsubscribed", "message.bounced"]
    assert page["data"][0]["data"]["via"] == "one-click"


async def test_one_account_never_sees_another(api, world) -> None:
    world.tell(1, account=8)
    assert (await api.get()).json()["data"] == []
    theirs = (await api.get(key=CAFE_KEY)).json()
    assert len(theirs["data"]) == 1
    stolen = await api.get(after=theirs["next"])
    assert (stolen.status_code, stolen.json()["title"]) == (
        400,
        "The cursor was not given out for this account",
    )
    made_up = await api.get(after="x" * 32)
    assert made_up.content == stolen.content


async def test_waiting_for_the_first_one(api, world) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(api.get(wait=15))
        await world.tide.waiting.wait()
        world.tell(1)
        world.tide.risen.set()
        assert len((await asked).json()["data"]) == 1


async def test_waiting_for_what_does_not_concern_one_goes_on(api, world) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(api.get(wait=15, type="message.bounced"))
        await world.tide.waiting.wait()
        world.tell(1)
        world.tide.waiting.clear()
        world.tide.risen.set()
        await world.tide.waiting.wait()
        world.tell(2, kind=EventType.BOUNCE)
        world.tide.risen.set()
        assert [one["type"] for one in (await asked).json()["data"]] == ["message.bounced"]


async def test_waiting_ends(api) -> None:
    assert (await api.get(wait=0.001)).json()["data"] == []


async def test_those_who_wait_are_few() -> None:
    room = WaitingRoom()
    async with AsyncExitStack() as seats:
        for account in [7] * 5 + list(range(100, 195)):
            await seats.enter_async_context(room.seat(account, 60))
        for account in (7, 8):
            with pytest.raises(TimeoutError):
                await seats.enter_async_context(room.seat(account, 60))
    async with room.seat(8, 60):
        pass
    assert not room._seats


async def test_who_finds_no_seat_is_answered_at_once(api, monkeypatch) -> None:
    monkeypatch.setattr("gateway.web.api.events._WAITING", 0)
    assert (await api.get(wait=15)).json()["data"] == []


async def test_nobody_waits_for_a_process_that_ends(api, world, desk) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(api.get(wait=15))
        await world.tide.waiting.wait()
        desk.waiting.close()
        answer = (await asked).json()
    assert (answer["data"], answer["has_more"]) == ([], False)
    assert (await api.get(wait=15)).json()["data"] == []


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "many"),
        ("wait", "-1"),
        ("wait", "15.1"),
        ("wait", "nan"),
        ("type", "message.read"),
        ("after", "x" * 201),
        ("tpye", "message.bounced"),
    ],
)
async def test_bad_parameters_are_named(api, parameter, value) -> None:
    answer = await api.get(**{parameter: value})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["parameter"] for one in answer.json()["errors"]] == [parameter]


async def test_a_store_that_is_away(api, world) -> None:
    world.feed.away = StoreAway("a secret cause")
    answer = await api.get()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["type"] == "http://127.0.0.1:8080/api/v1/problems/unavailable"
    assert "secret" not in answer.text
    assert world.meter.value("api_requests_total", route="/events", code="503") == 1


async def test_an_error_of_ours_is_a_problem_too(api, world, monkeypatch, logged) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("someone@example.com")

    monkeypatch.setattr(type(world.feed), "page", broken)
    answer = await api.get()
    assert (answer.status_code, answer.json()["title"]) == (500, "Something went wrong here")
    assert "someone" not in answer.text
    assert [line["event"] for line in logged] == ["request failed"]
    assert world.meter.value("api_requests_total", route="/events", code="500") == 1
