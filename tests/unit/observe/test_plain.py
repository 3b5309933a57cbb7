"""The short way of a log line says what the long way says, or nothing."""

import io
import json
from enum import StrEnum

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.observe import logs
from gateway.observe.plain import plain_line
from gateway.observe.redact import may_hold_address, redact

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(2**62), 2**62), st.floats(), st.text())
NAMES = st.sampled_from(["host", "code", "type", "seconds", "submission", "why"])


class Word(StrEnum):
    A = "a"


def long_way(level, event, values):
    stream = io.StringIO()
    fields = {**values, "event": event}
    for process in (*logs._FIRST, logs._as_json):
        fields = process(None, level, fields)
    stream.write(str(fields))
    return json.loads(stream.getvalue())


@given(st.sampled_from(["debug", "info", "warning", "error"]), st.text(), st.dictionaries(NAMES, PLAIN))
def test_both_ways_say_the_same(level, event, values) -> None:
    line = plain_line(level, event, values)
    if line is not None:
        short, long = json.loads(line), long_way(level, event, values)
        assert short.pop("time")[:4] == long.pop("time")[:4]
        assert short == long
        assert list(short) == list(long)


@given(st.text(alphabet="ab.@%+40&#64;\uff20\ufe6bAddress('\\\" ", max_size=40))
def test_what_the_look_lets_through_has_nothing_to_redact(text) -> None:
    if not may_hold_address(text):
        assert redact(text) == text


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        "a@example.com",
        "a%40example.com",
        "a\uff20b",
        "x" * 4001,
        float("inf"),
        Word.A,
        "\ud800",
        [1],
    ],
)
def test_what_needs_a_look_goes_the_long_way(value) -> None:
    assert plain_line("info", "x", {"value": value}) is None


def test_exceptions_and_strange_names_go_the_long_way() -> None:
    assert plain_line("error", "x", {"exc_info": True}) is None
    assert plain_line("error", "a@example.com", {}) is None
    assert plain_line("error", "x", {"a@example.com": 1}) is None


def test_the_plain_line_is_written(stream) -> None:
    logs.configure(stream=stream, form="json")
    log = structlog.get_logger("test").bind(part="relay")
    log.info("Delivery", type="Delivery", seconds=0.5, host="mx.example:25", list=None)
    log.info("Delivery", to="a@example.com")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["type"], first["part"], first["list"], first["host"]) == (
        "Delivery",
        "relay",
        None,
        "mx.example:25",
    )
    assert (second["type"], second["to"]) == ("Log", "[address]")
