"""Bodies as hostile programs send them."""

import asyncio
import json

import pytest

from gateway.web.api.bodies import DEEPEST, BadJson, read_json
from tests.unit.web.api.test_lists import BREAD, problem


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": -Infinity}', "-Infinity is no JSON"),
        (b'{"a": 1, "a": 2}', "a member is there twice"),
        (b'{"b": {"a": 1, "\\u0061": 2}}', "a member is there twice"),
        (b'{"a": "\\ud800"}', "it holds half a character"),
        (b'{"\\udfff": 1}', "it holds half a character"),
        (b'{"a": "\xff"}', "it is not in UTF-8"),
        (b"\xef\xbb\xbf{}", "it is no JSON"),
        (b"[" * 30_000, "it is nested too deeply"),
        (b'{"a":' * 30_000 + b"1", "it is nested too deeply"),
        (b'{"a": ' + b"9" * 60_000 + b"}", "it is no JSON"),
        (b"[]", "it is no object"),
        (b'"a"', "it is no object"),
        (b"null", "it is no object"),
        (b"", "it is no JSON"),
        (b"{", "it is no JSON"),
        (b"{} {}", "it is no JSON"),
        (b"{'a': 1}", "it is no JSON"),
        (b'{"a": "\n"}', "it is no JSON"),
    ],
)
def test_what_two_readers_may_read_as_two_things(text: bytes, why: str) -> None:
    with pytest.raises(BadJson, match=why):
        read_json(text)


@pytest.mark.parametrize(
    "value", [{}, {"a": "[[[[[[[[[[[["}, {"a": '\\"[[[[[[[[[['}, {"a": "\U0001f35e"}, {"a": [[[[[[1]]]]]]}]
)
def test_what_is_read(value) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert DEEPEST == 8


async def test_the_key_comes_before_the_body(api) -> None:
    assert problem(await api.send("POST", "/lists", b"{", key="ck_nobody")) == (401, "invalid-key")
    assert problem(await api.send("POST", "/lists", b"{")) == (400, "bad-body")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
async def test_a_body_of_another_type(api, kind: str) -> None:
    answer = await api.send("POST", "/lists", b"{}", Content_Type=kind)
    assert problem(answer) == (415, "wrong-media-type")


async def test_a_type_with_a_parameter(api) -> None:
    answer = await api.send(
        "POST", "/lists", json.dumps(BREAD).encode(), Content_Type="Application/JSON; charset=utf-8"
    )
    assert answer.status_code == 201


async def test_a_huge_body_is_cut_off(api, app) -> None:
    sent = 0

    async def trickle():
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 10_000

    answer = await api.client.post(
        "/api/v1/lists",
        content=trickle(),
        headers={"Authorization": "Bearer ck_acme", "Content-Type": "application/json"},
    )
    assert problem(answer) == (413, "too-long")
    assert answer.headers["connection"] == "close"
    assert sent < 10, "no more was read than the limit"


async def test_a_body_that_does_not_come_to_its_end(api, app, monkeypatch) -> None:
    """The guard's clock is what ends it; here it is told to strike at once."""

    async def never():
        yield b"{"
        await asyncio.Event().wait()

    at_once = asyncio.timeout

    monkeypatch.setattr("gateway.web.guard.asyncio.timeout", lambda _: at_once(0.05))
    answer = await api.client.post(
        "/api/v1/lists",
        content=never(),
        headers={"Authorization": "Bearer ck_acme", "Content-Type": "application/json"},
    )
    assert problem(answer) == (408, "too-slow")


async def test_wrong_members_are_named_and_not_repeated(api) -> None:
    answer = await api.send("POST", "/subscriptions", {"list": "x", "address": {"secret": "ann@example.net"}})
    assert problem(answer) == (400, "bad-body")
    assert {one["parameter"] for one in answer.json()["errors"]} == {"address", "evidence"}
    assert "ann@example.net" not in answer.text
