"""The consent ledger at the command line: checked, shown, proved."""

import json
import sqlite3
import stat
from pathlib import Path

import pytest

from gateway.cli import say
from gateway.cli.opened import opened_at
from gateway.cli.proof_words import sentence, who
from gateway.model.address import parse_address
from gateway.model.facts import Basis, SubscriptionState
from gateway.model.ledger import Act, Origin
from gateway.store.ledger import erase
from gateway.store.subscription_rows import Bond
from gateway.store.wishes import Wishes

LIST = "bread.bakery.example"
NASTY = "<script>alert('x')</script>"
FORM = Origin(
    "subscriber",
    f"https://bakery.example/?{NASTY}",
    "192.0.2.7",
    f"Browser/1 {NASTY}",
    f"Bread & {NASTY}\nweekly",
)
LINK = Origin("subscriber", "https://mail.example.com/s", "192.0.2.8", "Browser/2")
PAGE = Origin("subscriber", "page", "2001:db8::7", "Browser/3")
DAY = 86_400.0
T = 1_793_000_000.0  # 2026-10-26


@pytest.fixture
def ada(bakery) -> str:
    """A subscriber with a history."""
    address = parse_address("Ada@example.net")
    with opened_at(bakery.config) as house:
        account = house.registry.account("bakery")
        assert account
        where = (account.id, account.lists[0].id)
        bond = Bond(*where, house.keyring.address_hash(account.id, address.identity))
        add, wishes = house.subscriptions.add, Wishes(house.store, house.keyring)
        add(*where, address, Basis.DOUBLE_OPT_IN, FORM, T, SubscriptionState.PENDING)
        add(*where, address, Basis.DOUBLE_OPT_IN, LINK, T + 60)
        wishes.pause(bond, T + 30 * DAY, T + DAY, PAGE)
        wishes.leave_all(bond, T + 2 * DAY, PAGE)
        add(
            *where,
            parse_address("bob@example.net"),
            Basis.ASSERTED,
            Origin("operator ops", "paper form 7"),
            T,
        )
    return "ada@example.net"


def head(bakery) -> str:
    return bakery.json("ledger", "verify", "bakery")["head"]


def harm(bakery, statement: str) -> None:
    connection = sqlite3.connect(bakery.config.parent / "state" / "store.sqlite")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_whole_ledger_is_verified(bakery, ada: str) -> None:
    noted = head(bakery)
    said = bakery.good("ledger", "verify", "bakery", "--head", noted)
    assert noted.startswith("6:")
    assert "entries  6\n" in said
    assert f"head     {noted}\n" in said
    assert f"noted    {noted} is in it\n" in said
    assert "is in it" in bakery.good("ledger", "verify", "bakery", "--head", noted.partition(":")[2])


