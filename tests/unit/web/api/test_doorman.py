"""Who may use the API, and what those hear who may not."""

import pytest

from gateway.model.reply import StoreAway
from gateway.settings.schema import ApiSection, WebSection
from gateway.web.client import source_of


@pytest.mark.parametrize(
    "header",
    [
        "Bearer ck_nobody",
        "Bearer ",
        "Bearer",
        "Basic ck_acme",
        "ck_acme",
        "Bearer ck_acme, ck_acme",
        "bearerck_acme",
        "",
    ],
)
async def test_every_wrong_key_gets_one_answer(api, world, header) -> None:
    wanted = await api.client.get("/api/v1/events", headers={"Authorization": "Bearer ck_wrong"})
    answer = await api.client.get("/api/v1/events", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.content == wanted.content
    assert answer.headers["www-authenticate"] == 'Bearer realm="consentry", error="invalid_token"'
    assert world.meter.value("api_keys_total", result="failed") == 2


async def test_no_key_at_all(api) -> None:
    answer = await api.get(key=None)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="consentry"')


async def test_the_scheme_is_known_in_any_case(api) -> None:
    answer = await api.client.get("/api/v1/events", headers={"Authorization": "BEARER  ck_acme "})
    assert answer.status_code == 200


async def test_a_key_without_the_scope(api) -> None:
    answer = await api.get(key="ck_other")
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="events:read"' in answer.headers["www-authenticate"]


async def test_a_key_is_asked_before_the_parameters(api) -> None:
    assert (await api.get(key="ck_nobody", after="nonsense")).status_code == 401


async def test_a_source_that_guesses_is_turned_away(api, world, logged) -> None:
    world.api = ApiSection(failed_keys="3/min")
    codes = [(await api.get(key=f"ck_{number}")).status_code for number in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    blocked = await api.get()  # a good key from there, too: its bearer shares the fate of the source
    assert (blocked.status_code, blocked.headers["retry-after"]) == (429, "20")
    world.clock.time += 20
    assert (await api.get()).status_code == 200
    assert {line["client"] for line in logged} == {"127.0.0.1"}
    assert not any("ck_" in str(line) for line in logged)


async def test_another_source_is_not(api, world) -> None:
    world.api = ApiSection(failed_keys="1/min")
    world.web = WebSection.model_validate({"forwarded_from": ["127.0.0.0/8"]})
    here, there = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
    for source, wanted in ((here, 401), (here, 429), (there, 401)):
        answer = await api.client.get("/api/v1/events", headers={"Authorization": "Bearer no", **source})
        assert answer.status_code == wanted


async def test_a_key_has_a_limit_of_its_own(api, world) -> None:
    world.api = ApiSection(rate="1/s", burst=2)
    codes = [(await api.get()).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert (await api.get()).headers["retry-after"] == "1"
    assert (await api.get(key="ck_cafe")).status_code == 200
    world.clock.time += 1
    assert (await api.get()).status_code == 200
    assert world.meter.value("api_keys_total", result="limited") == 2


async def test_a_store_that_is_away_counts_no_failure(api, world) -> None:
    world.keys.away = StoreAway("away")
    assert (await api.get(key="ck_nobody")).status_code == 503
    assert world.meter.value("api_keys_total", result="failed") == 0


@pytest.mark.parametrize(
    ("client", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_what_a_source_is(client: str, source: str) -> None:
    assert source_of(client) == source
