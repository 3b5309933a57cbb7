"""Subscribers by the API: who may be added, asked, seen and taken off."""

import pytest
from sqlalchemy import func, select, update

from gateway.model.address import parse_address
from gateway.model.facts import AccountState, Basis
from gateway.model.ledger import Origin
from gateway.store.letters import Letters
from gateway.store.schema import ACCOUNT, LEDGER, SUBSCRIPTION
from gateway.store.subscriptions import Subscriptions
from tests.unit.web.api.conftest import ACME, CAFE, KEYS
from tests.unit.web.api.test_lists import problem

NEWS = "news.acme.example"
EVIDENCE = {"source": "https://acme.example/form", "ip": "192.0.2.7", "at": "2026-11-27T09:30:00Z"}
ANN = {"list": NEWS, "address": "ann@example.net", "mode": "asserted", "evidence": EVIDENCE}


@pytest.fixture
def trusted(house) -> None:
    """The account's statement is enough."""
    with house.store.write() as connection:
        connection.execute(update(ACCOUNT).values(consent="asserted"))


def count(house, table, *which) -> int:
    with house.store.read() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*which)).scalar_one()


def add(house, address: str, account: int = ACME) -> None:
    found = house.registry.lists({ACME: "acme", CAFE: "cafe"}[account])[0]
    Subscriptions(house.store, house.keyring).add(
        account, found.id, parse_address(address), Basis.ASSERTED, Origin("operator x", "shop"), 1.0
    )


@pytest.mark.usefixtures("trusted")
async def test_an_asserted_addition_is_kept_with_its_evidence(api, house, world) -> None:
    answer = await api.send("POST", "/subscriptions", ANN)
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "list": NEWS,
            "address": "ann@example.net",
            "state": "confirmed",
            "basis": "asserted",
            "source": "https://acme.example/form (2026-11-27T09:30:00Z)",
            "created_at": "2027-01-15T08:00:00.000Z",
            "changed_at": "2027-01-15T08:00:00.000Z",
        },
    )
    again = await api.send("POST", "/subscriptions", ANN)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert count(house, LEDGER, LEDGER.c.account_id == ACME) == 1
    assert world.meter.value("api_additions_total", result="added") == 1


async def test_without_trust_a_statement_is_not_enough(api, house) -> None:
    assert problem(await api.send("POST", "/subscriptions", ANN)) == (403, "double-opt-in-only")
    assert not count(house, SUBSCRIPTION)


async def test_double_opt_in_asks_by_a_letter(api, house, world) -> None:
    wanted = {name: value for name, value in ANN.items() if name != "mode"} | {"language": "de"}
    answer = await api.send("POST", "/subscriptions", wanted, Idempotency_Key="a")
    assert (answer.status_code, answer.json()) == (
        202,
        {"list": NEWS, "address": "ann@example.net", "state": "asked"},
    )
    again = await api.send("POST", "/subscriptions", wanted)
    assert (again.status_code, again.content) == (202, answer.content), "it tells nothing"
    (letter,) = Letters(house.store, house.keyring).take(world.clock.now(), 9)
    assert str(letter.letter.to) == "ann@example.net"
    assert b"https://acme.example/form" in letter.letter.content
    (found,) = (await api.send("POST", "/subscriptions/lookup", {"address": "ANN@example.net"})).json()[
        "data"
    ]
    assert (found["state"], found["basis"]) == ("pending", "double-opt-in")


@pytest.mark.usefixtures("trusted")
async def test_who_has_left_is_not_brought_back(api, house) -> None:
    add(house, "ann@example.net")
    body = {"list": NEWS, "address": "ann@example.net", "reason": "asked by telephone"}
    left = await api.send("POST", "/subscriptions/unsubscribe", body)
    assert (left.status_code, left.json()["state"]) == (200, "unsubscribed")
    assert (await api.send("POST", "/subscriptions/unsubscribe", body)).json() == left.json()
    assert problem(await api.send("POST", "/subscriptions", ANN)) == (409, "has-left")
    assert count(house, LEDGER, LEDGER.c.act == "unsubscribed") == 1