def test_a_ledger_that_was_changed_is_refused_with_the_entry(bakery, ada: str) -> None:
    harm(bakery, "UPDATE ledger SET at = at + 1 WHERE number = 3")
    assert "entry 3: it does not follow" in bakery.refused("ledger", "verify", "bakery")
    result = bakery("ledger", "verify", "bakery", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["wrong"]["entry"] == 3


def test_a_ledger_that_lacks_what_was_noted_is_refused(bakery, ada: str) -> None:
    nowhere = "5:" + "ab" * 32
    assert "entry 5: it has another hash" in bakery.refused("ledger", "verify", "bakery", "--head", nowhere)
    assert "no entry has the hash" in bakery.refused("ledger", "verify", "bakery", "--head", "ab" * 32)


@pytest.mark.parametrize("text", ["5:", "x:" + "ab" * 32, "-1:" + "ab" * 32, "abcd"])
def test_a_head_that_is_none(bakery, text: str) -> None:
    assert bakery("ledger", "verify", "bakery", "--head", text).exit_code == 2


def test_entries_are_shown(bakery, ada: str) -> None:
    said = bakery.good("ledger", "show", "bakery", "--last", "2")
    assert "all lists" in said
    assert "operator ops" in said
    acts = [one["act"] for one in bakery.json("ledger", "show", "bakery", ada)]
    assert acts == ["signed-up", "confirmed", "paused", "unsubscribed", "unsubscribed"]
    assert len(bakery.json("ledger", "show", "bakery", ada, "--last", "1")) == 1
    assert "no entry of that address" in bakery.good("ledger", "show", "bakery", "eve@example.net")
    assert "eve: " in bakery.refused("ledger", "show", "bakery", "eve")


def test_an_entry_that_cannot_be_opened_is_shown_all_the_same(bakery, ada: str) -> None:
    harm(bakery, "UPDATE ledger SET sealed = x'0102' WHERE number = 6")
    assert "cannot be opened" in bakery.good("ledger", "show", "bakery")


def test_the_proof_as_json(bakery, ada: str, tmp_path: Path) -> None:
    out = tmp_path / "ada.json"
    said = bakery.good("ledger", "proof", "bakery", LIST, ada, "--out", str(out))
    assert said.startswith(f"{out}: 5 entries of ada@example.net on {LIST}")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    proof = json.loads(out.read_text(encoding="utf-8"))
    first, second, third, fourth, fifth = proof["entries"]
    assert (first["act"], first["ip"], first["text"]) == ("signed-up", "192.0.2.7", FORM.text)
    assert (second["act"], second["ip"], second["address"]) == ("confirmed", "192.0.2.8", "Ada@example.net")
    assert second["at"] == say.iso(T + 60)
    assert third["until"] == T + 30 * DAY
    assert [fourth["chain"]["list"], fifth["chain"]["list"]] == [1, 0]
    assert second["chain"]["previous"] == first["chain"]["hash"]
    assert proof["now"]["state"] == "unsubscribed"
    assert proof["ledger"]["wrong"] is None
    assert f"{proof['ledger']['entries']}:{proof['ledger']['head']}" == head(bakery)
    assert "bob" not in out.read_text(encoding="utf-8")


def test_the_proof_as_a_page(bakery, ada: str, tmp_path: Path) -> None:
    out = tmp_path / "ada.html"
    bakery.good("ledger", "proof", "bakery", LIST, ada, "--out", str(out))
    page = out.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "Bread &amp; &lt;script&gt;" in page
    for words in (
        "The address was taken off this list",
        "Somebody typed the address into the form",
        "The owner of the address consented",
        "Mail was paused until",
        "Every list of this sender was left",
        "all 6 entries are whole and in order",
        "192.0.2.8",
        head(bakery).partition(":")[2],
    ):
        assert words in page
    assert "bob@" not in page


def test_a_proof_from_a_broken_ledger_says_so(bakery, ada: str, tmp_path: Path) -> None:
    harm(bakery, "UPDATE ledger SET sealed = x'0102' WHERE number = 2")
    out = tmp_path / "ada.html"
    assert "not whole" in bakery.refused("ledger", "proof", "bakery", LIST, ada, "--out", str(out))
    assert "cannot be relied on" in out.read_text(encoding="utf-8")


def test_after_an_erasure_the_proof_names_nobody(bakery, ada: str, tmp_path: Path) -> None:
    with opened_at(bakery.config) as house, house.store.write() as connection:
        whom = house.keyring.address_hash(1, parse_address(ada).identity)
        assert erase(connection, house.keyring, 1, whom, T + 9 * DAY) == 5
    assert bakery.json("ledger", "verify", "bakery")["erased"] == 5
    out = tmp_path / "ada.html"
    bakery.good("ledger", "proof", "bakery", LIST, ada, "--out", str(out))
    page = out.read_text(encoding="utf-8")
    assert "no entry of this address" in page
    assert "cannot be told any more" in page
    assert "192.0.2" not in page


def test_a_file_that_is_there_is_left_alone(bakery, ada: str, tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    out.write_text("mine")
    assert "is there already" in bakery.refused("ledger", "proof", "bakery", LIST, ada, "--out", str(out))
    assert out.read_text() == "mine"
    gone = tmp_path / "nowhere" / "x.json"
    assert "cannot write" in bakery.refused("ledger", "proof", "bakery", LIST, ada, "--out", str(gone))
    assert bakery("ledger", "proof", "bakery", LIST, ada, "--out", "proof.pdf").exit_code == 2


def test_a_ledger_whose_key_is_destroyed(bakery, ada: str) -> None:
    harm(bakery, "DELETE FROM account_key WHERE account_id = 1")
    assert "nobody can read its ledger" in bakery.refused("ledger", "verify", "bakery")


@pytest.mark.parametrize("act", Act)
def test_every_act_has_its_sentence(act: Act) -> None:
    details = {
        "actor": "operator ops",
        "source": "telephone",
        "basis": "asserted",
        "state": "confirmed",
        "entries": 3,
    }
    for list_id in (0, 3):
        assert sentence(act, details, list_id).endswith(".")


def test_acts_and_actors_that_are_not_known() -> None:
    assert "\u201cmoved\u201d" in sentence("moved", {}, 3)
    said = {
        "operator": "an operator of",
        "operator ann": "the operator ann",
        "api-key 7": "API key 7",
        "import 9": "import 9",
    }
    for actor, words in said.items():
        assert words in who({"actor": actor})
    assert who({"actor": "something new"}) == "something new"
    assert who({}) == who({"actor": "subscriber"}) == who({"actor": "system"}) == ""
