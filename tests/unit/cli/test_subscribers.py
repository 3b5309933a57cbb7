"""Who is on which list, at the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.opened import CLOCK, opened_at
from gateway.model.address import parse_address
from gateway.model.ledger import Origin

LIST = "bread.bakery.example"
WHY = ("--basis", "asserted", "--source", "paper form 7")


def test_add_and_show(bakery) -> None:
    said = bakery.good("subscriber", "add", "bakery", LIST, "Ada@example.net", *WHY)
    assert said == f"Ada@example.net added to {LIST}\n"
    assert "already" in bakery.good("subscriber", "add", "bakery", LIST, "ada@example.net", *WHY)
    (shown,) = bakery.json("subscriber", "show", "bakery", "ADA@example.net")
    assert (shown["address"], shown["list_id"], shown["state"]) == ("Ada@example.net", LIST, "confirmed")
    assert (shown["basis"], shown["source"]) == ("asserted", "paper form 7")
    assert bakery.json("subscriber", "show", "bakery", LIST, "ada@example.net") == [shown]
    assert "paper form 7" in bakery.good("subscriber", "show", "bakery", "ada@example.net")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "bakery", LIST, "ada", *WHY], "no domain"),
        (["add", "bakery", "cake.bakery.example", "ada@example.net", *WHY], f"its lists: {LIST}"),
        (["add", "cafe", LIST, "ada@example.net", *WHY], "no account cafe"),
        (["show", "bakery", "nobody@example.net"], "not on any list"),
        (["show", "bakery", LIST, "nobody@example.net"], f"not on {LIST}"),
        (["load", "bakery", LIST, "/nowhere/file", *WHY], "/nowhere/file cannot be read"),
    ],
)
def test_refusals(bakery, words: list[str], said: str) -> None:
    assert said in bakery.refused("subscriber", *words)


@pytest.mark.parametrize(
    "words",
    [
        ["add", "bakery", LIST, "ada@example.net", "--basis", "hope", "--source", "x"],
        ["add", "bakery", LIST, "ada@example.net", "--basis", "asserted", "--source", "  "],
        ["add", "bakery", LIST, "ada@example.net", "--basis", "asserted"],
        ["load", "bakery", LIST, "-", "--basis", "double-opt-in", "--source", "x"],
        ["show", "bakery", LIST, "and", "ada@example.net"],
    ],
)
def test_wrong_usage(bakery, words: list[str]) -> None:
    assert bakery("subscriber", *words).exit_code == 2


@pytest.mark.parametrize("basis", ["asserted", "double-opt-in"])
def test_that_nobody_comes_back_without_their_own_doing(bakery, basis: str) -> None:
    bakery.good("subscriber", "add", "bakery", LIST, "ada@example.net", *WHY)
    with opened_at(bakery.config) as house:
        address = parse_address("ada@example.net")
        found = house.keyring.address_hash(1, address.identity)
        house.subscriptions.unsubscribe(1, 1, found, CLOCK.now(), Origin("subscriber", "page"))
    said = bakery.refused(
        "subscriber", "add", "bakery", LIST, "ada@example.net", "--basis", basis, "--source", "x"
    )
    assert "only they can come back" in said


def test_load_a_file(bakery, tmp_path: Path) -> None:
    file = tmp_path / "readers"
    file.write_bytes(
        b"\xef\xbb\xbfada@example.net\r\n\nbad line\ngrace@example.org\nADA@example.net\n\xff@x.example\nlast@example.net"
    )
    result = bakery("subscriber", "load", "bakery", LIST, str(file), *WHY)
    assert result.exit_code == 1
    assert result.stdout == f"3 added to {LIST}, 1 on it already, 2 refused\n"
    assert result.stderr == "line 3: the address has no domain\nline 6: the address is not valid UTF-8\n"
    assert bakery.json("subscriber", "show", "bakery", "last@example.net")


def test_load_standard_input_as_json(bakery) -> None:
    assert bakery.json(
        "subscriber", "load", "bakery", LIST, "-", *WHY, stdin="a@example.net\nb@example.net\n"
    ) == {
        "list_id": LIST,
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "refused_count": 0,
        "refused": [],
    }


def test_that_a_long_load_is_quiet_without_a_terminal(bakery) -> None:
    """A real process: standard input is a pipe, and nothing but the result is said."""
    lines = "".join(f"reader{number}@example.net\n" for number in range(12_000))
    command = [sys.executable, "-m", "gateway.cli.main", "--config", str(bakery.config)]
    done = subprocess.run(
        [*command, "subscriber", "load", "bakery", LIST, "-", *WHY],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"12,000 added to {LIST}\n", "")
