"""``consentry apikey``."""

import asyncio
import re

from gateway.cli.opened import opened_at
from gateway.store.api_keys import ApiKeyBook
from gateway.store.revision import Revision


def account_of(typed, text: str) -> int | None:
    """Return whose key it is, as the API would see it."""

    async def ask() -> int | None:
        with opened_at(typed.config) as house:
            grant = await ApiKeyBook(house.store, Revision(house.store)).grant(text, 1.0)
            return grant.account_id if grant else None

    return asyncio.run(ask())


def test_that_a_key_is_shown_once_and_works(bakery) -> None:
    said = bakery.good("apikey", "add", "bakery", "--name", "the shop")
    key = said.split("key: ")[1].strip()
    assert re.fullmatch(r"ck_[a-z2-7]{13}_[a-z2-7]{52}", key)
    assert "may events:read" in said
    assert account_of(bakery, key) == 1
    (shown,) = bakery.json("apikey", "list", "bakery")
    assert (shown["id"], shown["name"], shown["scopes"]) == (key.split("_")[1], "the shop", ["events:read"])
    assert key.split("_")[2] not in bakery.good("apikey", "list", "bakery", "--json")
    listed = bakery.good("apikey", "list", "bakery")
    assert "the shop" in listed
    assert "never" in listed


def test_that_a_revoked_key_is_good_for_nothing(bakery) -> None:
    made = bakery.json("apikey", "add", "bakery", "--scope", "events:read")
    assert made["account"] == "bakery"
    assert bakery.good("apikey", "revoke", made["id"]) == f"API key {made['id']} is revoked\n"
    assert account_of(bakery, made["key"]) is None
    assert "was revoked already" in bakery.good("apikey", "revoke", made["id"])
    assert bakery.json("apikey", "revoke", made["id"])["revoked_at"].endswith("Z")
    assert "revoked" in bakery.good("apikey", "list", "bakery")


def test_refusals(bakery) -> None:
    assert bakery.good("apikey", "list", "bakery") == "bakery has no API key yet\n"
    assert "no account" in bakery.refused("apikey", "add", "cafe")
    assert "there is no API key nobody" in bakery.refused("apikey", "revoke", "nobody")
    assert bakery("apikey", "add", "bakery", "--scope", "everything").exit_code == 2
