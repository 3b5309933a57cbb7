"""Every table belongs to an account or to the house, and goes with whom it belongs to."""

import pytest
from sqlalchemy import LargeBinary, Table

from gateway.store.belongings import BELONGINGS, OF_THE_HOUSE, SMALL
from gateway.store.schema import METADATA

KNOWN = {one.table for one in BELONGINGS}
# Hashes of octets, of secrets or of rows, and seals: nobody is found by them.
NO_PERSON = frozenset(
    {
        "data",
        "digest",
        "id",
        "logo",
        "password_hash",
        "private",
        "sealed",
        "wrapped",
        "hash",
        "tally",
        "text_hash",
    }
    | {"mark", "print"}  # of requests
    | {"person_network", "client_network"}
)


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: table.name)
def test_every_table_is_erased_with_its_account_or_is_the_houses_own(table: Table) -> None:
    """A new one: put it into BELONGINGS (gateway/store/belongings.py), or say that it is the house's."""
    assert (table in KNOWN) != (table in OF_THE_HOUSE)


@pytest.mark.parametrize("one", BELONGINGS, ids=lambda one: one.table.name)
def test_every_column_by_which_a_person_is_found_is_named(one) -> None:
    """A column of hashes of addresses: name it beside its table, with whose key made it."""
    octets = {column.name for column in one.table.columns if isinstance(column.type, LargeBinary)}
    assert octets - NO_PERSON == set(one.person)


def test_that_the_own_row_of_an_account_goes_last() -> None:
    assert BELONGINGS[-1].table.name == "account"
    assert BELONGINGS[0].table.name == "mail_list"


def test_that_no_table_written_anew_is_a_large_one() -> None:
    assert {table.name for table in SMALL}.isdisjoint({"subscription", "event", "ledger", "letter"})
