"""``consentry additions``."""

from gateway.cli.opened import opened_at
from gateway.store.schema import ADDITION_HOLD


def test_that_an_operator_looks_and_clears(bakery) -> None:
    assert bakery.good("additions", "show", "bakery") == "additions of bakery are taken as they come\n"
    assert bakery.good("additions", "clear", "bakery") == "additions of bakery were not held\n"
    with opened_at(bakery.config) as house, house.store.write() as connection:
        connection.execute(
            ADDITION_HOLD.insert().values(account_id=1, since=1.0, signs="burst roles", additions=61)
        )
    said = bakery.good("additions", "show", "bakery")
    assert "look like a list since 1970-01-01" in said
    assert "signs: burst, roles, in 61 additions of an hour" in said
    shown = bakery.json("additions", "show", "bakery")
    assert (shown["held"], shown["signs"], shown["additions"]) == (True, ["burst", "roles"], 61)
    assert "as they come again" in bakery.good("additions", "clear", "bakery")
    assert not bakery.json("additions", "show", "bakery")["held"]
    assert "no account" in bakery.refused("additions", "show", "cafe")
