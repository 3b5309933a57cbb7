"""openapi.json says what comes: asked by schemathesis with whatever it allows and does not allow."""

import httpx
import pytest
import schemathesis
from fastapi.openapi.utils import get_openapi
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)
from starlette.responses import PlainTextResponse

from gateway.model import notice as model
from gateway.model.events import Event, EventType
from gateway.model.notice import ALL, Names, notice_of
from gateway.settings.schema import ApiSection
from gateway.store.memory import MemoryTide
from gateway.web.api import app as api_app
from gateway.web.api import schema
from gateway.web.api.app import Doors
from gateway.web.api.events import as_json
from gateway.web.api.problems import TABLE

KEY = {"Authorization": "Bearer ck_acme"}


@pytest.fixture
def operations(app, world, monkeypatch):
    """Every operation that openapi.json describes. Schemathesis' own plugin does not know this pytest."""
    world.api = ApiSection(rate="1000000/s", burst=1_000_000, failed_keys="1000000/s")
    for number in range(3):
        world.tell(number)
        world.tell(number, kind=EventType.SUBSCRIPTION, state="unsubscribed")
    monkeypatch.setattr(MemoryTide, "rise", never)
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    return [found.ok() for found in described.get_all_operations()]


async def never(*_: object) -> bool:
    """Let those who wait have no patience: nothing happens here."""
    return False


def ask(operation, mode: GenerationMode, check) -> None:
    examples = 30 if operation.path.endswith("/events") else 8

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case) -> None:
        check(case)

    each()


def test_what_the_document_allows_is_answered(operations) -> None:
    def check(case) -> None:
        case.query.pop("after", None)  # only cursors that were given out are taken
        if case.operation.path.endswith("/events"):
            assert case.call_and_validate(headers=KEY).status_code == 200
            return
        # What the form allows may name no list, or no address.
        answer = case.call_and_validate(headers=KEY, excluded_checks=[positive_data_acceptance])
        assert answer.status_code in {200, 201, 202, 204, 400, 404, 409, 422}

    for operation in operations:
        ask(operation, GenerationMode.POSITIVE, check)


def test_made_up_cursors_are_a_problem_and_no_accident(operations) -> None:
    def check(case) -> None:
        case.query.setdefault("after", "x")
        assert case.call_and_validate(
            headers=KEY, excluded_checks=[positive_data_acceptance]
        ).status_code in {200, 400, 404}

    for operation in operations:
        if any(one.name == "after" for one in operation.query):
            ask(operation, GenerationMode.POSITIVE, check)


def test_what_the_document_does_not_allow_is_refused(operations) -> None:
    def check(case) -> None:
        # The key is ours, and an unknown parameter that is an empty list is not there on the wire: what is
        # left of such a case is allowed.
        sent = httpx.Request("GET", "http://x", params=case.query).url.params
        gone = set(case.query) - {one.name for one in case.operation.query} - set(sent)
        is_allowed = gone or (set(sent) <= {"after"} and not sent.get("after"))
        excluded = [negative_data_rejection] if is_allowed else []
        if not case.operation.path.endswith("/events"):
            # A key without its own form is refused, one with it is taken; a text that is there is a List-Id.
            excluded = [negative_data_rejection, missing_required_header, unsupported_method]
        case.call_and_validate(headers=KEY, excluded_checks=excluded)

    for operation in operations:
        ask(operation, GenerationMode.NEGATIVE, check)


@pytest.mark.parametrize("kind", sorted(model.TOLD))
def test_every_notice_is_described(kind: EventType) -> None:
    for names in (Names(), Names("news.example.org", "ann@example.net")):
        event = Event("E", kind, 1.0, 7, "S", 0, 3, {"state": "confirmed"}, {})
        notice = notice_of(event, 1, names)
        assert notice.type in ALL
        told = as_json(notice)
        assert TypeAdapter(schema.Event).validate_python(told).model_dump(mode="json") == told


async def test_the_document(api) -> None:
    document = (await api.get("/openapi.json", key=None)).json()
    assert document["openapi"].startswith("3.")
    assert document["servers"] == [{"url": "http://127.0.0.1:8080"}]
    operation = document["paths"]["/api/v1/events"]["get"]
    assert operation["security"] == [{"key": []}]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert {"200", "400", "401", "403", "429", "503", "default"} == set(operation["responses"])
    (example,) = document["components"]["schemas"]["Events"]["examples"]
    assert schema.Events.model_validate(example)


@pytest.mark.parametrize("name", list(TABLE))
async def test_a_problems_type_leads_to_its_page(api, name: str) -> None:
    answer = await api.get(f"/problems/{name}", key=None)
    assert answer.status_code == 200
    assert answer.text.startswith(TABLE[name].title)


async def test_what_is_not_there(api, world) -> None:
    for path, code in (("/nothing", 404), ("/problems/none", 404), ("/events/", 404)):
        answer = await api.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (code, "application/problem+json")
    assert world.meter.value("api_requests_total", route="other", code="404") == 2
    answer = await api.client.post("/api/v1/events", headers=KEY)
    assert (answer.status_code, answer.headers["allow"], answer.json()["status"]) == (405, "GET", 405)


async def test_a_body_that_is_too_long(api) -> None:
    answer = await api.client.request("GET", "/api/v1/events", headers=KEY, content=b"x" * 70_000)
    assert answer.status_code in {200, 413}


async def test_no_page_headers(api) -> None:
    answer = await api.get()
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


async def test_the_pages_are_behind_every_other_path(app) -> None:
    async def pages(scope, receive, send) -> None:
        await PlainTextResponse("a page")(scope, receive, send)

    transport = httpx.ASGITransport(app=Doors(pages, app))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail.example") as client:
        for path, wanted in (
            ("/", 200),
            ("/u/api/v1/events", 200),
            ("/apis", 200),
            ("/api/v1/events", 401),
            ("/api/", 404),
        ):
            answer = await client.get(path)
            assert (answer.status_code, answer.text == "a page") == (wanted, wanted == 200), path


async def test_the_document_is_made_once(api, monkeypatch) -> None:
    """To make it takes thirty times as long as a request does, and it needs no key."""
    made = []
    monkeypatch.setattr(api_app, "get_openapi", lambda **asked: made.append(asked) or get_openapi(**asked))
    answers = [(await api.get("/openapi.json", key=None)).content for _ in range(3)]
    assert len(set(answers)) == len(made) == 1


async def test_thousands_of_wrong_parameters_get_a_short_answer(api) -> None:
    answer = await api.get("/events", key=None, **{f"a{number}": "1" for number in range(2000)})
    assert answer.status_code == 400
    assert len(answer.content) < 4096
