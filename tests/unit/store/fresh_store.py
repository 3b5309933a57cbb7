"""A fresh store in the time that a copy takes: the migrations run once in a whole process of tests."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.store.database import Store, open_store


def fresh_store(path: Path, timeout: float = 5.0) -> Store:
    """Return an open store with this version's tables and nothing in them."""
    make_store(path)
    return open_store(path, timeout)


def make_store(path: Path) -> None:
    """Make the file of such a store, and its folder."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(_as_migrated())


@cache
def _as_migrated() -> bytes:
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store.sqlite")
        store.upgrade()
        store.close()
        return Path(store.path or "").read_bytes()
