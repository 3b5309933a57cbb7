"""Lists by the API: what an account makes, and what it cannot."""

import pytest
from sqlalchemy import select

from gateway.model.address import parse_address
from gateway.model.facts import Basis
from gateway.model.ledger import Origin
from gateway.store.schema import MAIL_LIST
from gateway.store.subscriptions import Subscriptions
from gateway.web.api import lists
from tests.unit.web.api.conftest import CAFE, KEYS

BREAD = {"list": "bread.acme.example", "name": "Bread", "description": "Loaves.", "frequency": "weekly"}


def problem(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def test_a_list_is_made_shown_changed_and_deleted(api, house) -> None:
    made = await api.send("POST", "/lists", BREAD)
    assert (made.status_code, made.json()) == (201, BREAD)
    assert made.headers["location"] == "/api/v1/lists/bread.acme.example"
    assert (await api.get("/lists/BREAD.acme.example")).json() == BREAD
    changed = await api.send("PATCH", "/lists/bread.acme.example", {"frequency": "daily"})
    assert changed.json() == BREAD | {"frequency": "daily"}
    assert (await api.send("PATCH", "/lists/bread.acme.example", {})).json() == changed.json()
    found = (await api.get("/lists")).json()
    assert ([one["list"] for one in found["data"]], found["next"]) == (
        ["news.acme.example", "bread.acme.example"],
        None,
    )
    assert (await api.send("DELETE", "/lists/bread.acme.example")).status_code == 204
    assert problem(await api.get("/lists/bread.acme.example")) == (404, "unknown-list")
    assert problem(await api.send("DELETE", "/lists/bread.acme.example")) == (404, "unknown-list")
    assert house.registry.account("acme").list_named("bread.acme.example") is None


async def test_lists_page_by_page(api) -> None:
    for number in range(5):
        await api.send("POST", "/lists", {"list": f"l{number}.acme.example"})
    seen, after = [], ""
    while after is not None:
        page = (await api.get("/lists", after=after, limit=2)).json()
        assert len(page["data"]) <= 2
        seen += [one["list"] for one in page["data"]]
        after = page["next"]
    assert seen == ["news.acme.example", *(f"l{number}.acme.example" for number in range(5))]


async def test_a_cursor_is_good_for_its_own_account_and_listing_only(api) -> None:
    await api.send("POST", "/lists", BREAD)
    cursor = (await api.get("/lists", limit=1)).json()["next"]
    assert problem(await api.get("/lists", key=KEYS[CAFE], after=cursor)) == (400, "bad-cursor")
    for path in ("/subscriptions", "/newsletters"):
        assert problem(await api.get(path, list="news.acme.example", after=cursor)) == (400, "bad-cursor")
    assert problem(await api.get("/lists", after=cursor[:-2])) == (400, "bad-cursor")


@pytest.mark.parametrize(
    ("wanted", "status", "name"),
    [
        (BREAD | {"list": "NEWS.acme.example"}, 409, "list-exists"),
        (BREAD | {"list": "bread.cafe.example"}, 422, "foreign-list-id"),
        (BREAD | {"list": "bread.notacme.example"}, 422, "foreign-list-id"),
        (BREAD | {"list": "acme.example"}, 422, "foreign-list-id"),
        (BREAD | {"list": "bread>\r\nBcc: x@y.example\r\n.acme.example"}, 422, "bad-words"),
        (BREAD | {"list": "br\u00e9ad.acme.example"}, 422, "bad-words"),
        (BREAD | {"name": "Bread\r\nBcc: everybody@example.net"}, 422, "bad-words"),
        (BREAD | {"name": "Bread\x00"}, 422, "bad-words"),
        (BREAD | {"description": "daerB \u202e"}, 422, "bad-words"),
        (BREAD | {"frequency": "\u2028weekly"}, 422, "bad-words"),
        (BREAD | {"name": "x" * 91}, 400, "bad-body"),
        (BREAD | {"name": None}, 400, "bad-body"),
        (BREAD | {"list": 7}, 400, "bad-body"),
        (BREAD | {"account": "cafe"}, 400, "bad-body"),
        ({}, 400, "bad-body"),
    ],
)
async def test_what_is_no_list(api, house, wanted, status, name) -> None:
    assert problem(await api.send("POST", "/lists", wanted)) == (status, name)
    with house.store.read() as connection:
        assert len(connection.execute(select(MAIL_LIST)).all()) == 2


async def test_there_are_no_more_lists_than_there_may_be(api, monkeypatch) -> None:
    monkeypatch.setattr(lists, "MOST", 2)
    assert (await api.send("POST", "/lists", BREAD)).status_code == 201
    more = BREAD | {"list": "rolls.acme.example"}
    assert problem(await api.send("POST", "/lists", more)) == (409, "too-many-lists")


async def test_a_list_that_was_used_stays(api, house) -> None:
    await api.send("POST", "/lists", BREAD)
    account = house.registry.account("acme")
    found = account.list_named("bread.acme.example")
    Subscriptions(house.store, house.keyring).add(
        account.id, found.id, parse_address("ann@example.net"), Basis.ASSERTED, Origin("operator x", ""), 1.0
    )
    assert problem(await api.send("DELETE", "/lists/bread.acme.example")) == (409, "list-in-use")
    assert problem(await api.send("DELETE", "/lists/news.acme.example")) == (409, "list-in-use"), "default"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "news.cafe.example",
        "no.acme.example",
        "..%2F..%2Fevents",
        "news.acme.example/",
        "news.acme.example%00",
        "7",
        "%2e%2e",
    ],
)
async def test_another_accounts_list_is_as_unknown_as_none(api, method, path) -> None:
    body = {"name": "Mine now"} if method == "PATCH" else None
    answer = await api.send(method, f"/lists/{path}", body)
    nothing = await api.send(method, "/lists/nothing.acme.example", body)
    assert problem(answer) == (404, "unknown-list")
    assert (answer.content, answer.headers) == (nothing.content, nothing.headers)


async def test_a_list_of_the_same_name_at_another_account_is_nobodys_business(api, house) -> None:
    house.registry.add_list("cafe", "bread.acme.example", "Theirs", default=False)
    assert (await api.send("POST", "/lists", BREAD)).status_code == 201
    await api.send("PATCH", "/lists/bread.acme.example", {"name": "Ours"})
    await api.send("DELETE", "/lists/bread.acme.example")
    assert house.registry.account("cafe").list_named("bread.acme.example").name == "Theirs"


async def test_scopes(api, world) -> None:
    for method, path in (("GET", "/lists"), ("POST", "/lists"), ("DELETE", "/lists/news.acme.example")):
        answer = await api.send(method, path, key="ck_other")
        assert problem(answer) == (403, "missing-scope")
        scope = "lists:read" if method == "GET" else "lists:write"
        assert f'scope="{scope}"' in answer.headers["www-authenticate"]
        assert problem(await api.send(method, path, key="ck_nothing")) == (401, "invalid-key")
