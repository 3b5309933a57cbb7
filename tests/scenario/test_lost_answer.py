"""An answer of the API that is lost: ``kill -9`` between the commit and the answer, and an erasure after it."""

import sqlite3
from contextlib import closing

import httpx
import pytest
from scene import House, eventually

pytestmark = pytest.mark.scenario

LIST = "news.acme.example"
KILLED_AFTER_THE_COMMIT = """
import os, signal
from pathlib import Path
from gateway.store.idempotency import Idempotency

MOMENT, done = Path({moment!r}), Idempotency.do

def die_once(self, *asked):
    kept = done(self, *asked)
    if MOMENT.exists():
        MOMENT.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return kept

Idempotency.do = die_once
"""


def _ask(house: House, query: str) -> int:
    with closing(sqlite3.connect(f"file:{house.state / 'store.sqlite'}?mode=ro", uri=True)) as store:
        return store.execute(query).fetchone()[0]


def _left(house: House) -> tuple[int, int]:
    """Return how many events and ledger entries say that somebody left."""
    return (
        _ask(house, "SELECT COUNT(*) FROM event WHERE type = 'Subscription'"),
        _ask(house, "SELECT COUNT(*) FROM ledger"),
    )


def test_an_answer_lost_by_kill_9_comes_when_it_is_asked_for_again(own_house, reader, tmp_path, monkeypatch):
    house, moment = own_house, tmp_path / "die"
    folder = tmp_path / "at-start"
    folder.mkdir()
    # Python imports this at the start of each process of the tree: the kill is where no clock could put it.
    (folder / "sitecustomize.py").write_text(KILLED_AFTER_THE_COMMIT.format(moment=str(moment)))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    house.start()
    key = house.json("apikey", "add", "acme", "--scope", "subscriptions:write")["key"]
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "an-answer-that-is-lost"}
    events, entries = _left(house)
    with httpx.Client(base_url=f"http://127.0.0.1:{house.web}/api/v1", headers=headers, timeout=30) as api:

        def leave() -> httpx.Response:
            return api.post("/subscriptions/unsubscribe", json={"list": LIST, "address": reader})

        moment.touch()
        with pytest.raises(httpx.TransportError):
            leave()
        assert not moment.exists()
        assert _ask(house, "SELECT COUNT(*) FROM idempotency") == 1
        once = _left(house)
        assert once == (events + 1, entries + 1)

        eventually(lambda: house.status("/health/ready") == 200)
        first, second = leave(), leave()
        assert (first.status_code, first.json()["address"], first.json()["state"]) == (
            200, reader, "unsubscribed",
        )  # fmt: skip
        assert second.content == first.content
        assert _left(house) == once

        house.call("person", "erase", reader, "--yes")
        eventually(lambda: leave().status_code == 410)
        assert leave().json()["type"].endswith("/problems/answer-erased")
        assert _ask(house, "SELECT COUNT(*) FROM idempotency WHERE length(sealed) = 0") == 1
        assert _ask(house, "SELECT COUNT(*) FROM event WHERE type = 'Subscription'") == events + 1
        assert "nothing is known" in house.call("person", "show", reader, check=False).stdout.lower()
