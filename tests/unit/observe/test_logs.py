"""Lines of JSON, without addresses, that never stop the mail."""

import json
import logging
import sys
import threading

import pytest
import structlog

from gateway.observe.logs import configure, set_level


def fail(text):
    raise ValueError(text)


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line(stream) -> None:
    configure(stream=stream)
    structlog.get_logger("test").info("session over", listener="127.0.0.1:2525", octets=7)
    (line,) = lines(stream)
    assert line["time"].endswith("Z")
    assert line["time"][10] == "T"
    assert {key: line[key] for key in ("level", "type", "event", "listener", "octets")} == {
        "level": "info",
        "type": "Log",
        "event": "session over",
        "listener": "127.0.0.1:2525",
        "octets": 7,
    }


def test_levels_and_a_change_of_level(stream) -> None:
    configure("warning", stream=stream)
    log = structlog.get_logger("test").bind(part="a")
    log.debug("1")
    log.info("2")
    log.warning("3")
    log.error("4")
    log.critical("5")
    set_level("debug")
    log.debug("6")
    logging.getLogger("somebody").debug("7")
    assert [line["event"] for line in lines(stream)] == ["3", "4", "5", "6", "7"]


@pytest.mark.parametrize("name", ["httpcore.connection", "httpcore.http11", "python_multipart.multipart"])
def test_what_libraries_say_of_tenants_is_not_for_the_log(stream, name: str) -> None:
    configure("debug", stream=stream)
    logging.getLogger(name).debug("connect_tcp.started host='hooks.example'")
    assert lines(stream) == []


def test_an_exception_loses_its_addresses(stream) -> None:
    configure(stream=stream)
    try:
        fail("no such user: john@example.com")
    except ValueError:
        structlog.get_logger("test").exception("failed", to=b"john@example.com")
    (line,) = lines(stream)
    assert "ValueError: no such user: [address]" in line["exception"]
    assert "john" not in stream.getvalue()


def test_the_standard_library_goes_the_same_way(stream) -> None:
    configure("debug", stream=stream)
    logging.getLogger("uvicorn.error").warning("odd request from %s", "john@example.com")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("mail.log").info("RCPT TO:<john@example.com>")
    logging.getLogger("mail.log").error("wrong %d", "arguments")
    try:
        fail("john@example.com")
    except ValueError:
        logging.getLogger("asyncio").exception("task failed")
    events = [(line["event"], line["logger"], line["level"]) for line in lines(stream)]
    assert events == [
        ("odd request from [address]", "uvicorn.error", "warning"),
        ("a log record that cannot be formatted", "mail.log", "error"),
        ("task failed", "asyncio", "error"),
    ]
    assert "john" not in stream.getvalue()


class Broken:
    def write(self, _text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise AssertionError("not reached")

    def isatty(self) -> bool:
        return False


def test_a_log_that_cannot_be_written_is_counted(stream) -> None:
    lost: list[int] = []
    configure(stream=Broken(), lost=lambda: lost.append(1))  # type: ignore[arg-type]
    structlog.get_logger("test").info("x")
    stream.close()
    configure(stream=stream, form="json", lost=lambda: lost.append(1))
    structlog.get_logger("test").info("x")
    assert len(lost) == 2


@pytest.mark.parametrize("value", ["\ud800", float("nan"), {1: {2}}, object(), 2**80])
def test_any_value_makes_a_line(stream, value) -> None:
    configure(stream=stream)
    structlog.get_logger("test").info("x", value=value)
    stream.getvalue().encode()
    assert len(lines(stream)) == 1


def test_a_terminal_gets_words(stream) -> None:
    configure(stream=stream, form="console")
    structlog.get_logger("test").info("hello john@example.com")
    assert "hello" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    assert "john" not in stream.getvalue()


def test_what_nobody_caught_is_a_line_too(stream) -> None:
    configure(stream=stream)
    error = ValueError("john@example.com")
    sys.excepthook(ValueError, error, None)
    threading.excepthook(threading.ExceptHookArgs((ValueError, error, None, None)))
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [line["event"] for line in lines(stream)] == ["uncaught exception"] * 2
    assert "john" not in stream.getvalue()
