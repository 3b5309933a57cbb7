"""The consent ledger of a real gateway: a load that is killed, and a proof as a browser shows and prints it."""

import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import House, eventually
from scene.browser import PHONE, SHOTS, Browser
from scene.house import CONSENTRY

pytestmark = pytest.mark.scenario

BATCH = 10_000  # lines of a load in one transaction
LINES = 4 * BATCH
WORDS = ("--basis", "asserted", "--source", "the fair")


def ask(house: House, query: str) -> int:
    connection = sqlite3.connect(f"file:{house.state / 'store.sqlite'}?mode=ro", uri=True)
    (found,) = connection.execute(query).fetchone()
    connection.close()
    return int(found)


def imported(house: House) -> int:
    return ask(house, "SELECT count(*) FROM ledger WHERE account_id = 1")


def head(house: House) -> str:
    found = house.json("ledger", "verify", "acme")
    assert isinstance(found, dict)
    return str(found["head"])


def killed_after(house: House, file: Path, entries: int) -> None:
    """Begin a load, and kill it while it works on what follows that many new entries."""
    before = imported(house)
    words = ["subscriber", "load", "acme", "offers.acme.example", str(file), *WORDS]
    with subprocess.Popen([CONSENTRY, "--config", str(house.config), *words]) as process:
        eventually(lambda: imported(house) >= before + entries)
        process.kill()


def test_a_load_that_is_killed_leaves_a_whole_ledger(
    own_house: House, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    house, file = own_house, tmp_path / "people"
    file.write_text("".join(f"k{number}@example.org\n" for number in range(LINES)))
    noted = head(house)
    killed_after(house, file, BATCH)
    loaded = ask(house, "SELECT count(*) FROM subscription WHERE list_id = 2")
    assert BATCH <= loaded < LINES
    assert loaded % BATCH == 0
    there = imported(house)
    assert there == ask(house, "SELECT count(*) FROM subscription WHERE account_id = 1")
    house.call("ledger", "verify", "acme", "--head", noted)
    noted = head(house)
    house.call("subscriber", "load", "acme", "offers.acme.example", str(file), *WORDS)
    house.call("ledger", "verify", "acme", "--head", noted)
    assert imported(house) == there + LINES - loaded
    tell(
        f"kill -9 of a load of {LINES:,}: {loaded:,} were on the list, each with its entry; the rest came after"
    )


def test_a_proof_in_a_browser(own_house: House, tmp_path: Path, browser: Browser) -> None:
    house, out = own_house, tmp_path / "proof.html"
    house.call("list", "add", "acme", "nasty.acme.example", "--name", "<script>alert(1)</script> & News")
    said = ["--basis", "asserted", "--source", "<img src=x onerror=alert(2)> the fair"]
    house.call("subscriber", "add", "acme", "nasty.acme.example", "Ada@example.net", *said)
    house.call("ledger", "proof", "acme", "nasty.acme.example", "ada@example.net", "--out", str(out))
    for scheme in ({}, PHONE):
        browser(open=dict(scheme))
        seen = browser(go=out.as_uri())
        assert seen["heading"] == "Record of consent"
        assert "<img src=x onerror=alert(2)> the fair" in seen["text"]
        assert "<script>alert(1)</script> & News" in seen["text"]
        assert (seen["scripts"], seen["complaints"], seen["sideways"]) == (0, [], False)
        assert [url for _, url in seen["requests"]] == [out.as_uri()]
        assert browser(axe=True)["violations"] == []
        browser(shot=str(SHOTS / f"proof-{len(scheme)}.png"))