async def test_who_never_was_there_cannot_leave(api) -> None:
    body = {"list": NEWS, "address": "ann@example.net"}
    assert problem(await api.send("POST", "/subscriptions/unsubscribe", body)) == (404, "not-subscribed")


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"address": "ann"}, 422, "bad-address"),
        ({"address": "Ann <ann@example.net>"}, 422, "bad-address"),
        ({"address": "ann@example.net\r\nBcc: bob@example.net"}, 422, "bad-address"),
        ({"address": ["ann@example.net"]}, 400, "bad-body"),
        ({"address": "a" * 400 + "@example.net"}, 400, "bad-body"),
        ({"list": "news.cafe.example"}, 404, "unknown-list"),
        ({"list": "no.acme.example"}, 404, "unknown-list"),
        ({"mode": "account"}, 400, "bad-body"),
        ({"language": "x\r\ny"}, 400, "bad-body"),
        ({"evidence": {}}, 400, "bad-body"),
        ({"evidence": {"source": "a\r\nBcc: b"}}, 400, "bad-body"),
        ({"evidence": EVIDENCE | {"ip": "everywhere"}}, 400, "bad-body"),
        ({"evidence": EVIDENCE | {"at": "yesterday"}}, 400, "bad-body"),
        ({"evidence": EVIDENCE | {"at": "2026-11-27T09:30:00"}}, 400, "bad-body"),
        ({"evidence": EVIDENCE | {"user_agent": "a\x00b"}}, 400, "bad-body"),
        ({"account_id": CAFE}, 400, "bad-body"),
    ],
)
@pytest.mark.usefixtures("trusted")
async def test_what_is_no_addition(api, house, change, status, name) -> None:
    assert problem(await api.send("POST", "/subscriptions", ANN | change)) == (status, name)
    assert not count(house, SUBSCRIPTION)


async def test_a_suspended_account_adds_nobody(api, house) -> None:
    house.registry.set_state("acme", AccountState.SUSPENDED, "spam", "operator x", 2.0)
    for mode in ("asserted", "double-opt-in"):
        answer = await api.send("POST", "/subscriptions", ANN | {"mode": mode})
        assert problem(answer) == (403, "suspended")


@pytest.mark.usefixtures("trusted")
async def test_two_accounts_see_nothing_of_each_other(api, house) -> None:
    add(house, "ann@example.net", CAFE)
    add(house, "bob@example.net")
    unknown = await api.send("POST", "/subscriptions/lookup", {"address": "nobody@example.net"})
    theirs = await api.send("POST", "/subscriptions/lookup", {"address": "ann@example.net"})
    assert (theirs.status_code, theirs.content, theirs.headers) == (200, unknown.content, unknown.headers)
    for list_id in ("news.cafe.example", "none.acme.example"):
        assert problem(await api.get("/subscriptions", list=list_id)) == (404, "unknown-list")
        body = {"list": list_id, "address": "ann@example.net"}
        assert problem(await api.send("POST", "/subscriptions/unsubscribe", body)) == (404, "unknown-list")
    body = {"list": NEWS, "address": "ann@example.net"}
    assert problem(await api.send("POST", "/subscriptions/unsubscribe", body)) == (404, "not-subscribed")
    found = (await api.get("/subscriptions", key=KEYS[CAFE], list="news.cafe.example")).json()["data"]
    assert [(one["address"], one["state"]) for one in found] == [("ann@example.net", "confirmed")]


@pytest.mark.parametrize("look", [3, 1000])
async def test_a_list_page_by_page(api, house, monkeypatch, look: int) -> None:
    """With few rows looked at for each page there are empty ones, and none is the last before the end."""
    monkeypatch.setattr("gateway.store.own_subscriptions._LOOK", look)
    house.registry.add_list("acme", "rolls.acme.example", "Rolls", default=False)
    rolls = house.registry.lists("acme")[1]
    subscriptions = Subscriptions(house.store, house.keyring)
    for number in range(17):
        add(house, f"n{number}@example.net")
        subscriptions.add(
            ACME,
            rolls.id,
            parse_address(f"r{number}@example.net"),
            Basis.ASSERTED,
            Origin("operator x", ""),
            1.0,
        )
    seen, after = [], ""
    while after is not None:
        page = (await api.get("/subscriptions", list=NEWS, limit=4, after=after)).json()
        assert len(page["data"]) <= 4
        seen += [one["address"] for one in page["data"]]
        after = page["next"]
    assert sorted(seen) == sorted(f"n{number}@example.net" for number in range(17))


async def test_a_cursor_of_one_list_opens_no_other(api, house) -> None:
    house.registry.add_list("acme", "rolls.acme.example", "Rolls", default=False)
    for number in range(3):
        add(house, f"n{number}@example.net")
    cursor = (await api.get("/subscriptions", list=NEWS, limit=1)).json()["next"]
    answer = await api.get("/subscriptions", list="rolls.acme.example", after=cursor)
    assert problem(answer) == (400, "bad-cursor")


async def test_no_address_is_logged(api, house, logged) -> None:
    add(house, "ann@example.net")
    await api.send("POST", "/subscriptions", ANN)
    await api.send("POST", "/subscriptions", ANN | {"mode": "double-opt-in"})
    await api.send("POST", "/subscriptions/unsubscribe", {"list": NEWS, "address": "ann@example.net"})
    assert "ann@example.net" not in str(logged)
