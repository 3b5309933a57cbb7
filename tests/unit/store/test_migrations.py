"""Stores that an earlier version made."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config

from gateway.store.database import Store, open_store
from gateway.store.dialect import create_file


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
