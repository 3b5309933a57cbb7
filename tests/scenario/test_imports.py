"""``kill -9`` of an import at any moment, and people who are asked by letters of their own."""

import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from scene import House, eventually
from scene.house import CONSENTRY

pytestmark = pytest.mark.scenario

ROWS = 25_000
LIST = "news.acme.example"


def _file(house: House) -> str:
    path = house.folder / "people.csv"
    dated = (
        f"x{number * 7919 % 100_003}.{number}@many.example,2023-0{number % 9 + 1}-11"
        for number in range(ROWS)
    )
    path.write_text("email,confirmed_at\n" + "\n".join(dated) + "\nnobody,\n")
    return str(path)


def _ask(house: House, query: str) -> int:
    with closing(sqlite3.connect(f"file:{house.state / 'store.sqlite'}?mode=ro", uri=True)) as store:
        return store.execute(query).fetchone()[0]


def _killed_when(house: House, query: str, *words: str) -> str:
    """Run a command, kill it as soon as a query says more than nothing, and return the import's id."""
    before = _ask(house, query)
    command = [CONSENTRY, "--config", str(house.config), *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        eventually(lambda: _ask(house, query) > before)
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    return str(_ask(house, "SELECT id FROM import_case ORDER BY number DESC LIMIT 1"))


def _kill_the_web_process(house: House) -> None:
    os.kill(next(pid for pid, name in house.children().items() if name.startswith("web")), signal.SIGKILL)


def test_a_killed_import_is_resumed_where_it_stood(own_house):
    house = own_house
    policy = house.folder / "policy.toml"
    policy.write_text(policy.read_text().replace("look_up = true", "look_up = false").replace(
        "points = {}", "points = {velocity = 0, one-name = 0, sorted = 0, numbered = 0}"
    ))  # fmt: skip
    file = _file(house)
    subscribed = _ask(house, "SELECT COUNT(*) FROM subscription")
    words = ("import", "add", "acme", LIST, file, "--source", "the shop")
    case = _killed_when(house, "SELECT COALESCE(MAX(rows), 0) FROM import_case", *words)
    staged = _ask(house, "SELECT COUNT(*) FROM import_row")
    assert 0 < staged < ROWS
    assert _ask(house, "SELECT COUNT(*) FROM subscription") == subscribed
    _killed_when(house, "SELECT COALESCE(MAX(added), 0) FROM import_case", *words, "--resume", case)
    half = _ask(house, "SELECT COUNT(*) FROM subscription") - subscribed
    assert half == _ask(house, "SELECT added FROM import_case")
    assert 0 < half < ROWS
    done = house.json("import", "resume", case)
    assert (done["state"], done["added"], done["rows"], done["faults"]) == ("applied", ROWS, ROWS, 1)
    assert house.json("import", "show", case)["lines"] == [
        {"line": ROWS + 2, "reason": "the address has no domain"}
    ]
    assert _ask(house, "SELECT COUNT(*) FROM subscription") == subscribed + ROWS
    assert _ask(house, "SELECT COUNT(*) FROM import_row") == 0
    assert _ask(house, "SELECT COUNT(*) FROM ledger WHERE act = 'imported'") >= ROWS


def test_people_are_asked_by_letters_of_their_own(own_house):
    house = own_house
    policy = house.folder / "policy.toml"
    policy.write_text(
        policy.read_text().replace("look_up = true", "look_up = false").replace("ask = 25", "ask = 0")
    )
    house.start()
    words = ("import", "add", "acme", LIST, "-", "--source", "the shop")
    done = house.call(*words, stdin="email,date\nasked@many.example,2023-01-01\n")
    assert "1 people will be asked" in done.stdout
    (letter,) = house.sink.wait(1)
    assert letter.recipients == ("asked@many.example",)
    assert "pending since" in house.call("subscriber", "show", "acme", "asked@many.example").stdout


def test_a_file_by_the_api_survives_the_end_of_the_web_process(own_house):
    house = own_house
    policy = house.folder / "policy.toml"
    policy.write_text(policy.read_text().replace("look_up = true", "look_up = false").replace(
        "points = {}", "points = {velocity = 0, one-name = 0, sorted = 0, numbered = 0}"
    ))  # fmt: skip
    house.start()
    subscribed = _ask(house, "SELECT COUNT(*) FROM subscription")
    content = Path(_file(house)).read_bytes()
    words = ("apikey", "add", "acme", "--scope", "imports:read", "--scope", "imports:write")
    headers, csv = {"Authorization": f"Bearer {house.json(*words)['key']}"}, {"Content-Type": "text/csv"}
    api = httpx.Client(base_url=f"http://127.0.0.1:{house.web}/api/v1", headers=headers, timeout=60)
    begun = api.post("/imports", json={"list": LIST, "source": "the shop"})
    place = f"/imports/{begun.json()['id']}"

    def cut_off():
        yield content[: len(content) // 2]
        eventually(lambda: api.get(place).json()["rows"] > 0)
        _kill_the_web_process(house)
        yield content[len(content) // 2 :]

    with pytest.raises(httpx.TransportError):
        api.put(f"{place}/rows", content=cut_off(), headers=csv)
    eventually(lambda: house.status("/health/ready") == 200)
    shown = api.get(place).json()
    assert (shown["state"], 0 < shown["rows"] < ROWS) == ("receiving", True)
    taken = api.put(f"{place}/rows", content=content, headers=csv)
    assert (taken.status_code, taken.json()["rows"]) == (202, ROWS)
    eventually(lambda: _ask(house, "SELECT added FROM import_case") > 0)
    _kill_the_web_process(house)
    assert 0 < _ask(house, "SELECT added FROM import_case") < ROWS
    both = "SELECT (SELECT COUNT(*) FROM subscription) - added FROM import_case"
    assert _ask(house, both) == subscribed
    eventually(lambda: house.status("/health/ready") == 200)
    # By itself the next web process would go on when nobody has touched it for two minutes.
    assert house.json("import", "resume", begun.json()["id"])["state"] == "applied"
    assert _ask(house, "SELECT COUNT(*) FROM subscription") == subscribed + ROWS
    shown = api.get(place).json()
    assert (shown["added"], shown["faults"], shown["by_double_opt_in"]) == (ROWS, 1, False)
    assert api.get(f"{place}/faults").json()["data"] == [
        {"line": ROWS + 2, "reason": "the address has no domain"}
    ]
    with house.client() as client:
        client.mail("news@acme.example")
        assert client.rcpt("x0.0@many.example")[0] == 250
    api.close()
