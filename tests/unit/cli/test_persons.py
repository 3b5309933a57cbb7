"""One person at all accounts, at the command line; and the certificates of what was erased."""

import json

import pytest

from gateway.cli.opened import opened_at
from gateway.store.schema import NEVER_INVITE, PROVIDER_ID

WORDS = ["subscriber", "add", "bakery", "bread.bakery.example"]


@pytest.fixture
def known(bakery):
    """The bakery, that knows ann and bob."""
    for address in ("Ann@example.net", "bob@example.net"):
        bakery.good(*WORDS, address, "--basis", "asserted", "--source", "the fair")
    return bakery


def test_show(known) -> None:
    found = known.json("person", "show", "ann@EXAMPLE.net")
    (account,) = found["accounts"]
    (subscription,) = account["subscriptions"]
    assert (account["account"], subscription["list"]) == ("bakery", "bread.bakery.example")
    assert (subscription["address"], subscription["source"]) == ("Ann@example.net", "the fair")
    assert [one["type"] for one in found["events"]] == ["Subscription"]
    assert found["queue"] == []
    (entry,) = account["ledger"]
    assert (entry["act"], entry["list"], entry["source"]) == ("added", "bread.bakery.example", "the fair")
    assert entry["address"] == "Ann@example.net"
    said = known.good("person", "show", "ann@example.net")
    assert "at account bakery:\n  list bread.bakery.example: confirmed" in said
    assert "Subscription: account bakery" in said


def test_nobody(known) -> None:
    assert known.good("person", "show", "cid@example.net") == "nothing is known of cid@example.net\n"
    assert known("person", "show", "nonsense").exit_code == 2
    assert "no account nobody" in known.refused(
        "person", "erase", "ann@example.net", "--account", "nobody", "--yes"
    )


def test_who_wants_no_invitations_is_known_for_that(known) -> None:
    with opened_at(known.config) as house:
        person = house.keyring.address_hash(PROVIDER_ID, "cid@example.net")
        with house.store.write() as connection:
            connection.execute(NEVER_INVITE.insert().values(person=person, since=1_700_000_000.0))
    since = known.json("person", "show", "Cid@example.net")["no_invitations_since"]
    assert since.startswith("2023-11-14T22:13:20")
    said = known.good("person", "show", "cid@example.net")
    assert said == f"wants no invitations, from anybody, since {since}\n"
    assert known.json("person", "show", "ann@example.net")["no_invitations_since"] is None
    known.good("person", "erase", "cid@example.net", "--yes")
    assert known.good("person", "show", "cid@example.net") == "nothing is known of cid@example.net\n"


def test_erase(known) -> None:
    assert known("person", "erase", "ann@example.net", stdin="n\n").exit_code == 1
    done = known.json("person", "erase", "Ann@example.net", "--yes")
    assert done["done"]
    assert (done["counts"]["subscription"], done["counts"]["event"], done["counts"]["ledger"]) == (1, 1, 1)
    assert known.good("person", "show", "ann@example.net") == "nothing is known of ann@example.net\n"
    assert known.json("person", "show", "bob@example.net")["accounts"]
    said = known.good(
        "person", "erase", "bob@example.net", "--account", "bakery", "--yes", "--keep-do-not-mail"
    )
    assert "What stays: a keyed hash" in said
    assert "erased at their own wish" in known.good("person", "show", "bob@example.net")


def test_certificates(known, tmp_path) -> None:
    assert known.good("account", "erased") == "nothing was erased yet\n"
    done = known.json("person", "erase", "ann@example.net", "--yes")
    assert "person" in known.good("account", "erased")
    (listed,) = known.json("account", "erased")
    assert (listed["id"], listed["kind"], listed["phase"]) == (done["erasure"], "person", "done")
    file = tmp_path / "certificate.json"
    known.good("account", "certificate", "show", done["erasure"].lower(), "--out", str(file))
    assert "already" in known.refused("account", "certificate", "show", done["erasure"], "--out", str(file))
    assert json.loads(known.good("account", "certificate", "show", done["erasure"])) == json.loads(
        file.read_text()
    )
    assert "is genuine" in known.good("account", "certificate", "verify", str(file))
    key = known.good("account", "certificate", "key").strip()
    assert "is genuine" in known.good("account", "certificate", "verify", str(file), "--key", key)
    assert "not about" in known.refused("account", "certificate", "verify", str(file), "--name", "bakery")
    file.write_text(file.read_text().replace('"subscription": 1', '"subscription": 0'))
    assert "changed after" in known.refused("account", "certificate", "verify", str(file))
    assert "cannot be read" in known.refused("account", "certificate", "verify", str(tmp_path / "none"))
    assert "no erasure X" in known.refused("account", "certificate", "show", "x")
