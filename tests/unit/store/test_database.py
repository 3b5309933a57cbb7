"""Connections, transactions, migrations."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from gateway.model.reply import StoreAway
from gateway.settings.schema import GatewaySection, Settings, StoreSection
from gateway.store import database
from gateway.store.account_rows import bump_revision
from gateway.store.database import Store, open_store
from gateway.store.refusals import StoreTooNew
from gateway.store.schema import METADATA, REVISION

Another = Callable[..., Store]

_UPGRADE = "import sys; from gateway.store.database import open_store; s = open_store(sys.argv[1]); s.upgrade(); s.health(); s.close()"


def test_migrations_give_the_tables_of_the_schema(store: Store) -> None:
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(store: Store) -> None:
    store.upgrade()
    assert store.revision() == 1


def test_processes_that_upgrade_at_once_all_find_the_store(path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", _UPGRADE, str(path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    store = open_store(path)
    assert store.revision() == 1
    store.close()


def test_threads_that_upgrade_at_once_all_find_the_store(open_another: Another) -> None:
    stores = [open_another() for _ in range(4)]
    threads = [threading.Thread(target=store.upgrade) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.revision() for store in stores] == [1, 1, 1, 1]


def test_a_store_of_a_later_version_is_left_alone(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew):
        store.upgrade()


def test_the_file_and_its_folder_are_for_the_owner_only(store: Store, path: Path) -> None:
    store.revision()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"store.sqlite": 0o600, "store.sqlite-wal": 0o600, "store.sqlite-shm": 0o600}


def test_a_commit_is_durable_and_what_is_deleted_is_gone(store: Store) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
    }
    with store.read() as connection:
        assert {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted} == wanted


def test_threads_that_write_at_once_lose_nothing(store: Store) -> None:
    def bump() -> None:
        for _ in range(25):
            with store.write() as connection:
                bump_revision(connection)

    threads = [threading.Thread(target=bump) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.revision() == 101


def test_a_locked_store_is_away_and_comes_back(path: Path, store: Store, open_another: Another) -> None:
    hasty = open_another(timeout=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway, match="locked"), hasty.write():
        pass
    assert hasty.revision() == 1  # readers do not care
    holder.execute("ROLLBACK")
    with hasty.write() as connection:
        bump_revision(connection)
    assert hasty.revision() == 2
    holder.close()


def test_a_store_whose_disk_is_gone_is_away_and_comes_back(store: Store, path: Path) -> None:
    assert store.revision() == 1
    elsewhere = path.parent.rename(path.parent.with_name("elsewhere"))
    with pytest.raises(StoreAway):
        store.health()
    assert not path.exists()  # no empty store was begun in its place
    with pytest.raises(StoreAway), store.read() as connection:
        connection.execute(select(REVISION))
    elsewhere.rename(path.parent)
    store.health()
    assert store.revision() == 1


def test_a_file_that_was_put_in_its_place_is_opened(store: Store, path: Path, tmp_path: Path) -> None:
    other = open_store(tmp_path / "other.sqlite")
    other.upgrade()
    with other.write() as connection:
        bump_revision(connection)
    other.close()
    assert store.revision() == 1
    for file in (path.with_name("store.sqlite-wal"), path.with_name("store.sqlite-shm")):
        file.unlink()
    (tmp_path / "other.sqlite").replace(path)
    assert store.revision() == 2


def test_what_is_no_database_is_away(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    store = open_store(path)
    with pytest.raises(StoreAway):
        store.upgrade()
    with pytest.raises(StoreAway):
        store.health()
    store.close()


def test_a_folder_that_cannot_be_made_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = open_store(tmp_path / "file" / "store.sqlite")
    with pytest.raises(StoreAway):
        store.upgrade()
    store.close()


def test_damage_is_away_and_our_own_mistakes_are_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IntegrityError), store.write() as connection:
        connection.execute(REVISION.insert().values(name="accounts", value=1))
    with pytest.raises(StoreAway, match="damaged"), store.away():
        raise database.sa.DatabaseError("SELECT 1", {}, sqlite3.DatabaseError("malformed"))
    assert store.generation == 1
    assert store.revision() == 1


def test_a_store_is_found_by_path_url_and_settings(tmp_path: Path) -> None:
    settings = Settings(gateway=GatewaySection(state_dir=tmp_path))
    file = tmp_path / "store.sqlite"
    for where in (file, str(file), f"sqlite:///{file}", settings):
        store = open_store(where)
        assert store.path == file
        store.close()


def test_a_server_is_not_connected_to_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def engine(url: str, timeout: float) -> object:
        asked.append(f"{url} {timeout}")
        return database.dialect.sqlite_engine(Path("/nowhere"), timeout)

    monkeypatch.setattr(database.dialect, "server_engine", engine)
    store = open_store(Settings(store=StoreSection(url="postgresql+psycopg://db/consentry", timeout=2.0)))
    assert asked == ["postgresql+psycopg://db/consentry 2.0"]
    assert store.path is None
    store.close()


def test_the_tables_can_be_said_in_postgresql() -> None:
    texts = [
        str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in METADATA.sorted_tables
    ]
    assert all("CREATE TABLE" in text for text in texts)
    assert len(texts) == len(METADATA.tables)


async def test_blocking_calls_run_in_threads(store: Store) -> None:
    assert await store.in_thread(threading.get_ident) != threading.get_ident()
    assert await asyncio.gather(*(store.in_thread(store.revision) for _ in range(5))) == [1] * 5
