"""Stores that an earlier version made."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import select

from gateway.model.ledger import BEGINNING, Entry, open_entry, what_is_wrong
from gateway.store.database import Store, open_store
from gateway.store.dialect import create_file
from gateway.store.keys import StoreKeyring
from gateway.store.schema import LEDGER, LEDGER_HEAD
from gateway.store.subscription_rows import Bond, seal_details


def migrate(path: Path, revision: str, *, down: bool = False) -> Store:
    store = open_store(path)
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    config.set_main_option("path_separator", "os")
    with store.write() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)
    return store


def ids(path: Path, query: str) -> list[object]:
    connection = sqlite3.connect(path)
    found = [row[0] for row in connection.execute(query)]
    connection.close()
    return found


def test_events_get_their_places_in_the_order_of_their_ids(path: Path) -> None:
    create_file(path)
    store = migrate(path, "0001")
    with store.write() as connection:
        for event_id in ("C", "A", "B"):
            connection.exec_driver_sql(
                "INSERT INTO event VALUES (?, 'Delivery', 1.0, 7, 'S', 0, NULL, '{}', x'01')", (event_id,)
            )
    store.upgrade()
    assert ids(path, "SELECT id FROM event ORDER BY place") == ["A", "B", "C"]
    assert ids(path, "SELECT place FROM event ORDER BY place") == [1, 2, 3]
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM event WHERE id = 'C'")
        connection.exec_driver_sql(
            "INSERT INTO event (id, type, at, account_id, submission_id, facts, data)"
            " VALUES ('0', 'Delivery', 0.0, 7, 'S', '{}', x'')"
        )
    assert ids(path, "SELECT place FROM event WHERE id = '0'") == [4]  # never one that was given out
    store.close()
    migrate(path, "0001", down=True).close()
    assert ids(path, "SELECT id FROM event") == ["0", "A", "B"]


def test_a_subscription_that_is_older_than_the_ledger_is_in_it_first(path: Path) -> None:
    create_file(path)
    store = migrate(path, "0006")
    keyring = StoreKeyring(store, bytes(32))
    bonds = [Bond(account, 3, bytes([number]) * 16) for account in (7, 9) for number in range(3)]
    with store.write() as connection:
        keyring.create(connection, 7)
        keyring.create(connection, 9)
    with store.write() as connection:
        for bond in bonds:
            sealed = keyring.seal(bond.account_id, seal_details("a@b.org", "fair"), bond.context)
            connection.exec_driver_sql(
                "INSERT INTO subscription VALUES (?, ?, 3, 'confirmed', 'asserted', ?, 1.0, 2.0, 0, '')",
                (bond.account_id, bond.address_hash, sealed),
            )
    store.upgrade()
    with store.read() as connection:
        rows = connection.execute(select(LEDGER).order_by(LEDGER.c.account_id, LEDGER.c.number)).all()
        heads = connection.execute(select(LEDGER_HEAD).order_by(LEDGER_HEAD.c.account_id)).all()
    entries = [Entry(*row) for row in rows]
    assert [(one.account_id, one.number, one.subject) for one in entries] == [
        (bond.account_id, index % 3 + 1, bond.address_hash) for index, bond in enumerate(bonds)
    ]
    said = {"state": "confirmed", "basis": "asserted", "created_at": 1.0, "changed_at": 2.0}
    for entry in entries:
        assert open_entry(entry, keyring.open) == {**said, "address": "a@b.org", "source": "fair"}
    for account, head in zip((7, 9), heads, strict=True):
        last = BEGINNING
        for entry in (one for one in entries if one.account_id == account):
            assert what_is_wrong(entry, entry.number, last) == ""
            last = entry.hash
        assert (head.account_id, head.number, head.hash) == (account, 3, last)
    store.close()
    migrate(path, "0006", down=True).close()
    assert ids(path, "SELECT name FROM sqlite_master WHERE name LIKE 'ledger%'") == []
