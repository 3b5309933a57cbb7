"""The watch over single additions: who adds like a person, and who adds like a list."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from gateway.model.addition import Then
from gateway.model.events import EventType
from gateway.store.additions import Additions
from gateway.store.events import EventHistory
from gateway.store.schema import ACCOUNT, ADDITION, SUBSCRIPTION
from tests.unit.web.api.conftest import ACME, CAFE, KEYS
from tests.unit.web.api.test_lists import problem
from tests.unit.web.api.test_subscriptions import ANN, EVIDENCE

NAMES = [
    "kim",
    "ada",
    "zoe",
    "bob",
    "eve",
    "lea",
    "tom",
    "ian",
    "uma",
    "pat",
    "sam",
    "dan",
    "gus",
    "ivy",
    "joe",
    "may",
    "rex",
    "val",
    "wes",
    "amy",
]


@pytest.fixture(autouse=True)
def trusted(house) -> None:
    with house.store.write() as connection:
        connection.execute(update(ACCOUNT).values(consent="asserted"))


class Program:
    """A tenant's program. ``pause``: seconds between two additions, in turn."""

    def __init__(self, api, world, key: str = KEYS[ACME], account: str = "acme") -> None:
        self.api, self.world, self.key, self.account = api, world, key, account
        self.number = 0

    async def add(self, name: str, pause: float | None = None, **evidence: str):
        self.number += 1
        self.world.clock.time += (self.number * 37 % 101) if pause is None else pause
        ip = f"198.51.{self.number}.7"
        body = ANN | {
            "list": f"news.{self.account}.example",
            "address": name if "@" in name else f"{name}@example.net",
            "evidence": EVIDENCE | {"ip": ip} | evidence,
        }
        return await self.api.send("POST", "/subscriptions", body, key=self.key)


@pytest.fixture
def program(api, world) -> Program:
    return Program(api, world)


def held(house, account: int = ACME):
    found = Additions(house.store, house.keyring).held(account)
    return found and set(found.signs)


async def test_people_who_come_when_they_like(program, house) -> None:
    for name in NAMES * 2:
        assert (await program.add(f"{name}{program.number}x")).status_code == 201
    assert held(house) is None


@pytest.mark.parametrize(
    ("sign", "ask"),
    [
        ("alphabet", lambda program, number: program.add(f"{chr(97 + number)}nn")),
        ("numbers", lambda program, number: program.add(f"user{number}")),
        ("clockwork", lambda program, number: program.add(NAMES[number], 30.0)),
        ("one-network", lambda program, number: program.add(NAMES[number], ip=f"192.0.2.{number}")),
        ("own-network", lambda program, number: program.add(NAMES[number], ip="127.0.0.9")),
        ("odd-domains", lambda program, number: program.add(f"{NAMES[number]}@{ODD[number % 4]}")),
        ("roles", lambda program, number: program.add(NAMES[number] if number % 4 else ROLES[number // 4])),
    ],
)
async def test_a_sign_is_told_and_the_next_are_asked(  # noqa: PLR0917 - fixtures and a row of the table
    program, house, world, logged, sign, ask
) -> None:
    for number in range(20):
        assert (await ask(program, number)).status_code == 201
    assert held(house) == {sign}
    asked = await program.add("later")
    assert (asked.status_code, asked.json()["state"]) == (202, "asked")
    told = EventHistory(house.store, house.keyring).recent(ACME, types=[EventType.ADDITIONS])
    assert [dict(one.facts) for one in told] == [{"result": "ask", "signs": sign, "additions": 20}]
    assert not told[0].data
    assert world.meter.value("addition_signs_total", sign=sign) == 1
    (line,) = [one for one in logged if one["event"] == "additions look like a list"]
    assert "example.net" not in str(line)


ODD = ["gmial.com", "example.net", "example.org", "example.com"]
ROLES = ["info", "sales", "postmaster", "abuse", "contact"]


async def test_a_burst_for_a_young_list(program, house, world) -> None:
    world.additions = replace(world.additions, burst=5, least=500)
    for name in NAMES[:5]:
        await program.add(name)
    assert held(house) is None
    await program.add("late")
    assert held(house) == {"burst"}


async def test_a_list_that_is_old_and_large_may_grow(program, house, world) -> None:
    world.additions = replace(world.additions, burst=5, least=500, growth=0.2)
    for name in NAMES:
        await program.add(name, 3600.0)
    world.clock.time += 8 * 86_400
    for number in range(9):
        await program.add(f"{NAMES[number]}2")
    assert held(house) is None, "5 and a fifth of 20 are as it should be"
    for number in range(9, 12):
        await program.add(f"{NAMES[number]}2")
    assert held(house) == {"burst"}


async def test_no_more_are_asked_than_policy_says(program, world) -> None:
    world.additions = replace(world.additions, burst=3, asks=6)
    codes = [(await program.add(name)).status_code for name in NAMES[:8]]
    assert codes == [201] * 4 + [202] * 2 + [429] * 2
    assert problem(await program.add("later")) == (429, "additions-held")


async def test_an_operator_looks_and_lets_them_go_on(program, house, world) -> None:
    world.additions = replace(world.additions, then=Then.HOLD, burst=3)
    codes = [(await program.add(name)).status_code for name in NAMES[:5]]
    assert codes == [201] * 4 + [429]
    additions = Additions(house.store, house.keyring)
    before = additions.clear(ACME, "ann", world.clock.now())
    assert (before.signs, before.additions) == (("burst",), 4)
    assert additions.clear(ACME, "ann", world.clock.now()) is None
    assert (await program.add("later")).status_code == 201
    told = EventHistory(house.store, house.keyring).recent(ACME, types=[EventType.ADDITIONS])
    assert told[0].facts == {"result": "cleared", "actor": "ann"}


async def test_where_policy_only_reports_it_is_told_once_an_hour(program, house, world) -> None:
    world.additions = replace(world.additions, then=Then.REPORT, burst=3)
    for name in NAMES:
        assert (await program.add(name)).status_code == 201
    assert world.meter.value("addition_signs_total", sign="burst") == 1
    world.clock.time += 3600
    for name in NAMES[:5]:
        await program.add(f"{name}2")
    assert world.meter.value("addition_signs_total", sign="burst") == 2
    assert held(house) == {"burst"}


async def test_a_hold_is_the_accounts_own_and_outlives_the_process(program, api, house, world) -> None:
    world.additions = replace(world.additions, then=Then.HOLD, burst=3)
    for name in NAMES[:5]:
        await program.add(name)
    other = Program(api, world, KEYS[CAFE], "cafe")
    assert (await other.add("kim")).status_code == 201
    assert held(house, CAFE) is None
    world.clock.time += 30 * 86_400
    assert problem(await program.add("later")) == (429, "additions-held"), "time alone ends nothing"


async def test_what_rests_is_an_hour_of_features(program, house, world) -> None:
    for name in NAMES[:3]:
        await program.add(name)
    world.clock.time += 3600
    await program.add("zed")
    with house.store.read() as connection:
        (row,) = connection.execute(select(ADDITION)).all()
        assert connection.execute(select(func.count()).select_from(SUBSCRIPTION)).scalar_one() == 4
    assert len(row.person_network) == len(row.client_network) == 16
    assert row.person_network != row.client_network
    assert b"198.51" not in row.person_network


async def test_repeating_a_request_adds_nothing_to_the_window(program, api, house) -> None:
    for _ in range(3):
        await api.send("POST", "/subscriptions", ANN, Idempotency_Key="a")
    with house.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(ADDITION)).scalar_one() == 1
