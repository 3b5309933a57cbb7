"""/api/v1/imports: begun, brought, looked at; whatever the file, the sender or another account does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.imports.case import CaseState
from gateway.imports.reading import Form as ReadForm
from gateway.imports.reading import Kind, Reader
from gateway.model.facts import AccountState, Basis
from gateway.store import import_staging
from gateway.web.api.imports import Encoding, Format, StatedBasis
from tests.unit.web.api.conftest import ACME, CAFE, KEYS

NEW = {"list": "news.acme.example", "source": "our shop"}
FILE = b"email,confirmed_at,ip\nann@example.net,2024-05-01T10:00:00Z,192.0.2.1\nbob@example.net,2024-05-02T11:00:00Z,192.0.2.9\nnobody\n"
CSV = {"Content_Type": "text/csv"}


async def begun(api, **more: object) -> str:
    answer = await api.send("POST", "/imports", {**NEW, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/imports/{answer.json()['id']}"
    return answer.json()["id"]


async def put(api, name: str, content: bytes = FILE, **headers: str):
    return await api.send("PUT", f"/imports/{name}/rows", content, **{**CSV, **headers})


def problem(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def test_what_can_be_said_of_a_file_is_what_can_be_read() -> None:
    assert {one.value for one in Format} == {one.value for one in Kind}
    for encoding in Encoding:
        assert list(Reader([b"email\nann@example.net\n"], ReadForm(encoding=encoding.value)))
    assert {one.value for one in StatedBasis} <= {one.value for one in Basis}


async def test_from_the_file_to_the_end(api, importing, world) -> None:
    name = await begun(api, columns={"address": "email"}, file="customers.csv")
    assert (await api.get(f"/imports/{name}")).json()["state"] == "receiving"
    taken = await put(api, name)
    assert taken.status_code == 202
    assert {key: taken.json()[key] for key in ("state", "lines", "rows", "faults")} == {
        "state": "received", "lines": 4, "rows": 2, "faults": 1,
    }  # fmt: skip
    assert world.handed_over == [name]
    faults = (await api.get(f"/imports/{name}/faults")).json()
    assert faults == {"data": [{"line": 4, "reason": faults["data"][0]["reason"]}], "next": None}
    assert "nobody" not in faults["data"][0]["reason"]
    importing.proceed(importing.cases.show(name))
    shown = (await api.get(f"/imports/{name}")).json()
    assert (shown["state"], shown["by_double_opt_in"]) == ("pending", True)  # the account's level
    assert shown["decided_at"] is not None
    assert "score" not in str(shown)


async def test_findings_for_tenants_only(api, importing, house) -> None:
    name = await begun(api)
    await put(api, name, b"email\n" + b"".join(b"info@shop%d.example\n" % number for number in range(40)))
    importing.proceed(importing.cases.show(name))
    shown = (await api.get(f"/imports/{name}")).json()
    assert {"role", "no-evidence"} <= {one["name"] for one in shown["findings"]}
    assert not {"traps", "bought"} & {one["name"] for one in shown["findings"]}


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
async def test_ways_to_write_a_file(api, kind: str) -> None:
    name = await begun(api, format=kind)
    content = FILE if kind == "csv" else b'{"email": "ann@example.net"}\n{"email": "bob@example.net"}\n'
    answer = await put(api, name, content, Content_Type="application/x-ndjson; charset=utf-8")
    assert (answer.status_code, answer.json()["rows"]) == (202, 2)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"list": "news.cafe.example"}, (404, "unknown-list")),
        ({"basis": "double-opt-in"}, (400, "bad-body")),
        ({"source": " "}, (400, "bad-body")),
        ({"source": "a\0b"}, (400, "bad-body")),
        ({"encoding": "rot13"}, (400, "bad-body")),
        ({"delimiter": "xx"}, (400, "bad-body")),
        ({"columns": {"name": "x"}}, (400, "bad-body")),
    ],
)
async def test_what_cannot_be_begun(api, more, status) -> None:
    assert problem(await api.send("POST", "/imports", {**NEW, **more})) == status


async def test_scopes(api, world) -> None:
    for method, path in (("GET", "/imports"), ("GET", "/imports/x"), ("GET", "/imports/x/faults"), ("PUT", "/imports/x/rows"), ("POST", "/imports")):  # fmt: skip
        assert problem(await api.send(method, path, key="ck_other")) == (403, "missing-scope")


async def test_the_same_key_begins_one(api) -> None:
    answers = [await api.send("POST", "/imports", NEW, Idempotency_Key="k1") for _ in "12"]
    assert answers[0].json() == answers[1].json()
    assert len((await api.get("/imports")).json()["data"]) == 1


async def test_page_by_page_the_latest_first(api) -> None:
    names = [await begun(api) for _ in range(3)]
    first = (await api.get("/imports", limit=2)).json()
    rest = (await api.get("/imports", limit=2, after=first["next"])).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == names[::-1]
    assert rest["next"] is None
    assert problem(await api.get("/imports", after="x")) == (400, "bad-cursor")


async def test_faults_page_by_page(api) -> None:
    name = await begun(api)
    await put(api, name, b"email\n" + b"nobody\n" * 5 + b"ann@example.net\n")
    first = (await api.get(f"/imports/{name}/faults", limit=3)).json()
    rest = (await api.get(f"/imports/{name}/faults", limit=3, after=first["next"])).json()
    assert [one["line"] for one in first["data"] + rest["data"]] == [2, 3, 4, 5, 6]
    assert rest["next"] is None


async def test_another_account_sees_nothing(api) -> None:
    name, cafe = await begun(api), {"key": KEYS[CAFE]}
    assert problem(await api.send("GET", f"/imports/{name}", **cafe)) == (404, "unknown-import")
    assert problem(await api.send("GET", f"/imports/{name}/faults", **cafe)) == (404, "unknown-import")
    assert problem(await api.send("PUT", f"/imports/{name}/rows", FILE, **cafe, **CSV)) == (
        404,
        "unknown-import",
    )
    assert (await api.send("GET", "/imports", **cafe)).json()["data"] == []
    assert (await api.get(f"/imports/{name}")).json()["lines"] == 0
    assert problem(await put(api, "none")) == (404, "unknown-import")


async def test_a_suspended_account_begins_none(api, house) -> None:
    house.registry.set_state("acme", AccountState.SUSPENDED, "spam", "op", 2.0)
    assert problem(await api.send("POST", "/imports", NEW)) == (403, "suspended")


async def test_too_many_at_once(api) -> None:
    for _ in range(20):
        await begun(api)
    assert problem(await api.send("POST", "/imports", NEW)) == (409, "too-many-imports")


async def test_no_file_twice(api) -> None:
    name = await begun(api)
    await put(api, name)
    assert problem(await put(api, name)) == (409, "import-moved")


@pytest.mark.parametrize(
    "headers", [{"Content_Type": "application/zip"}, {"Content_Encoding": "gzip"}, {"Content_Type": ""}]
)
async def test_what_is_no_file_of_rows(api, headers) -> None:
    assert problem(await put(api, await begun(api), **headers)) == (415, "wrong-media-type")


async def test_a_file_of_which_nothing_can_be_made_ends_its_import(api) -> None:
    name = await begun(api, columns={"address": "mail"})
    answer = await put(api, name)
    assert problem(answer) == (422, "unreadable-file")
    assert "mail" in answer.json()["detail"]
    assert (await api.get(f"/imports/{name}")).json()["state"] == "refused"


async def test_a_file_that_is_too_long(api, world) -> None:
    world.api = world.api.model_copy(update={"file_size": 100})
    name = await begun(api)
    assert problem(await put(api, name)) == (413, "too-long")
    assert (await api.get(f"/imports/{name}")).json()["state"] == "receiving"


async def test_bodies_of_other_requests_stay_short(api) -> None:
    assert problem(await api.send("POST", "/imports", b"x" * 70_000)) == (413, "too-long")


async def test_a_file_that_was_cut_off_is_sent_again(api, monkeypatch) -> None:
    monkeypatch.setattr(import_staging, "_BATCH", 2)
    rows = [b"r%d@example.net\n" % number for number in range(9)]

    async def cut() -> AsyncIterator[bytes]:
        yield b"email\n" + b"".join(rows[:5])
        raise ConnectionResetError

    name = await begun(api)
    headers = {"Authorization": f"Bearer {KEYS[ACME]}", "Content-Type": "text/csv"}
    answer = await api.client.put(f"/api/v1/imports/{name}/rows", content=cut(), headers=headers)
    assert answer.status_code == 500  # nobody reads it: the sender is gone
    shown = (await api.get(f"/imports/{name}")).json()
    assert (shown["state"], shown["rows"]) == ("receiving", 4)
    assert problem(await put(api, name, b"email\nx@example.net\n" * 9)) == (422, "unreadable-file")
    assert (await api.get(f"/imports/{name}")).json()["state"] == "receiving"
    again = await put(api, name, b"email\n" + b"".join(rows))
    assert (again.status_code, again.json()["rows"]) == (202, 9)


async def test_one_file_of_an_account_at_a_time_and_a_few_of_all(api, app, importing, world) -> None:
    name, more, rest = await begun(api), asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"email\nann@example.net\n"
        more.set()
        await rest.wait()
        yield b"bob@example.net\n"

    headers = {"Authorization": f"Bearer {KEYS[ACME]}", "Content-Type": "text/csv"}
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(
            api.client.put(f"/api/v1/imports/{name}/rows", content=slow(), headers=headers)
        )
        await more.wait()
        assert problem(await put(api, await begun(api))) == (409, "import-moved")
        rest.set()
    assert first.result().json()["rows"] == 2
    assert importing.cases.show(name).state is CaseState.RECEIVED


async def test_a_process_takes_a_few_files_at_once(api, receiver) -> None:
    name = await begun(api)
    for _ in range(4):
        await receiver.threads.acquire_on_behalf_of(object())
    answer = await put(api, name)
    assert problem(answer) == (429, "too-many-requests")
    assert answer.headers["retry-after"] == "10"
