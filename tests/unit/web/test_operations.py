"""Metrics and health."""

import asyncio
import threading

import httpx
import pytest

from gateway.observe.exposition import Exposition
from gateway.observe.memory import MemoryMeter
from gateway.observe.metrics import PrometheusMeter
from gateway.web.operations import build_metrics, in_thread


async def well() -> str:
    return "42 rows"


async def unwell() -> str:
    raise ConnectionError("host db.internal refused user@db.internal")


async def hangs() -> str:
    await asyncio.Event().wait()
    return ""


def client(checks, expose=lambda accept: (b"", "text/plain")):
    app = build_metrics(expose, checks, MemoryMeter(), patience=0.1)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ops")


async def test_live_asks_nothing() -> None:
    async with client({"store": hangs}) as web:
        answer = await web.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_ready() -> None:
    async with client({"store": well, "spool": in_thread(lambda: "")}) as web:
        answer = await web.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert answer.json()["checks"]["store"]["detail"] == "42 rows"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("bad", "kind"), [(unwell, "ConnectionError"), (hangs, "TimeoutError")])
async def test_not_ready_says_which_and_no_more(bad, kind) -> None:
    async with client({"store": bad, "spool": well}) as web:
        answer = await web.get("/health/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["spool"]["ok"] is True
    assert (checks["store"]["ok"], checks["store"]["detail"]) == (False, kind)
    assert "db.internal" not in answer.text


async def test_a_check_that_blocks_is_left_behind() -> None:
    let_go = threading.Event()
    async with client({"spool": in_thread(lambda: str(let_go.wait(10)))}) as web:
        answer = await web.get("/health/ready")
    let_go.set()
    assert answer.status_code == 503


async def test_metrics_in_both_formats(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    meter = PrometheusMeter(tmp_path)
    meter.count("messages_received_total", 3)
    async with client({}, Exposition(tmp_path)) as web:
        plain = await web.get("/metrics")
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        open_metrics = await web.get("/metrics", headers=accept)
    meter.close()
    assert "consentry_messages_received_total 3.0" in plain.text
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert open_metrics.text.endswith("# EOF\n")
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")


async def test_a_problem_is_plain_text() -> None:
    def broken(_accept: str) -> tuple[bytes, str]:
        raise RuntimeError("cause")

    async with client({}, broken) as web:
        answer = await web.get("/metrics")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
