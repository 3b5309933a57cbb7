"""Accounts, domains, DKIM keys and lists at the command line."""

import asyncio
import base64
import re

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.cli.opened import opened_at
from gateway.store.accounts import StoreAccounts
from gateway.store.passwords import Passwords


def logs_in(typed, name: str, password: str) -> bool:
    async def ask() -> bool:
        with opened_at(typed.config) as house:
            accounts = StoreAccounts(house.store, Passwords(0))
            try:
                return await accounts.authenticate(name, password) is not None
            finally:
                accounts.close()

    return asyncio.run(ask())


def test_that_a_password_from_standard_input_logs_in(typed) -> None:
    said = typed.good("account", "add", "cafe", "--password-stdin", stdin="open sesame \n")
    assert said == "account cafe added\n"
    assert logs_in(typed, "cafe", "open sesame ")


def test_that_a_made_password_is_shown_once_and_logs_in(typed) -> None:
    said = typed.good("account", "add", "cafe")
    password = said.split("password: ")[1].strip()
    assert re.fullmatch(r"(?:[a-z2-9]{5}-){4}[a-z2-9]{5}", password)
    assert logs_in(typed, "cafe", password)
    assert password not in typed.good("account", "show", "cafe", "--json")


def test_bad_passwords(typed) -> None:
    assert "8 to 1024" in typed.refused("account", "add", "cafe", "--password-stdin", stdin="short\n")
    assert "NUL" in typed.refused("account", "add", "cafe", "--password-stdin", stdin="12345678\0\n")
    assert typed.json("account", "list") == []


def test_account_in_full(typed) -> None:
    words = [
        "--consent",
        "asserted",
        "--rate",
        "100/s",
        "--rate",
        "10,000/h",
        "--burst",
        "50",
        "--over-quota",
        "shape",
    ]
    made = typed.json("account", "add", "cafe", "--password-stdin", *words, stdin="open sesame\n")
    assert made == {
        "id": 1,
        "name": "cafe",
        "state": "active",
        "state_reason": "",
        "consent": "asserted",
        "rates": ["100/s", "10,000/h"],
        "burst": 50,
        "over_quota": "shape",
        "domains": [],
        "lists": [],
        "terms": None,
        "terms_accepted_at": None,
        "erase_at": None,
    }
    assert typed.json("account", "show", "cafe") == made
    shown = typed.good("account", "show", "cafe")
    assert "100/s, 10,000/h, burst 50, then shape" in shown


def test_that_a_bad_rate_is_wrong_usage(typed) -> None:
    result = typed("account", "add", "cafe", "--rate", "often")
    assert (result.exit_code, "is no rate" in result.stderr) == (2, True)


def test_that_a_name_is_taken_once(bakery) -> None:
    said = bakery.refused("account", "add", "bakery", "--password-stdin", stdin="correct horse\n")
    assert said == "error: there is an account bakery already\n"


def test_suspend_and_reinstate(bakery) -> None:
    bakery.good("account", "suspend", "bakery", "--reason", "too many complaints")
    (account,) = bakery.json("account", "list")
    assert (account["state"], account["state_reason"]) == ("suspended", "too many complaints")
    assert "suspended: too many complaints" in bakery.good("account", "list")
    assert bakery.good("account", "reinstate", "bakery") == "account bakery is active\n"
    assert bakery.good("account", "reinstate", "bakery") == "account bakery was active already\n"


def test_that_a_suspension_needs_a_reason(bakery) -> None:
    assert bakery("account", "suspend", "bakery").exit_code == 2


def test_that_a_slip_of_the_hand_is_understood(bakery) -> None:
    assert 'did you mean "bakery"?' in bakery.refused("account", "show", "bakry")


def test_no_account_yet(typed) -> None:
    assert "account add" in typed.good("account", "list")


def test_domains(bakery) -> None:
    said = bakery("domain", "add", "bakery", "Bücher.example")
    assert said.stdout == "domain xn--bcher-kva.example added to bakery\n"
    assert "not verified" in said.stderr
    verified = {one["name"]: one["verified_at"] for one in bakery.json("domain", "list", "bakery")}
    assert verified["xn--bcher-kva.example"] is None
    assert verified["bakery.example"].endswith("Z")
    bakery.good("domain", "verify", "xn--bcher-kva.example")
    assert all(one["verified_at"] for one in bakery.json("domain", "list", "bakery"))
    assert "registered already" in bakery.refused("domain", "add", "bakery", "bakery.example")
    assert "bakery.example" in bakery.good("domain", "list", "bakery")


def test_that_dkim_prints_the_record(bakery) -> None:
    said = bakery.good("dkim", "generate", "bakery.example", "--selector", "S1")
    assert said.startswith("s1._domainkey.bakery.example. IN TXT (")
    made = bakery.json("dkim", "generate", "bakery.example", "--selector", "s2", "--algorithm", "ed25519")
    assert made["name"] == "s2._domainkey.bakery.example."
    assert made["record"].startswith("v=DKIM1; k=ed25519; p=")
    record = bakery.json("dkim", "list", "bakery.example")[0]["record"]
    public = load_der_public_key(base64.b64decode(record.split("p=")[1]))
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 2048
    assert "s1 (rsa) s2 (ed25519)" in bakery.good("domain", "list", "bakery")


def test_that_a_retired_key_signs_no_more(bakery) -> None:
    bakery.good("dkim", "generate", "bakery.example", "--selector", "s1", "--algorithm", "ed25519")
    bakery.good("dkim", "retire", "bakery.example", "--selector", "s1")
    (key,) = bakery.json("dkim", "list", "bakery.example")
    assert not key["active"]
    assert "no key in use" in bakery.refused("dkim", "retire", "bakery.example", "--selector", "s1")
    assert "retired" in bakery.good("dkim", "list", "bakery.example")


def test_dkim_refusals(bakery) -> None:
    assert "no selector" in bakery.refused("dkim", "generate", "bakery.example", "--selector", "s 1")
    assert "not registered" in bakery.refused("dkim", "generate", "other.example", "--selector", "s1")
    bakery.good("dkim", "generate", "bakery.example", "--selector", "s1", "--algorithm", "ed25519")
    assert "already" in bakery.refused(
        "dkim", "generate", "bakery.example", "--selector", "s1", "--algorithm", "ed25519"
    )


def test_lists(bakery) -> None:
    bakery.good("list", "add", "bakery", "cake.bakery.example", "--name", "Cake")
    assert bakery.json("list", "list", "bakery") == [
        {"list_id": "bread.bakery.example", "name": "Bread", "default": True},
        {"list_id": "cake.bakery.example", "name": "Cake", "default": False},
    ]
    bakery.good("list", "default", "bakery", "cake.bakery.example")
    assert [one["default"] for one in bakery.json("list", "list", "bakery")] == [False, True]
    assert "cake.bakery.example (Cake), the default" in bakery.good("account", "show", "bakery")
    assert "without brackets" in bakery.refused("list", "add", "bakery", "<cake.bakery.example>")
    assert "no account" in bakery.refused("list", "add", "cafe", "cake.cafe.example")


def test_a_list_speaks_a_language(bakery) -> None:
    assert (
        bakery.json("list", "set", "bakery", "bread.bakery.example", "--language", "de")["language"] == "de"
    )
    assert "language" in bakery.good("list", "set", "bakery", "bread.bakery.example")
    assert "as de or pt-BR" in bakery.refused(
        "list", "set", "bakery", "bread.bakery.example", "--language", "german"
    )
